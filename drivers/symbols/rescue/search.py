"""Look for finders in a part of the frame: everywhere, where a pair says that the third is, or near a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, log2
from typing import Final

import numpy as np

from drivers._opencv import cv2
from drivers.symbols.rescue.cut import Cut, module_sizes, turn_of
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.finders import (
    NO_FINDERS,
    PATCH_MODULE_PX,
    PATTERN_MODULES,
    Fitted,
    Points,
    chosen,
    distinct,
    fitted,
    joined,
    likeness_map,
    module_px,
    peaks_of,
)
from drivers.symbols.rescue.triples import Missing, missing_of

SIGNS: Final = (1, -1)  # as printed; light and dark swapped
GROUPS_PX: Final = (np.inf, 5.5, 3.1, 1.9)  # modules are looked for from large to small, which costs ever more
LEVEL_MODULE_PX: Final = 3.4  # larger modules are looked for in a smaller copy
PEAKS_MAX: Final = 12  # of a sign and a size
STARTS_MAX: Final = 16  # fits of a sign and a round; of nine codes in ten the right three are among the first four
START_APART: Final = 0.7  # modules: near the right start there are others that lead astray
HOPE_LEAST: Final = 0.7  # likeness of the best finder by the third round: 1 code in 100 has less, of empty rooms 99
FINDER_APART: Final = 3.0
FINDERS_MAX: Final = 12  # of a sign
FIT_ROUNDS: Final = (2, 4)  # of all starts; of those that look like finders by then
FIT_LEAST: Final = 0.3
FIT_MOVES_MODULES: Final = 4.0
SQUARE: Final = np.array([1.0, 1])
NARROW: Final = (np.array([0.62, 1]), np.array([1, 0.62]))  # tilt and bends narrow finders to half their width
SLIM: Final = (SQUARE, np.array([0.7, 1]), np.array([1, 0.7]))  # of a third, against the pair that lacks it
NARROW_PX: Final = (2.0, 6.0)  # modules that narrow finders are looked for with
PAIRS_MAX: Final = 3
THIRDS_MAX: Final = 2  # places for each pair, corner and narrowing
REACH_MODULES: Final = 2.0  # how far from its expected place a third finder is looked for,
REACH_SHARE: Final = 0.14  # and how much more for each module of the leg

Signed = dict[int, Fitted]  # finders of each sign


def rounds_of(cut: Cut, deadline: Deadline) -> Iterator[Signed]:
    """Give the finders after each of five rounds: large, middling, small ones, thirds of pairs, narrow ones."""
    turn, sizes = turn_of(cut), module_sizes(cut)
    found = dict.fromkeys(SIGNS, NO_FINDERS)
    for large, small in pairwise(GROUPS_PX):
        modules = [size * SQUARE for size in sizes if small <= size < large]
        found = _with_more(cut, turn, modules, found, deadline)
        yield found
    if deadline.passed() or max(float(part.likeness.max(initial=0)) for part in found.values()) < HOPE_LEAST:
        return
    found = with_thirds(cut, found, deadline)
    yield found
    modules = [size * SQUARE for size in sizes if size < GROUPS_PX[-1]]
    modules += [size * narrowed for size in sizes if NARROW_PX[0] <= size < NARROW_PX[1] for narrowed in NARROW]
    found = _with_more(cut, turn, modules, found, deadline)
    if not deadline.passed():
        yield with_thirds(cut, found, deadline)


def _with_more(cut: Cut, turn: float, modules: Sequence[Points], found: Signed, deadline: Deadline) -> Signed:
    """Add the likeliest finders with such modules (px along and across)."""
    seen = [_everywhere(cut, turn, module) for module in modules if not deadline.passed()]
    if deadline.passed():
        return found
    starts = {sign: distinct(joined([part[sign] for part in seen]), START_APART, STARTS_MAX) for sign in SIGNS}
    return {sign: _finders([found[sign], part]) for sign, part in fit(cut, starts).items()}


def _everywhere(cut: Cut, turn: float, module: Points) -> Signed:
    """Find what looks like finders of one size (px along and across) in the whole cut."""
    height, width = cut.levels[0].shape
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    around = np.abs(rotation).T @ [width, height] / module
    return _peaks(cut, rotation * module, np.array([width, height]) / 2, around)


def _peaks(cut: Cut, frame: Points, centre: Points, around: Points) -> Signed:
    """Find what looks like finders along a frame, in a window of so many modules (width, height) about a place."""
    level = min(len(cut.levels) - 1, max(0, ceil(log2(float(module_px(frame)) / LEVEL_MODULE_PX))))
    width, height = (int(side * PATCH_MODULE_PX) + 1 for side in around)
    step = frame / PATCH_MODULE_PX
    origin = centre - step @ [width / 2, height / 2]
    patch = cv2.warpAffine(
        cut.levels[level],
        np.column_stack([step, origin]) / 2**level,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    likeness = likeness_map(patch)
    found = {}
    for sign in SIGNS:
        places, values = peaks_of(likeness * np.float32(sign), PEAKS_MAX)
        found[sign] = Fitted(places @ step.T + origin, np.tile(frame, (len(values), 1, 1)), values)
    return found


def _finders(parts: Sequence[Fitted]) -> Fitted:
    return distinct(joined(parts), FINDER_APART, FINDERS_MAX)


def fit(cut: Cut, starts: Signed) -> Signed:
    """Fit finders of both signs; those that run away or are no finders are left out."""
    both = joined(list(starts.values()))
    signs = np.repeat(list(starts), [len(part.centres) for part in starts.values()])
    found = fitted(cut.levels[0], both, signs, FIT_ROUNDS[0])
    likely = found.likeness > FIT_LEAST
    both, signs = chosen(both, likely), signs[likely]
    found = fitted(cut.levels[0], chosen(found, likely), signs, FIT_ROUNDS[1])
    moved = np.hypot(*(found.centres - both.centres).T)
    sound = (found.likeness > FIT_LEAST) & (moved < FIT_MOVES_MODULES * module_px(both.frames))
    return {sign: chosen(found, sound & (signs == sign)) for sign in starts}


def with_thirds(cut: Cut, finders: Signed, deadline: Deadline) -> Signed:
    """Look for the finders that pairs lack, and give them with those that there are."""
    starts = {
        sign: joined([_third(cut, missing, sign) for missing in missing_of(pairs, PAIRS_MAX) if not deadline.passed()])
        for sign, pairs in finders.items()
    }
    if deadline.passed():
        return finders
    more = fit(cut, starts)
    return {sign: _finders([finders[sign], more[sign]]) for sign in finders}


def _third(cut: Cut, missing: Missing, sign: int) -> Fitted:
    side = PATTERN_MODULES + 2 * (REACH_MODULES + REACH_SHARE * missing.leg_modules)
    found = [_peaks(cut, missing.frame * narrowed, missing.place, side / narrowed)[sign] for narrowed in SLIM]
    return joined([chosen(part, slice(THIRDS_MAX)) for part in found])


def near(cut: Cut, finder: Fitted, index: int, reach_px: float, sign: int) -> Fitted:
    """Look for one of several finders within so many px of its place."""
    frame = finder.frames[index]
    side = PATTERN_MODULES + 2 * reach_px / float(module_px(frame))
    return _peaks(cut, frame, finder.centres[index], np.array([side, side]))[sign]
