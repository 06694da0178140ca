"""A part of a frame that is searched: cut out, in halving sizes, and how a code in it is turned."""

from __future__ import annotations

from math import ceil, log
from typing import Final, NamedTuple

import numpy as np

from drivers._opencv import cv2
from drivers.symbols.region import Region
from drivers.symbols.rescue.finders import PATCH_MODULE_PX, PATTERN_MODULES, Picture, Points
from drivers.symbols.rescue.layout import VERSIONS, side_of

SIDE_MAX_PX: Final = (
    1280  # ours: a larger part is halved first, as its modules are large or it holds no code; bounds time
)
MARGIN_LEAST_PX: Final = 16
CODE_LEAST_MODULES: Final = side_of(VERSIONS[0])
MODULE_LEAST_PX: Final = 1.6  # finer ones are beyond rescue
MODULE_MOST_PX: Final = 24.0
SIZE_STEP: Final = 1.3  # a finder is found at sizes an eighth off
PATCHES_MAX_PX: Final = 900_000  # of the largest patch: bounds a look between two looks at the deadline, 18 ms
WAYS: Final = 90  # directions of edges in half a turn
WAY_REACH: Final = np.arange(-18, 19)
# Edges keep within 6 degrees, as tilt and bends spread them; what spreads further is the diagonals of blurred modules
WAY_WEIGHTS: Final = np.exp(-0.5 * np.square(WAY_REACH / 3)) - np.exp(-0.5 * np.square(WAY_REACH / 9)) / 3
STRENGTH_MOST: Final = 4.0  # times the mean: a phone's edge counts no more than modules'


class Cut(NamedTuple):
    """A part of the frame."""

    levels: tuple[Picture, ...]  # each half as wide as the one before; a pixel's coordinates are halved
    corner: Points  # (2,) px of the frame
    unit: int  # px of the frame for each of the first level's

    def to_frame(self, points: Points) -> Points:
        """Give the frame's pixels of the first level's."""
        return points * self.unit + self.corner


def cut_of(luma: Picture, low: Points, high: Points) -> Cut | None:
    """Cut a box out, px from `low` to `high`; None where less of it is in the frame than the smallest code takes."""
    height, width = luma.shape
    left, top = (int(side) for side in np.clip(low, 0, (width, height)))
    right, bottom = (int(side) for side in np.clip(np.ceil(high), 0, (width, height)))
    first, unit = luma[top:bottom, left:right], 1
    while first.size and max(first.shape) > SIDE_MAX_PX:
        first, unit = np.asarray(cv2.pyrDown(first), np.uint8), unit * 2
    if not first.size or min(first.shape) < CODE_LEAST_MODULES * MODULE_LEAST_PX:
        return None
    levels = [np.ascontiguousarray(first)]
    while min(levels[-1].shape) >= 4 * PATTERN_MODULES:
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.uint8))
    return Cut(tuple(levels), np.array([left, top], np.float64), unit)


def cut_around(luma: Picture, region: Region, margin: float) -> Cut | None:
    """Cut a region out with a margin, a share of its longer side (see `cut_of`)."""
    low, size = np.array([region.x, region.y], np.float64), np.array([region.width, region.height], np.float64)
    more = max(MARGIN_LEAST_PX, margin * float(size.max()))
    return cut_of(luma, low - more, low + size + more)


def turn_of(cut: Cut) -> float:
    """Estimate how a code is turned, radians to a quarter turn: its edges run both along and across, stripes do not."""
    smooth = cv2.GaussianBlur(cut.levels[0], (0, 0), 1.0)
    x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[::2, ::2]
    y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[::2, ::2]
    power = (x * x + y * y).ravel()
    ways = (cv2.phase(x, y).ravel() * np.float32(WAYS / np.pi)).astype(np.intp) % WAYS
    strength = np.bincount(ways, np.minimum(power, STRENGTH_MOST * power.mean()), WAYS)
    smoothed = np.convolve(np.tile(strength, 3), WAY_WEIGHTS, "same")[WAYS : 2 * WAYS]
    both = np.minimum(smoothed, np.roll(smoothed, WAYS // 2))[: WAYS // 2]
    return float((np.argmax(both) + 0.5) * np.pi / WAYS)


def module_sizes(cut: Cut) -> list[float]:
    """List module sizes in px, from large to small, that a code in the cut may have."""
    height, width = cut.levels[0].shape
    most = min(MODULE_MOST_PX, min(height, width) / CODE_LEAST_MODULES)
    turned_px = 2 * height * width  # at most, when it is set upright
    least = max(MODULE_LEAST_PX, PATCH_MODULE_PX * float(np.sqrt(turned_px / PATCHES_MAX_PX)))
    steps = ceil(log(max(most / least, 1)) / log(SIZE_STEP)) + 1
    return [least * SIZE_STEP**step for step in reversed(range(steps))]
