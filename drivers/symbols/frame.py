"""A frame as the readers take it: whole, where it is not too large for that, and where a code may be."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from drivers._opencv import cv2
from drivers.symbols.bounds import checked_luma
from drivers.symbols.region import Region, code_regions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Luma = NDArray[np.uint8]

WHOLE_MAX_PIXELS = 2_100_000  # 1920 x 1080: what is larger is reduced first, and looked at in parts
WHOLE_MIN_PIXELS = 230_000  # 640 x 360: in less, no code that is held before a camera could be read


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
    small: Luma = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return Frame(picture, small, reduction)
