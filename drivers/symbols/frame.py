"""A frame as the readers take it: whole, where it is not too large for that, and where a code may be."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2
from drivers.symbols.bounds import checked_luma
from drivers.symbols.region import Region, code_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Luma = NDArray[np.uint8]

WHOLE_MAX_PIXELS = 2_100_000  # 1920 x 1080: what is larger is reduced first, and looked at in parts
WHOLE_MIN_PIXELS = 230_000  # 640 x 360: in less, no code that is held before a camera could be read


MARGIN_PX = 24  # around a region: finder patterns at its corners, and the quiet zone


class Part(NamedTuple):
    """A part of a frame."""

    luma: Luma
    left: int  # its first pixel in the frame, reduced as it is
    top: int
    reduction: int


class Frame(NamedTuple):
    """A picture, and the same reduced to what can be looked at as a whole."""

    picture: Luma
    small: Luma
    reduction: int  # so many of the picture's pixels are one of the small one's, each way

    def regions(self) -> list[Region]:
        """Find what looks like codes, in px of the picture."""
        by = self.reduction
        return [
            Region(x * by, y * by, width * by, height * by, score)
            for x, y, width, height, score in code_regions(self.small)
        ]

    def part(self, region: Region | None) -> Part:
        """Cut a region out, from the small picture where it is as large as a frame; None: the small picture whole."""
        if region is None:
            return Part(self.small, 0, 0, self.reduction)
        if self.reduction == 1 or region.width * region.height <= WHOLE_MAX_PIXELS:
            return Part(*part_of(self.picture, region), 1)
        by = self.reduction
        x, y, width, height = (side // by for side in region[:4])
        return Part(*part_of(self.small, Region(x, y, width, height, region.score)), by)


def part_of(luma: Luma, region: Region) -> tuple[Luma, int, int]:
    """Cut a region with its margin out of a picture: the part, and its left and top in px."""
    left, top = max(0, region.x - MARGIN_PX), max(0, region.y - MARGIN_PX)
    right, bottom = region.x + region.width + MARGIN_PX, region.y + region.height + MARGIN_PX
    return np.ascontiguousarray(luma[top:bottom, left:right]), left, top


def frame_of(luma: object, pixels_max: float = WHOLE_MAX_PIXELS) -> Frame:
    """Take a picture of any size; `pixels_max`: what this machine can look at as a whole, as far as is known.

    Raises:
        ValueError: it is none.
    """
    picture = checked_luma(luma)
    most = min(max(pixels_max, WHOLE_MIN_PIXELS), WHOLE_MAX_PIXELS)
    reduction = max(1, ceil((picture.size / most) ** 0.5))
    if reduction == 1:
        return Frame(picture, picture, 1)
    height, width = (max(1, side // reduction) for side in picture.shape)
    even = picture[: height * reduction, : width * reduction]  # by a whole number OpenCV is four times faster
    small: Luma = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    return Frame(picture, small, reduction)
