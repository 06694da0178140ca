"""The part of a frame that a code covers: light where the code is light, its modules of bounded size."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2

MODULE_MOST_PX: Final = 6.0  # finer pictures tell no more, and cost memory and time
MODULE_LEAST_PX: Final = 0.5  # what is smaller than pixels is no code
MARGIN_SHARE: Final = 0.2  # of the code's extent: bent and tilted codes reach beyond the parallelogram of their finders

Points = NDArray[np.float64]


class View(NamedTuple):
    """A cut-out, perhaps made smaller."""

    picture: NDArray[np.float32]
    origin: Points  # (2,) px of the frame
    scale: float  # its pixels for each of the frame's

    def from_frame(self, points: Points) -> Points:
        """Give the cut-out's pixels of the frame's, both counted from the middle of the first."""
        return (points - self.origin + 0.5) * self.scale - 0.5

    def to_frame(self, points: Points) -> Points:
        """Give the frame's pixels of the cut-out's."""
        return (points + 0.5) / self.scale - 0.5 + self.origin


def view_of(luma: NDArray[np.uint8], centres: Points, module_px: float, *, inverted: bool) -> View | None:
    """Cut a code out by the centres of its finders (top left, top right, bottom left); None where it lies outside."""
    if not (module_px > MODULE_LEAST_PX and np.isfinite(centres).all()):
        return None
    top_left, top_right, bottom_left = centres
    corners = np.stack([top_left, top_right, bottom_left, top_right + bottom_left - top_left])
    margin = MARGIN_SHARE * np.ptp(corners, axis=0).max() + 8 * module_px
    height, width = luma.shape
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), 0, (width, height)).astype(int)
    cut = luma[low[1] : high[1], low[0] : high[0]]
    if not cut.size:
        return None
    scale = min(1.0, MODULE_MOST_PX / module_px)
    if scale < 1:
        cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = cut.astype(np.float32)
    return View(255 - picture if inverted else picture, low.astype(np.float64), scale)
