"""What is a picture, what is text, and how much of either is taken."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from drivers.symbols import Symbol

SYMBOLS_MAX = 16  # ours: a visitor shows one or two; larger than what a firmware takes, so that it may choose
CHARACTERS_MAX = 4296  # the most alphanumeric characters of a QR code (version 40-L, ISO/IEC 18004)
SIDE_MAX_PX = 65_535  # zxing-cpp's limit
PIXELS_MAX = 50_000_000  # larger than any camera's photograph; bounds memory and time
TEXT_CONTROLS = "\t\n\r\x04\x1c\x1d\x1e\x1f"  # of texts: layout, and the separators of GS1 and ISO/IEC 15434


def checked_luma(luma: object) -> NDArray[np.uint8]:
    """Give the picture as a contiguous array of (height_px, width_px).

    Raises:
        ValueError: it is no such picture, and why.
    """
    if not isinstance(luma, np.ndarray):
        raise ValueError(f"a picture is an array, not {type(luma).__name__}")  # noqa: TRY004 - one error for callers
    if luma.dtype != np.uint8:
        raise ValueError(f"a picture has 8 bits for each pixel (uint8), not {luma.dtype}")
    if luma.ndim != 2:  # noqa: PLR2004 - height and width
        raise ValueError(f"a picture has two dimensions, not {luma.ndim}")
    if luma.size == 0:
        raise ValueError("a picture has a size, and this one has none")
    if max(luma.shape) > SIDE_MAX_PX or luma.size > PIXELS_MAX:
        raise ValueError(f"a picture of {luma.shape[1]} x {luma.shape[0]} px is too large")
    return np.ascontiguousarray(luma)


def is_text(text: str) -> bool:
    """Tell whether a code's content is text, and no longer than a code can hold."""
    return 0 < len(text) <= CHARACTERS_MAX and not any(_is_control(character) for character in text)


def largest(symbols: Iterable[Symbol]) -> list[Symbol]:
    """Keep the largest symbol of each content, at most `SYMBOLS_MAX`: small or repeated ones hide no other."""
    distinct: dict[str | bytes, Symbol] = {}
    for symbol in sorted(symbols, key=_area_px, reverse=True):
        distinct.setdefault(symbol.text or symbol.data, symbol)
    return list(distinct.values())[:SYMBOLS_MAX]


def _area_px(symbol: Symbol) -> float:
    outline = pairwise([*symbol.corners, symbol.corners[0]])
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in outline)) / 2


def _is_control(character: str) -> bool:
    return (character < " " and character not in TEXT_CONTROLS) or "\x7f" <= character < "\xa0"
