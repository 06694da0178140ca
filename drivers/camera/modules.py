"""How large a code's modules come out, in px: exactly where it was read, about where it was not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDES = range(21, 178, 4)  # modules of a QR code's versions 1 to 40 (ISO/IEC 18004)
TIMING = 6  # the row and the column, counted from 0, in which black and white take turns between the finders
TIMING_FROM = 8
WARPED_PX = 4  # of each module, where the timing patterns are looked at
BESIDE_PX = range(-WARPED_PX // 2, WARPED_PX // 2 + 1)  # corners are told as whole px: half a module, if it is small
TURNS_MIN = 0.9  # as `_turns_in` counts: less is chance
SMOOTH_PX = 0.6  # deviation: noise has slopes too
SLOPE_MIN = 0.05  # of black to white: slopes below are noise
LOST = (1.05, 1.35, 2.4)  # measured: how slopes get less by blur, as a + b * blur + c * blur^2, in modules
BLUR_PX = 0.9  # deviation, of a lens in focus and of `SMOOTH_PX`; out of focus the module seems up to half larger


def module_px_of(luma: NDArray[np.uint8], corners: Sequence[tuple[int, int]]) -> float | None:
    """Return a read code's module in px, by its 4 corners, clockwise from its own top left; None where it has no count.

    The number of modules is that at which both timing patterns take turns best.
    """
    outline = np.array(corners, np.float32)
    if outline.shape != (4, 2) or cv2.contourArea(outline) < 1:
        return None
    turns = {side: _turns(luma, outline, side) for side in SIDES}
    side = max(turns, key=lambda each: turns[each])
    return math.sqrt(cv2.contourArea(outline)) / side if turns[side] > TURNS_MIN else None


def about_module_px(luma: NDArray[np.uint8]) -> float | None:
    """Estimate the module in px from all that is black and white in a region, its lens in focus; None: of nothing.

    Half of a code's neighbours differ, so the outlines in an area are as long as the area through the module; and
    the slopes over an area, through the contrast, are the outlines' length, whichever way they run.
    """
    smooth = cv2.GaussianBlur(luma, (0, 0), SMOOTH_PX)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    black, white = np.percentile(smooth, (10, 90))
    slopes = cv2.magnitude(across, down)
    total = float(slopes[slopes > SLOPE_MIN * (white - black)].sum())
    if total <= 0:
        return None
    plain, first, second = LOST
    half = max(0.0, luma.size * float(white - black) / total - first * BLUR_PX) / (2 * plain)
    return half + math.sqrt(max(0.0, half**2 - second / plain * BLUR_PX**2))


def _turns(luma: NDArray[np.uint8], outline: NDArray[np.float32], side: int) -> float:
    """Return how much the timing patterns of a code of so many modules take turns, by the poorer of both."""
    size, deep = side * WARPED_PX, (TIMING + 2) * WARPED_PX
    square = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    turn = cv2.getPerspectiveTransform(square, outline)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    row = cv2.warpPerspective(luma, turn, (size, deep), flags=flags)
    column = cv2.warpPerspective(luma, turn, (deep, size), flags=flags)
    return min(_turns_in(row), _turns_in(column.T))


def _turns_in(strip: NDArray[np.uint8]) -> float:
    """Return how much the best line of modules, finders at its ends, differs between even ones (black) and odd ones.

    What a short line shows may be chance: a difference counts by the root of how many modules it is of.
    """
    first = TIMING * WARPED_PX
    moved = (np.roll(strip, along, axis=1) for along in BESIDE_PX)
    lines = (each[first + beside : first + beside + WARPED_PX] for each in moved for beside in BESIDE_PX)
    differences = [_difference(line) for line in lines]
    modules = strip.shape[1] // WARPED_PX - 2 * TIMING_FROM
    return max(differences) / (float(np.ptp(strip)) or 1.0) * math.sqrt(modules)


def _difference(line: NDArray[np.uint8]) -> float:
    modules = line.reshape(WARPED_PX, -1, WARPED_PX)[1:3, :, 1:3].mean(axis=(0, 2))
    between = modules[TIMING_FROM:-TIMING_FROM]
    return float(between[1::2].mean() - between[::2].mean())
