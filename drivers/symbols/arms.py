"""The arms: what is done to a part of a frame so that a code in it reads that did not as it was.

Gains are of 316 rendered frames (medium, hard, sequences) that zxing-cpp alone does not read, costs in CPU time on x86.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2
from drivers.symbols import zbar, zxing
from drivers.symbols.bounds import largest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from drivers.symbols import Arm, Symbol

    Luma = NDArray[np.uint8]

PIXELS_MAX = 1_200_000  # of what an arm gives zxing-cpp: bounds its time; a code of 500 px, scaled up twice


class Way(NamedTuple):
    """How an arm looks at a part of a frame."""

    scale: float  # at most so much larger
    read: Callable[[Luma, float], list[Symbol]]  # the part and its scale -> codes, in pixels of what is scaled
    cost_ms: float  # expected at first, for a code of 300 px


def read_by(arm: Arm, luma: Luma, left: int = 0, top: int = 0) -> list[Symbol]:
    """Read a part of a frame by one arm; corners are the frame's, whose pixel (left, top) is the part's first."""
    way, scale = WAYS[arm], _scale(arm, luma.size)
    # what is to be reduced is so first: the rest then costs less
    found = way.read(_scaled(luma, scale), 1) if scale < 1 else way.read(luma, scale)
    return largest(placed(symbol, scale, left, top) for symbol in found)


def work_pixels(arm: Arm, pixels: int) -> float:
    """Return how many pixels an arm makes of so many."""
    return pixels * _scale(arm, pixels) ** 2


def placed(symbol: Symbol, scale: float, left: int = 0, top: int = 0) -> Symbol:
    """Move a symbol that was found in a part, scaled, to its place in the frame."""
    corners = tuple((round(x / scale) + left, round(y / scale) + top) for x, y in symbol.corners)
    return replace(symbol, corners=corners)


def _scale(arm: Arm, pixels: int) -> float:
    return min(WAYS[arm].scale, sqrt(PIXELS_MAX / pixels))


def _scaled(luma: Luma, scale: float) -> Luma:
    if scale == 1:
        return luma
    height, width = (max(1, round(side * scale)) for side in luma.shape)
    kind = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized: Luma = cv2.resize(luma, (width, height), interpolation=kind)
    return resized


def _sharpened(luma: Luma, amount: float = 1.0) -> Luma:
    """Sharpen by the difference to a blur of 1.5 px, before scaling up: as good as after it, for half the time."""
    sharp: Luma = cv2.addWeighted(luma, 1 + amount, cv2.GaussianBlur(luma, (0, 0), 1.5), -amount, 0)
    return sharp


def _smoothed(luma: Luma) -> Luma:
    return _sharpened(cv2.GaussianBlur(luma, (0, 0), 0.7), 2.0)


def _threshold(luma: Luma, scale: float) -> list[Symbol]:
    _, binary = cv2.threshold(_scaled(_sharpened(luma), scale), 0, 255, cv2.THRESH_OTSU)
    return zxing.codes_of(binary, binary=True)


def _by(prepare: Callable[[Luma], Luma]) -> Callable[[Luma, float], list[Symbol]]:
    return lambda luma, scale: zxing.codes_of(_scaled(prepare(luma), scale))


WAYS: Mapping[Arm, Way] = {  # read of the 316, and how many of them the first two do not read
    "sharpened": Way(2, _by(_sharpened), 1.4),  # 69: half a millisecond dearer than without, 17 more
    "inverted": Way(1, _by(cv2.bitwise_not), 0.3),  # 37: of light on dark codes nearly all; scaled up none more
    "region": Way(2, _by(lambda luma: luma), 1.0),  # 52, 9 beyond: noise that sharpening makes worse
    "smoothed": Way(2, _by(_smoothed), 1.4),  # 63, 13 beyond
    "threshold": Way(2, _threshold, 1.1),  # 52, 9 beyond
    "enlarged": Way(4, _by(_sharpened), 3.5),  # 52, 6 beyond: modules of 2 px
    "downscaled": Way(1 / 3, _by(lambda luma: luma), 0.2),  # modules over 20 px, which these frames have not
    "aztec": Way(2, lambda luma, scale: zxing.codes_of(_scaled(luma, scale), zxing.AZTEC), 1.5),
    "zbar": Way(2, lambda luma, scale: zbar.codes_of(_scaled(luma, scale)), 8.0),
}
ALWAYS: tuple[Arm, ...] = ("sharpened", "inverted")
IN_TURN: tuple[Arm, ...] = (
    *("smoothed", "region", "threshold", "aztec"),
    *("smoothed", "region", "enlarged", "downscaled", "zbar"),
)
NOTHING_SEEN: tuple[Arm, ...] = (
    "downscaled",
    "inverted",
    "aztec",
)  # of the whole frame where nothing looks like a code
