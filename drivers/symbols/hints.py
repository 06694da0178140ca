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
from drivers.symbols.patches import COMPACT_MIN, WINDOW, Box, Frame, Patch, less_change, patches, reduced, square

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
FILLS_DETAIL = 72.0  # as `less_change` measures: what is alike all over is no wall
FILLS_GRAIN = 0.4  # of a frame's contrast, that stays in the reduced one: noise loses it
COMPACT_ALONE_MIN = 0.55  # how square and how full a patch is that has nothing lighter around it
QUIET_MIN = 0.25  # how much lighter it is around a code, in deviations of what is in it
QUIET_SOFT_MIN = 0.35  # the same around one without sharp edges
# a patch's side in lengths over which brightness stays alike: words have fewer than a code
GRAINS_MIN = 15.0  # times how compact it is
GRAINS_ALONE_MIN = 20.0  # the same where nothing lighter is around it
# a code without sharp edges; measured: these find 85 of 90 such codes, and something in 4 of 179 rooms
SOFT_MIN = 13.0  # grains, times how compact it is, times how much lighter it is around it
SOFT_COMPACT_MIN = 0.4
SIDE_SOFT_MIN = 0.15  # of the frame's height: what is smaller is a thing in a room
INVERTED_QUIET_MAX = -0.9  # around an inverted one
INVERTED_COMPACT_MIN = 0.6
INVERTED_GRAINS_MIN = 15.0
SIDES = {"left", "top", "right", "bottom"}
SIDES_SOFT_MAX = 1  # of the frame, that a patch without sharp edges touches: a wall goes on beyond them
TORN_GRAINS_MIN = 20.0  # of what a reflection leaves of a code
BESIDE = 0.5  # of a patch's longer side: so far beside it a reflection is on the same code
COHERENT_FROM = 0.34  # 0: as much detail one way as the other, 1: in one only
SOFT_FROM_PX = 1.7  # deviation of the blur across the sharpest edges: a lens in focus has 0.8 to 1.3
MOVED_BELOW_PX = 2.6  # the same of a code in motion, by the edges along it
SOBEL = 8  # times the slope in levels for each px: what a Sobel filter of 3 px gives
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
    if _levels(small, (WHITE,))[0] < DARK_BELOW:
        return "too-dark"
    white = cv2.morphologyEx(cv2.inRange(small, OVEREXPOSED, 255), cv2.MORPH_OPEN, square(3))
    overexposed = cv2.countNonZero(white) / white.size
    if overexposed > OVEREXPOSED_FRAME:
        return "too-bright"
    frame = Frame(luma, small, scale, white)
    if _fills(frame):
        return "too-near"
    found = _found_in(frame, region, patient=overexposed <= OVEREXPOSED_THING)
    return found or ("too-bright" if overexposed > OVEREXPOSED_THING else "no-code")


def _found_in(frame: Frame, region: Region | None, *, patient: bool) -> Hint | None:
    """Tell what keeps the likeliest patch from being read; None: there is none. `patient`: one out of focus counts."""
    torn = False
    for patch, coarse in patches(frame, region):
        reflects = not coarse and _reflects(frame, patch.box)
        may_be = _may_be_code(frame, patch, coarse=coarse)
        if not reflects and not may_be:
            continue
        detail = _detail(patch.box.middle().of(frame.luma))
        torn = torn or (reflects and _is_torn(patch, detail))
        if may_be and (patient or not detail.soft) and _is_code(frame, patch, detail, coarse=coarse):
            return _overexposed(frame, patch.box) or _hint_at(frame, patch, detail)
    return "glare" if torn else None


def _fills(frame: Frame) -> bool:
    """Tell whether what is finely black and white, and no noise, goes on all over the frame."""
    coarse = frame.halved().reduced
    detail = np.sort(less_change(coarse, 2 * WINDOW + 3)[::2, ::2], axis=None)
    low, high = (math.sqrt(max(0.0, float(detail[int(detail.size * at)]))) for at in (0.1, 0.9))
    if low < FILLS_DETAIL or low < FILLS_FROM * high:
        return False
    height, width = frame.luma.shape
    return _deviation(coarse) > FILLS_GRAIN * _deviation(Box(0, 0, width, height).middle().of(frame.luma))


def _deviation(luma: NDArray[np.uint8]) -> float:
    return float(cv2.meanStdDev(luma)[1][0, 0])


def _levels(luma: NDArray[np.uint8], shares: tuple[float, ...]) -> list[int]:
    """Return the levels that such shares of the pixels do not exceed."""
    counts = np.cumsum(cv2.calcHist([luma], [0], None, [256], [0, 256]))
    return [int(np.searchsorted(counts, counts[-1] * share)) for share in shares]


def _detail(crop: NDArray[np.uint8]) -> Detail:
    """Measure pixels by their structure tensor, their variance and their slopes."""
    across, down = (cv2.Sobel(crop, cv2.CV_16S, dx, dy) for dx, dy in ((1, 0), (0, 1)))
    # what is in both, from squares alone: OpenCV sums those without a picture of them
    xx, yy, both = (
        cv2.norm(one, cv2.NORM_L2SQR) / SOBEL**2 / crop.size for one in (across, down, cv2.add(across, down))
    )
    energy = max(xx + yy, 1e-6)
    black, white = _levels(crop, (BLACK, WHITE))
    return Detail(
        white,
        alike_px=math.sqrt(2 / energy) * _deviation(crop),
        coherence=math.hypot(xx - yy, both - xx - yy) / energy,
        edge_px=(white - black) / (_steepest(across, down) * math.sqrt(2 * math.pi)),
    )


