"""Where in a frame a code may be that nothing reads: patches that are finely black and white.

`region.py` finds codes that could be read, at once; this finds those that cannot, blurred, half dark or too small, and
takes the time of some frames in a second for it.
"""

from __future__ import annotations

import math
from functools import cache
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
CANDIDATES_MAX = 3  # ours: patches that are looked at; bounds the time that a hostile frame takes
CROP_MAX_PX = 192  # ours: of a patch's side, around its middle; bounds time
COMPACT_MIN = 0.35  # how square and how full a patch is; lines of text are long
RING_PX = 3  # of the reduced frame, as reduced as it is looked at: the quiet zone, or some of it
FINE_RING_PX = 2  # the same at the first look


class Box(NamedTuple):
    """A part of a picture, in px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Return how many px it has."""
        return self.width * self.height

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
    full: float  # the same where half of the square may be beyond the frame
    quiet: float  # how much lighter it is around it, in its own deviations
    touched: frozenset[str]  # sides of the frame


class Frame(NamedTuple):
    """A frame, the same reduced `scale` times, and what is overexposed of that in large pieces (255, else 0)."""

    luma: NDArray[np.uint8]
    reduced: NDArray[np.uint8]
    scale: int
    white: NDArray[np.uint8]

    def halved(self) -> Frame:
        """Return the same frame, reduced twice as much."""
        return Frame(self.luma, _half(self.reduced), self.scale * 2, _half(self.white))

    def touched(self, box: Box) -> frozenset[str]:
        """Tell which of its sides a part touches: there it goes on beyond them."""
        near = 2 * self.scale
        height, width = self.luma.shape
        sides = {
            "left": box.x <= near,
            "top": box.y <= near,
            "right": box.x + box.width >= width - near,
            "bottom": box.y + box.height >= height - near,
        }
        return frozenset(side for side, touches in sides.items() if touches)


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
    # edges are as wide as the window, and vanish
    detail = cv2.erode(less_change(frame.reduced, WINDOW), square(WINDOW // 2 + 1))
    frame = frame.halved()
    for share in PATCH_SHARES:
        mask = cv2.morphologyEx(_detailed(detail, share), cv2.MORPH_OPEN, square(max(3, PATCH_MIN_PX // frame.scale)))
        yield from ((patch, False) for patch in _found(frame, mask, FINE_RING_PX))
    if region is not None and (outline := _outline(frame, region)) is not None:
        yield _patch(frame, outline, FINE_RING_PX), False
    for look in range(COARSER):
        frame = frame.halved() if look else frame
        detail = cv2.erode(cv2.cornerMinEigenVal(frame.reduced, WINDOW), square(WINDOW))
        # before the mask: corners between large things are small, and stronger than a code out of focus
        mask = _detailed(cv2.morphologyEx(detail, cv2.MORPH_OPEN, square(COARSE_MIN)), PATCH_SHARES[0])
        yield from ((patch, True) for patch in _found(frame, mask, RING_PX))


def less_change(luma: NDArray[np.uint8], window: int) -> NDArray[np.float32]:
    """Measure how much changes around each pixel in the direction that has less; at half the picture's size.

    It is what `cv2.cornerMinEigenVal` measures over a window in px of the picture, with all but the slopes at half the
    size, in half the time; in squares of a Sobel filter's answer, twice over.
    """
    half, side = (luma.shape[1] // 2, luma.shape[0] // 2), window // 2 + 1
    across, down = (cv2.Sobel(luma, cv2.CV_16S, dx, dy) for dx, dy in ((1, 0), (0, 1)))
    xx, yy, xy = (
        cv2.blur(cv2.resize(cv2.multiply(a, b, dtype=cv2.CV_32F), half, interpolation=cv2.INTER_AREA), (side, side))
        for a, b in ((across, across), (down, down), (across, down))
    )
    less: NDArray[np.float32] = cv2.subtract(cv2.add(xx, yy), cv2.magnitude(cv2.subtract(xx, yy), cv2.add(xy, xy)))
    return less


def _detailed(detail: NDArray[np.float32], share: float) -> NDArray[np.uint8]:
    mask: NDArray[np.uint8] = cv2.compare(detail, share * max(float(detail.max()), 1e-9), cv2.CMP_GT)
    return mask


def _found(frame: Frame, mask: NDArray[np.uint8], ring_px: int) -> list[Patch]:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = sorted(outlines, key=cv2.contourArea, reverse=True)[:CANDIDATES_MAX]
    return [_patch(frame, one, ring_px) for one in largest if not _is_all(mask, one)]


def _is_all(mask: NDArray[np.uint8], outline: NDArray[np.int32]) -> bool:
    """Tell what goes on beyond all four sides: `hints` tells such a code before it looks for patches."""
    _, _, width, height = cv2.boundingRect(outline)
    return bool(height >= mask.shape[0] - 2 and width >= mask.shape[1] - 2)


@cache
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


def _patch(frame: Frame, outline: NDArray[np.int32], ring_px: int) -> Patch:
    _, sides, _ = cv2.minAreaRect(outline)
    short, long = sorted(side + 1 for side in sides)  # outlines run through the middles of pixels
    area = cv2.contourArea(outline) + (short + long) / 2
    box = Box(*cv2.boundingRect(outline))
    full = area / (long * max(short, long / 2))
    quiet = _quiet(frame, outline, box, ring_px) if full > COMPACT_MIN else 0.0
    whole = box.scaled(frame.scale)
    side_px = math.sqrt(short * long) * frame.scale
    return Patch(whole, side_px, area / long**2, full, quiet, frame.touched(whole))


def _quiet(frame: Frame, outline: NDArray[np.int32], box: Box, ring_px: int) -> float:
    """Measure how much lighter it is around a patch than in it, in deviations of what is in it."""
    around = Box(max(0, box.x - ring_px), max(0, box.y - ring_px), box.width + 2 * ring_px, box.height + 2 * ring_px)
    part = around.of(frame.reduced)
    inside = np.zeros_like(part)
    cv2.drawContours(inside, [outline], -1, 255, cv2.FILLED, offset=(-around.x, -around.y))
    ring = cv2.subtract(cv2.dilate(inside, square(2 * ring_px + 1)), inside)
    mean, deviation = cv2.meanStdDev(part, mask=inside)
    return float((cv2.mean(part, mask=ring)[0] - mean[0, 0]) / max(deviation[0, 0], 1.0))
