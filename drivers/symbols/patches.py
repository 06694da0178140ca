"""Where in a frame a code may be that nothing reads: patches that are finely black and white.

`region.py` finds codes that could be read, at once; this finds those that cannot, blurred, half dark or too small, and
takes the time of some frames in a second for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from drivers.symbols.region import Region

REDUCED_MAX_PX = 400  # of the reduced frame's longer side: 320 x 180, or 320 x 240
WINDOW = 9  # px of the reduced frame: over which detail is gathered
PATCH_SHARES = (0.1, 0.35)  # of the strongest detail: what belongs to a patch, with what is weak and without
PATCH_MIN_PX = 40  # of a patch's narrow side: a line of text beside a code is no part of it
COARSER = 2  # looks at the frame reduced further, which large modules and codes out of focus need
COARSE_MIN = 5  # px of these, of a patch's narrow side
CANDIDATES_MAX = 4  # ours: patches that are looked at; bounds the time that a hostile frame takes
CROP_MAX_PX = 192  # ours: of a patch's side, around its middle; bounds time
COMPACT_MIN = 0.35  # how square and how full a patch is; lines of text are long
RING_PX = 3  # of the reduced frame: the quiet zone, or some of it


class Box(NamedTuple):
    """A part of a picture, in px."""

    x: int
    y: int
    width: int
    height: int

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the part out."""
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]

    def middle(self) -> Box:
        """Return the part's own middle, at most `CROP_MAX_PX` each way."""
        width, height = min(self.width, CROP_MAX_PX), min(self.height, CROP_MAX_PX)
        return Box(self.x + (self.width - width) // 2, self.y + (self.height - height) // 2, width, height)

    def scaled(self, factor: float) -> Box:
        """Return where the part is in the same picture of another size."""
        return Box(*(int(side * factor) for side in self))


class Patch(NamedTuple):
    """What is finely black and white: its box, the side of a square of its size, how much it is one (0 to 1)."""

    box: Box
    side_px: float
    compact: float
    quiet: float  # how much lighter it is around it, in its own deviations


class Frame(NamedTuple):
    """A frame, the same reduced `scale` times, and what is overexposed of that in large pieces (255, else 0)."""

    luma: NDArray[np.uint8]
    reduced: NDArray[np.uint8]
    scale: int
    white: NDArray[np.uint8]

    def halved(self) -> Frame:
        """Return the same frame, reduced twice as much."""
        return Frame(self.luma, _half(self.reduced), self.scale * 2, _half(self.white))

    def touched(self, box: Box) -> set[str]:
        """Tell which of its sides a part touches: there it goes on beyond them."""
        near = 2 * self.scale
        height, width = self.luma.shape
        sides = {
            "left": box.x <= near,
            "top": box.y <= near,
            "right": box.x + box.width >= width - near,
            "bottom": box.y + box.height >= height - near,
        }
        return {side for side, touches in sides.items() if touches}


def reduced(luma: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Halve a frame until it is small; return how many times smaller. By two OpenCV is far faster than by four."""
    scale = 1
    while max(luma.shape) > REDUCED_MAX_PX and min(luma.shape) > 1:
        luma = _half(luma)
        scale *= 2
    return luma, scale


def _half(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = (side // 2 for side in luma.shape)
    half: NDArray[np.uint8] = cv2.resize(luma[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA)
    return half


def patches(frame: Frame, region: Region | None) -> Iterator[tuple[Patch, bool]]:
    """Find patches of detail, the largest first, then the given one; then, told apart, those of coarser looks."""
    side, detail = max(3, PATCH_MIN_PX // frame.scale), _detail_map(frame)
    for share in PATCH_SHARES:
        mask = cv2.morphologyEx(_detailed(detail, share), cv2.MORPH_OPEN, square(side))
        yield from ((patch, False) for patch in _found(frame, mask))
    if region is not None and (outline := _outline(frame, region)) is not None:
        yield _patch(frame, outline), False
    for _ in range(COARSER):
        frame = frame.halved()
        # before the mask: corners between large things are small, and stronger than a code out of focus
        detail = cv2.morphologyEx(_detail_map(frame), cv2.MORPH_OPEN, square(COARSE_MIN))
        mask = _detailed(detail, PATCH_SHARES[0])
        yield from ((patch, True) for patch in _found(frame, mask))


def _detail_map(frame: Frame) -> NDArray[np.float32]:
    """Measure detail around each pixel in the direction that has less; edges are as wide as the window, and vanish."""
    detail: NDArray[np.float32] = cv2.erode(cv2.cornerMinEigenVal(frame.reduced, WINDOW), square(WINDOW))
    return detail


def _detailed(detail: NDArray[np.float32], share: float) -> NDArray[np.uint8]:
    mask: NDArray[np.uint8] = cv2.compare(detail, share * max(float(detail.max()), 1e-9), cv2.CMP_GT)
    return mask


def _found(frame: Frame, mask: NDArray[np.uint8]) -> list[Patch]:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [_patch(frame, one) for one in sorted(outlines, key=cv2.contourArea, reverse=True)[:CANDIDATES_MAX]]


def square(side: int) -> NDArray[np.uint8]:
    """Return what erodes or dilates by a square."""
    return np.ones((side, side), np.uint8)


def _outline(frame: Frame, region: Region) -> NDArray[np.int32] | None:
    """Return the outline of a region in the reduced frame, as far as it is inside."""
    height, width = frame.reduced.shape
    left, top = max(0, region.x // frame.scale), max(0, region.y // frame.scale)
    right = min(width, (region.x + region.width) // frame.scale) - 1
    bottom = min(height, (region.y + region.height) // frame.scale) - 1
    if right <= left or bottom <= top:
        return None
    return np.array([[[left, top]], [[right, top]], [[right, bottom]], [[left, bottom]]], np.int32)


def _patch(frame: Frame, outline: NDArray[np.int32]) -> Patch:
    _, sides, _ = cv2.minAreaRect(outline)
    short, long = sorted(side + 1 for side in sides)  # outlines run through the middles of pixels
    area = cv2.contourArea(outline) + (short + long) / 2
    box, compact = Box(*cv2.boundingRect(outline)), area / long**2
    quiet = _quiet(frame, outline, box) if compact > COMPACT_MIN else 0.0
    return Patch(box.scaled(frame.scale), math.sqrt(short * long) * frame.scale, compact, quiet)


def _quiet(frame: Frame, outline: NDArray[np.int32], box: Box) -> float:
    """Measure how much lighter it is around a patch than in it, in deviations of what is in it."""
    around = Box(max(0, box.x - RING_PX), max(0, box.y - RING_PX), box.width + 2 * RING_PX, box.height + 2 * RING_PX)
    part = around.of(frame.reduced)
    inside = np.zeros_like(part)
    cv2.drawContours(inside, [outline], -1, 255, cv2.FILLED, offset=(-around.x, -around.y))
    ring = cv2.subtract(cv2.dilate(inside, square(2 * RING_PX + 1)), inside)
    mean, deviation = cv2.meanStdDev(part, mask=inside)
    return float((cv2.mean(part, mask=ring)[0] - mean[0, 0]) / max(deviation[0, 0], 1.0))