def _steepest(across: NDArray[np.int16], down: NDArray[np.int16]) -> float:
    """Return the slope of the sharpest edges, in levels for each px, by every second row."""
    slopes = cv2.magnitude(across[::2].astype(np.float32), down[::2].astype(np.float32))
    most = max(float(slopes.max()), 1e-3)
    (steep,) = _levels(cv2.convertScaleAbs(slopes, alpha=255 / most), (SHARPEST,))
    return max(steep, 1) * most / 255 / SOBEL


def _compact(patch: Patch, *, coarse: bool) -> float:
    """Return how square and full a patch is; at the frame's edge at least as far as it can be seen."""
    return patch.full if not coarse and patch.touched else patch.compact


def _may_be_code(frame: Frame, patch: Patch, *, coarse: bool) -> bool:
    """Tell what needs no look at its pixels."""
    compact = _compact(patch, coarse=coarse)
    is_apart = patch.quiet > QUIET_MIN and compact > COMPACT_MIN
    if coarse:
        return is_apart and (_opposite(patch.touched) or _may_be_soft_code(frame, patch))
    return is_apart or compact > COMPACT_ALONE_MIN


def _is_code(frame: Frame, patch: Patch, detail: Detail, *, coarse: bool) -> bool:
    """Tell a code from text, from noise, and (where there are no sharp edges) from a wall."""
    grains = patch.side_px / max(detail.alike_px, 1e-3)
    if patch.touched == SIDES:  # see _fills
        return False
    if detail.soft:
        return _is_soft_code(frame, patch, grains)
    compact = _compact(patch, coarse=coarse)
    is_apart = patch.quiet > QUIET_MIN and grains * compact > GRAINS_MIN
    if coarse:  # large modules that leave some of the background
        return is_apart and _opposite(patch.touched) and compact > COMPACT_ALONE_MIN
    return is_apart or (compact > COMPACT_ALONE_MIN and grains * compact > GRAINS_ALONE_MIN)


def _is_soft_code(frame: Frame, patch: Patch, grains: float) -> bool:
    """Tell a code out of focus from a wall, which goes on beyond the frame and has nothing lighter around it."""
    if not _may_be_soft_code(frame, patch):
        return False
    if patch.quiet < 0:
        is_apart = patch.quiet < INVERTED_QUIET_MAX and patch.compact > INVERTED_COMPACT_MIN
        return is_apart and grains > INVERTED_GRAINS_MIN
    return grains * patch.compact * patch.quiet > SOFT_MIN


def _may_be_soft_code(frame: Frame, patch: Patch) -> bool:
    is_large = patch.side_px >= SIDE_SOFT_MIN * frame.luma.shape[0]
    return is_large and patch.compact > SOFT_COMPACT_MIN and len(patch.touched) <= SIDES_SOFT_MAX


def _opposite(touched: frozenset[str]) -> bool:
    return {"left", "right"} <= touched or {"top", "bottom"} <= touched


def _overexposed(frame: Frame, box: Box) -> Hint | None:
    """Tell a reflection from light that washes all of a code out."""
    middle = box.middle()
    pixels = cv2.inRange(middle.of(frame.luma), OVEREXPOSED, 255)
    around = cv2.dilate(middle.scaled(1 / frame.scale).of(frame.white), square(3))
    pixels[cv2.resize(around, pixels.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
    if cv2.countNonZero(pixels) > WASHED_OUT * pixels.size:
        return "too-bright"
    return "glare" if _reflects(frame, box) else None


def _reflects(frame: Frame, box: Box) -> bool:
    """Tell whether large overexposed pieces are in a part or just beside it, as where they leave a piece of a code."""
    beside = int(BESIDE * max(box.width, box.height))
    left, top = max(0, box.x - beside), max(0, box.y - beside)
    around = Box(left, top, box.x + box.width + beside - left, box.y + box.height + beside - top)
    return cv2.countNonZero(around.scaled(1 / frame.scale).of(frame.white)) > GLARE_MIN * box.area / frame.scale**2


def _is_torn(patch: Patch, detail: Detail) -> bool:
    """Tell what a reflection leaves of a code, which is no square, from the lamp alone."""
    is_fine = patch.side_px / max(detail.alike_px, 1e-3) > TORN_GRAINS_MIN
    return is_fine and not detail.soft and detail.coherence < COHERENT_FROM


def _hint_at(frame: Frame, patch: Patch, detail: Detail) -> Hint:
    """Tell what keeps this patch from being read."""
    if detail.white < DIM_BELOW:
        return "too-dark"
    if detail.soft:
        return "out-of-focus"
    if detail.moved:  # which smears a large code over the frame's edge
        return "motion"
    if patch.touched:
        return "too-near" if _opposite(patch.touched) else "partly-in-frame"
    if patch.side_px < max(SMALL_BELOW_PX, CLOSER_BELOW * frame.luma.shape[0]):
        return "too-far"
    return "motion"  # to hold still is what helps against most other things
