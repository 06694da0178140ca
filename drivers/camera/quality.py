"""Light and sharpness of a frame, as somebody who adjusts lens and lamp needs them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK, WHITE = 8, 248  # of 255: where a sensor has nothing left to tell
EDGE_MIN = 60  # of 255: an edge of less contrast says nothing of focus
EDGES_MIN = 200  # pixels on such edges: fewer are dust, or noise
AROUND_PX = 31  # the square in which an edge's contrast is taken
SMOOTH_PX = 1.0  # deviation of the blur that keeps noise from looking like an edge
SHARPEST = 0.2  # of the edges: others stand across the depth of field, or are no hard ones


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be said of one frame."""

    mean: float  # luminance, 0 to 255
    black: float  # share of the pixels without any light, 0 to 1
    white: float  # share of the pixels that are overexposed, 0 to 1
    blur_px: float | None  # deviation of the blur across its hard edges; None: no edge to judge by


def quality_of(luma: NDArray[np.uint8]) -> Quality:
    """Measure a frame of shape (height_px, width_px).

    Raises: ValueError for what is no picture of 8 bits.
    """
    if luma.ndim != 2 or luma.dtype != np.uint8 or luma.size == 0:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"no frame: {luma.dtype} of shape {luma.shape}")
    return Quality(
        mean=float(luma.mean()),
        black=float((luma <= BLACK).mean()),
        white=float((luma >= WHITE).mean()),
        blur_px=_blur_px(luma),
    )


def _blur_px(luma: NDArray[np.uint8]) -> float | None:
    """Return the blur by how steep edges are: a step of height h under a Gaussian blur s rises by h / (s sqrt(2 pi)).

    The height is the contrast right around the edge, so that neither light nor what is printed matters.
    """
    square = np.ones((AROUND_PX, AROUND_PX), np.uint8)
    smooth = cv2.GaussianBlur(luma, (0, 0), SMOOTH_PX)
    height = cv2.subtract(cv2.dilate(smooth, square), cv2.erode(smooth, square)).astype(np.float32)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    slope = cv2.magnitude(across, down)
    # the steepest place right around: only there the slope is the edge's own
    peaks = (
        (height >= EDGE_MIN) & (slope >= cv2.dilate(slope, np.ones((3, 3), np.uint8))) & (slope > height / AROUND_PX)
    )
    if int(peaks.sum()) < EDGES_MIN:
        return None
    widths = height[peaks] / (slope[peaks] * math.sqrt(2 * math.pi))
    seen = float(np.quantile(widths, SHARPEST))
    return math.sqrt(max(0.0, seen**2 - SMOOTH_PX**2))
