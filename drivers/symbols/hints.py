"""Why a frame does not read, as far as a person could help it: a hint that a screen can show.

One look at a reduced frame says how light it is, whether something fills it, and where it is finely black and white in
both directions (the smaller eigenvalue of the structure tensor: an edge, however strong, has none). A second look at
the pixels of that patch tells small modules, a lens out of focus and motion apart: motion takes detail from one
direction (coherence), a lens from both (the width of the sharpest edges).

The thresholds are ours, found on rendered frames of one cause each; tests/drivers/test_symbols_hints.py has other ones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2
from drivers.symbols.patches import COMPACT_MIN, WINDOW, Box, Frame, Patch, patches, reduced, square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.symbols import Hint
    from drivers.symbols.region import Region

SIDE_MIN_PX = 16  # of the reduced frame: less holds no code
BLACK, WHITE = 0.03, 0.97  # of the pixels: what counts as black, as white
DARK_BELOW = 45  # of 255: the white of a whole frame; paper in a lit room has 100 and more
DIM_BELOW = 70  # of 255: the white of a code in a lit room: a screen turned down
OVEREXPOSED = 250  # of 255
OVEREXPOSED_FRAME = 0.4  # of a frame: more is no reflection
OVEREXPOSED_THING = 0.05  # of a frame: a screen held up; a lamp in the background is smaller
GLARE_MIN = 0.04  # of a patch, in large pieces: error correction makes up for less
WASHED_OUT = 0.15  # of a patch's pixels, besides such pieces: the white modules themselves
FILLS_FROM = 0.55  # tenth to ninetieth percentile of detail: alike all over the frame
FILLS_DETAIL = 0.05  # of black to white: what is alike all over is no wall
FILLS_GRAIN = 0.4  # of a frame's contrast, that stays in the reduced one: noise loses it
COMPACT_ALONE_MIN = 0.55  # how square and how full a patch is that has nothing lighter around it
QUIET_MIN = 0.25  # how much lighter it is around a code, in deviations of what is in it
QUIET_SOFT_MIN = 0.35  # the same around one without sharp edges
# a patch's side in lengths over which brightness stays alike: words have fewer than a code
GRAINS_MIN = 15.0  # times how compact it is
GRAINS_ALONE_MIN = 22.0  # the same where nothing lighter is around it
GRAINS_SOFT_MIN = 10.0  # without sharp edges
APART_SOFT_MIN = 12.0  # times how much lighter it is around it
CLEAR_GRAINS_MIN = 25.0  # with `CLEAR_SOFT_MIN` enough for any code without sharp edges
CLEAR_SOFT_MIN = 1.0  # how much lighter it is around it, or darker
SIDE_SOFT_MIN = 0.17  # of the frame's height: the side of a patch without sharp edges
SIDES = {"left", "top", "right", "bottom"}
SIDES_SOFT_MAX = 1  # of the frame, that a patch without sharp edges touches: a wall goes on beyond them
COHERENT_FROM = 0.34  # 0: as much detail one way as the other, 1: in one only
SOFT_FROM_PX = 1.7  # deviation of the blur across the sharpest edges: a lens in focus has 0.8 to 1.3
MOVED_BELOW_PX = 2.6  # the same of a code in motion, by the edges along it
SHARPEST = 0.99  # of the pixels' slopes: the edges that a patch has, however few
SMALL_BELOW_PX = 195.0  # the side of a pass (57 to 97 modules) at 2 px for each module
CLOSER_BELOW = 0.45  # of the frame's height: a code that could come closer, whatever keeps it from being read


class Detail(NamedTuple):
    """What the pixels of a patch say."""

    white: int  # of 255: its lightest
    alike_px: float  # how far brightness stays alike
    coherence: float
    edge_px: float  # deviation of the blur across its sharpest edges

    @property
    def moved(self) -> bool:
        """Tell whether a hand has taken its edges, which leaves some of them."""
        return self.coherence > COHERENT_FROM and self.edge_px < MOVED_BELOW_PX

    @property
    def soft(self) -> bool:
        """Tell whether a lens has taken them."""
        return self.edge_px > SOFT_FROM_PX and not self.moved


def hint_of(luma: NDArray[np.uint8], region: Region | None) -> Hint:
    """Tell what keeps a frame of (height_px, width_px) from being read; `region` is where a code seems to be.

    It is meant for frames that were not read: of one that was it says something too.
    """
    small, scale = reduced(luma)
    if min(small.shape) < SIDE_MIN_PX:
        return "no-code"
    if _level(small, WHITE) < DARK_BELOW:
        return "too-dark"
    white = cv2.morphologyEx(cv2.inRange(small, OVEREXPOSED, 255), cv2.MORPH_OPEN, square(3))
    overexposed = cv2.countNonZero(white) / white.size
    if overexposed > OVEREXPOSED_FRAME:
        return "too-bright"
    frame = Frame(luma, small, scale, white)
    if _fills(frame):
        return "too-near"
    for patch, coarse in patches(frame, region):
        if not _may_be_code(patch, coarse=coarse):
            continue
        detail = _detail(patch.box.middle().of(luma))
        if detail.soft and overexposed > OVEREXPOSED_THING:
            continue
        if _is_code(frame, patch, detail, coarse=coarse):
            return _overexposed(frame, patch.box) or _hint_at(frame, patch, detail)
    return "too-bright" if overexposed > OVEREXPOSED_THING else "no-code"


def _fills(frame: Frame) -> bool:
    """Tell whether what is finely black and white, and no noise, goes on all over the frame."""
    coarse = frame.halved().reduced
    detail = np.sort(cv2.cornerMinEigenVal(coarse, 2 * WINDOW + 3)[::4, ::4], axis=None)
    low, high = (math.sqrt(max(0.0, float(detail[int(detail.size * at)]))) for at in (0.1, 0.9))
    if low < FILLS_DETAIL or low < FILLS_FROM * high:
        return False
    height, width = frame.luma.shape
    return _deviation(coarse) > FILLS_GRAIN * _deviation(Box(0, 0, width, height).middle().of(frame.luma))


def _deviation(luma: NDArray[np.uint8]) -> float:
    return float(cv2.meanStdDev(luma)[1][0, 0])


def _level(luma: NDArray[np.uint8], share: float) -> int:
    """Return the level that such a share of the pixels does not exceed."""
    counts = np.cumsum(cv2.calcHist([luma], [0], None, [256], [0, 256]))
    return int(np.searchsorted(counts, counts[-1] * share))


def _detail(crop: NDArray[np.uint8]) -> Detail:
    """Measure pixels by their structure tensor, their variance and their slopes."""
    across, down = (cv2.Sobel(crop, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    xx, yy, xy = (float(cv2.mean(cv2.multiply(a, b))[0]) for a, b in ((across, across), (down, down), (across, down)))
    energy = max(xx + yy, 1e-6)
    white, black = _level(crop, WHITE), _level(crop, BLACK)
    return Detail(
        white,
        alike_px=math.sqrt(2 / energy) * _deviation(crop),
        coherence=math.hypot(xx - yy, 2 * xy) / energy,
        edge_px=(white - black) / (_steepest(cv2.magnitude(across, down)) * math.sqrt(2 * math.pi)),
    )


def _steepest(slopes: NDArray[np.float32]) -> float:
    """Return the slope of the sharpest edges, in levels for each px."""
    most = max(float(slopes.max()), 1e-3)
    return max(_level(cv2.convertScaleAbs(slopes, alpha=255 / most), SHARPEST), 1) * most / 255


def _may_be_code(patch: Patch, *, coarse: bool) -> bool:
    """Tell what needs no look at its pixels."""
    is_apart = patch.quiet > QUIET_MIN and patch.compact > COMPACT_MIN
    return is_apart or (not coarse and patch.compact > COMPACT_ALONE_MIN)


def _is_code(frame: Frame, patch: Patch, detail: Detail, *, coarse: bool) -> bool:
    """Tell a code from text, from noise, and (where there are no sharp edges) from a wall."""
    grains = patch.side_px / max(detail.alike_px, 1e-3)
    touched = frame.touched(patch.box)
    if touched == SIDES:  # see _fills
        return False
    if detail.soft:
        return _is_soft_code(frame, patch, grains)
    is_apart = patch.quiet > QUIET_MIN and grains * patch.compact > GRAINS_MIN
    if coarse:  # large modules that leave some of the background
        return is_apart and _opposite(touched) and patch.compact > COMPACT_ALONE_MIN
    return is_apart or (patch.compact > COMPACT_ALONE_MIN and grains * patch.compact > GRAINS_ALONE_MIN)


def _is_soft_code(frame: Frame, patch: Patch, grains: float) -> bool:
    """Tell a code out of focus from a wall, which goes on beyond the frame and has nothing lighter around it."""
    is_clear = abs(patch.quiet) > CLEAR_SOFT_MIN and grains > CLEAR_GRAINS_MIN
    if patch.quiet < 0:  # around an inverted code
        return is_clear and patch.compact > COMPACT_ALONE_MIN
    if is_clear:
        return True
    if len(frame.touched(patch.box)) > SIDES_SOFT_MAX or patch.side_px < SIDE_SOFT_MIN * frame.luma.shape[0]:
        return False
    return grains > GRAINS_SOFT_MIN and patch.quiet > QUIET_SOFT_MIN and grains * patch.quiet > APART_SOFT_MIN


def _opposite(touched: set[str]) -> bool:
    return {"left", "right"} <= touched or {"top", "bottom"} <= touched


def _overexposed(frame: Frame, box: Box) -> Hint | None:
    """Tell a reflection from light that washes all of a code out."""
    middle = box.middle()
    pixels = cv2.inRange(middle.of(frame.luma), OVEREXPOSED, 255)
    around = cv2.dilate(middle.scaled(1 / frame.scale).of(frame.white), square(3))
    pixels[cv2.resize(around, pixels.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
    if cv2.countNonZero(pixels) > WASHED_OUT * pixels.size:
        return "too-bright"
    pieces = box.scaled(1 / frame.scale).of(frame.white)
    return "glare" if cv2.countNonZero(pieces) > GLARE_MIN * pieces.size else None


def _hint_at(frame: Frame, patch: Patch, detail: Detail) -> Hint:
    """Tell what keeps this patch from being read."""
    if detail.white < DIM_BELOW:
        return "too-dark"
    if detail.soft:
        return "out-of-focus"
    if touched := frame.touched(patch.box):
        return "too-near" if _opposite(touched) else "partly-in-frame"
    if detail.moved:
        return "motion"
    if patch.side_px < max(SMALL_BELOW_PX, CLOSER_BELOW * frame.luma.shape[0]):
        return "too-far"
    return "motion"  # to hold still is what helps against most other things
