"""Which finders belong to one code: three at a right angle with legs of one length, as their own frames have it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from drivers.symbols.rescue.finders import Fitted, Points, inverse
from drivers.symbols.rescue.layout import FINDER_SIDE, VERSIONS, side_of

LEG_LEAST_MODULES: Final = 0.75 * (side_of(VERSIONS[0]) - FINDER_SIDE)  # tilt shortens, and frames err
LEG_MOST_MODULES: Final = 1.2 * (side_of(VERSIONS[-1]) - FINDER_SIDE)
VIEWS_DIFFER_MOST: Final = 0.8  # log: on bent paper one finder is half as wide as the other
PAIR_LEAST: Final = 1.2  # of two likenesses, less what does not fit
DIAGONAL_FROM: Final = 0.38  # sine of 22 degrees: a way turned more leads from corner to corner
# What is lost, in units of likeness, for each unit of
LEGS_DIFFER: Final = 0.8  # log of the legs' ratio
SKEW: Final = 0.5  # cosine between the legs, in modules
TURNED: Final = 0.8  # sine between a finder's frame and a leg
VIEWS_DIFFER: Final = 0.3  # log of the ratio of what both finders make of a leg's length
QUARTER: Final = np.array([[0, -1], [1, 0]])


class Triple(NamedTuple):
    """Three finders of one code: top left, top right, bottom left."""

    centres: Points  # (3, 2) px
    frames: Points  # (3, 2, 2): px for each module along the code's x and y
    likeness: Points  # (3,)
    modules: tuple[float, float]  # from the top left finder to the others, as the frames have it
    score: float  # the sum of likenesses, less what does not fit


class Missing(NamedTuple):
    """Where a third finder may be, as two others have it."""

    place: Points  # (2,) px
    frame: Points  # (2, 2) px for each module
    leg_modules: float


class _Ways(NamedTuple):
    """What each finder (row) makes of the way to each other (column)."""

    px: Points  # (n, n, 2)
    modules: Points  # (n, n): the mean of both views
    along: Points  # (n, n, 2): unit vector in the row's frame
    differ: Points  # (n, n): log of the views' ratio, absolute
    turned: Points  # (n, n): sine of the angle to the nearest axis, the greater of both views'


def _ways(finders: Fitted) -> _Ways:
    px = finders.centres[None] - finders.centres[:, None]
    seen = (inverse(finders.frames)[:, None] @ px[..., None])[..., 0]
    length = np.hypot(seen[..., 0], seen[..., 1]) + 1e-9  # of none to itself
    along = seen / length[..., None]
    turned = np.abs(along).min(axis=2)
    differ = np.abs(np.log(length / length.T))
    return _Ways(px, (length + length.T) / 2, along, differ, np.maximum(turned, turned.T))


def triples_of(finders: Fitted, most: int) -> list[Triple]:
    """Give at most so many triples, the likeliest first; a mirrored code's come as if it were not."""
    ways = _ways(finders)
    is_leg = (ways.modules > LEG_LEAST_MODULES) & (ways.modules < LEG_MOST_MODULES) & (ways.differ < VIEWS_DIFFER_MOST)
    others = ~np.eye(len(is_leg), dtype=np.bool_)
    first, right, down = np.nonzero(is_leg[:, :, None] & is_leg[:, None, :] & others[None])
    across, below = ways.px[first, right], ways.px[first, down]
    clockwise = across[:, 0] * below[:, 1] > across[:, 1] * below[:, 0]
    first, right, down = first[clockwise], right[clockwise], down[clockwise]
    ratio = np.abs(np.log(ways.modules[first, right] / ways.modules[first, down]))
    skew = np.abs((ways.along[first, right] * ways.along[first, down]).sum(axis=1))
    loss = TURNED * ways.turned + VIEWS_DIFFER * ways.differ
    score = finders.likeness[first] + finders.likeness[right] + finders.likeness[down]
    score -= LEGS_DIFFER * ratio + SKEW * skew + loss[first, right] + loss[first, down]
    best = np.argsort(-score, kind="stable")[:most]
    return [_triple(finders, ways, [int(first[i]), int(right[i]), int(down[i])], float(score[i])) for i in best]


def _triple(finders: Fitted, ways: _Ways, which: list[int], score: float) -> Triple:
    first, right, down = which
    x, y = ways.along[first, right]
    quarters = round(float(np.arctan2(y, x)) / (np.pi / 2)) % 4
    frames = finders.frames[which] @ np.linalg.matrix_power(QUARTER, quarters)  # x leads from top left to top right
    modules = (float(ways.modules[first, right]), float(ways.modules[first, down]))
    return Triple(finders.centres[which], frames, finders.likeness[which], modules, score)


def missing_of(finders: Fitted, most: int) -> list[Missing]:
    """Say where third finders may be, of at most so many pairs, the likeliest pairs first."""
    ways = _ways(finders)
    diagonal = np.abs(np.abs(ways.along[..., 0]) - np.abs(ways.along[..., 1])) / np.sqrt(2)
    off = np.minimum(ways.turned, np.maximum(diagonal, diagonal.T))
    value = finders.likeness[:, None] + finders.likeness - TURNED * off - VIEWS_DIFFER * ways.differ
    is_pair = (ways.modules > LEG_LEAST_MODULES) & (ways.modules < LEG_MOST_MODULES * np.sqrt(2))
    is_pair &= (value > PAIR_LEAST) & (ways.differ < VIEWS_DIFFER_MOST)
    first, second = np.nonzero(np.triu(is_pair, 1))
    best = np.argsort(-value[first, second], kind="stable")[:most]
    return [missing for i in best for missing in _thirds(finders, ways, int(first[i]), int(second[i]))]


def _thirds(finders: Fitted, ways: _Ways, first: int, second: int) -> list[Missing]:
    """Complete a pair to a corner: at four places beside a leg, at two beside a diagonal."""
    frame = (finders.frames[first] + finders.frames[second]) / 2
    way = inverse(frame) @ ways.px[first, second]
    across = QUARTER @ way
    leg_modules = float(ways.modules[first, second])
    if ways.turned[first, second] > DIAGONAL_FROM:
        offsets = [(way + side * across) / 2 for side in (1, -1)]
        leg_modules /= float(np.sqrt(2))
    else:
        offsets = [start * way + side * across for start in (0, 1) for side in (1, -1)]
    return [Missing(finders.centres[first] + frame @ offset, frame, leg_modules) for offset in offsets]
