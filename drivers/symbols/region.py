"""Where in a frame a code seems to be: a square patch of even, fine black and white, as strong across as down.

The frame is halved, differences of pixels 4 px apart are averaged over cells of 8 px, and cells well above the
frame's quiet part are gathered. Text fails by its shape or unevenness, edges and stripes by their one direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# All figures measured on rendered frames (medium and hard, 1280 and 640 px wide) and rooms with lettering
SIDE_MAX_PX = 800  # of the reduced frame; modules of 2 px keep their energy at half size
APART_PX = 2  # of the reduced frame: two pixels apart; one finds 1 in 20 fewer
CELL_PX = 4  # of the reduced frame
QUIET = 0.3  # the quantile of cells that is noise alone, unless a code fills the frame
LOUD = 0.995
QUIET_MAX = 10.0  # a camera's noise stays below; where even the quiet cells are louder, a code fills the frame
NOISE_FACTOR, NOISE_MARGIN = 1.7, 0.5  # above the quiet cells
SHARE = 0.37  # of the way from quiet to loud: a third finds lettering, half loses dim corners
CELLS_MIN = 5  # a side of 40 px at 1280x720: a code of 21 modules of 2 px
SQUARE_MIN = 0.55  # a code tilted by 40 degrees has 0.77; glare takes corners away
SQUARE_STRONG_MIN, STRONG_SCORE = 0.45, 250.0  # or the frame's edge does; what is so strong is no lettering
FILLED_MIN = 0.75
UNEVEN_MAX = 0.34  # standard deviation to mean; codes have 0.18, lines of text 0.3 and more
SMALL_CELLS, SMALL_UNEVEN = 18, 0.7  # of a smaller square patch the slopes of the blur are most: so much more at size 0
SMALL_SQUARE_MIN = 0.7
SCORE_MIN = 55  # codes have 120 and more, but 1 in 100; half of the lettering that is left has less
CANDIDATES_MAX = 8  # ours: bounds the time that a hostile frame takes


class Region(NamedTuple):
    """A box of a frame in pixels that may hold a code, and how much it looks like one."""

    x: int
    y: int
    width: int
    height: int
    score: float  # contrast times size times squareness: to compare regions of one frame


def code_regions(luma: NDArray[np.uint8], most: int = 2) -> list[Region]:
    """Find at most so many regions of a frame that look like codes, the likeliest first; none where nothing does."""
    reduction = max(2, -(-max(luma.shape) // SIDE_MAX_PX))
    if min(luma.shape) < reduction * (CELL_PX * CELLS_MIN + APART_PX):
        return []
    energy = _energy(luma, reduction)
    found = sorted(_patches(energy, _loud(energy)), key=lambda region: -region.score)[:most]
    cell_px = reduction * CELL_PX
    return [
        Region(x * cell_px, y * cell_px, width * cell_px, height * cell_px, score)
        for x, y, width, height, score in found
    ]


def _energy(luma: NDArray[np.uint8], reduction: int) -> NDArray[np.float32]:
    """Measure for each cell how much black and white changes, in the direction where it changes less."""
    height, width = (side // reduction for side in luma.shape)
    small = cv2.resize(luma[: height * reduction, : width * reduction], (width, height), interpolation=cv2.INTER_AREA)
    down, across = ((side - APART_PX) // CELL_PX for side in small.shape)
    inner = np.s_[: down * CELL_PX, : across * CELL_PX]
    sideways = cv2.absdiff(small[:, APART_PX:][inner], small[:, :-APART_PX][inner])
    upright = cv2.absdiff(small[APART_PX:][inner], small[:-APART_PX][inner])
    cells = [cv2.resize(change, (across, down), interpolation=cv2.INTER_AREA) for change in (sideways, upright)]
    both = cv2.min(*cells).astype(np.float32)
    evened = cv2.min(both, 2 * cv2.blur(both, (5, 5)))  # a lone edge is no texture
    energy: NDArray[np.float32] = cv2.blur(evened, (5, 5))
    return energy


def _loud(energy: NDArray[np.float32]) -> NDArray[np.uint8]:
    ordered = np.sort(energy, axis=None)
    quiet, loud = (float(ordered[int(ordered.size * share)]) for share in (QUIET, LOUD))
    quiet = min(quiet, QUIET_MAX)
    threshold = max(NOISE_FACTOR * quiet + NOISE_MARGIN, quiet + SHARE * (loud - quiet))
    opened: NDArray[np.uint8] = cv2.morphologyEx(
        (energy > threshold).astype(np.uint8), cv2.MORPH_OPEN, np.ones((CELLS_MIN - 1, CELLS_MIN - 1), np.uint8)
    )
    return opened


def _patches(energy: NDArray[np.float32], loud: NDArray[np.uint8]) -> Iterator[Region]:
    """Give the patches that are square, filled and even, in cells."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(loud)
    largest = 1 + np.argsort(-boxes[1:, cv2.CC_STAT_AREA])[:CANDIDATES_MAX]
    for label in largest:
        x, y, width, height, area = (int(number) for number in boxes[label])
        if min(width, height) < CELLS_MIN:
            continue
        box = np.s_[y : y + height, x : x + width]
        patch = (labels[box] == label).astype(np.uint8)
        square, filled = _shape(patch)
        mean, deviation = (float(number[0, 0]) for number in cv2.meanStdDev(energy[box], mask=patch))
        uneven = deviation / mean
        score = mean * area**0.5 * square * min(filled, 1) * (1 - uneven)
        is_square = square >= (SQUARE_STRONG_MIN if score >= STRONG_SCORE else SQUARE_MIN)
        if is_square and filled >= FILLED_MIN and uneven <= _uneven_most(area, square) and score >= SCORE_MIN:
            yield Region(x, y, width, height, score)


def _uneven_most(area: int, square: float) -> float:
    small = max(0.0, 1 - area**0.5 / SMALL_CELLS) if square >= SMALL_SQUARE_MIN else 0.0
    return UNEVEN_MAX + SMALL_UNEVEN * small


def _shape(patch: NDArray[np.uint8]) -> tuple[float, float]:
    """Measure, however it is turned, a patch's short side to its long one, and its area to that of such a rectangle."""
    moments = cv2.moments(patch, binaryImage=True)
    area = moments["m00"]
    sums, difference = moments["mu20"] + moments["mu02"], moments["mu20"] - moments["mu02"]
    spread = (difference**2 + 4 * moments["mu11"] ** 2) ** 0.5
    long, short = (
        (sums + spread) / 2 / area,
        (sums - spread) / 2 / area,
    )  # variances; a side is the root of 12 of them
    return (short / long) ** 0.5, area / (12 * (long * short) ** 0.5)
