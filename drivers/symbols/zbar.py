"""The second reader, zbar by pyzbar: QR codes only.

zbar has had memory-safety bugs (CVE-2023-40889, CVE-2023-40890): it runs in the reader process and nowhere
else. It guesses at the encoding of bytes that are not text, so what it guesses wrong is left out by the
control characters that remain.
"""

from __future__ import annotations

from math import atan2
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceMissingError
from drivers.symbols import Symbol
from drivers.symbols.bounds import checked_luma, is_text, largest

try:
    from pyzbar import pyzbar
    from pyzbar.pyzbar_error import PyZbarError
except ImportError as error:
    raise DeviceMissingError(
        f"zbar is not installed: {error}", cure="pip install pyzbar; sudo apt install libzbar0"
    ) from error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CORNERS = 4


class ZbarReader:
    """Read QR codes by zbar."""

    def read(self, luma: NDArray[np.uint8]) -> list[Symbol]:
        """Read the codes of a picture (see `SymbolReader.read`)."""
        return largest(codes_of(checked_luma(luma)))


def codes_of(picture: NDArray[np.uint8]) -> list[Symbol]:
    """Read the codes of a contiguous picture whose bytes are text."""
    try:
        found = pyzbar.decode(picture, [pyzbar.ZBarSymbol.QRCODE])
    except (ValueError, PyZbarError):  # ValueError: a structured-append code with a part missing
        return []
    return [symbol for code in found if (symbol := _symbol(code)) is not None]


def _symbol(code: Any) -> Symbol | None:  # noqa: ANN401 - pyzbar ships no types
    try:
        text = code.data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Symbol(text, "QRCode", _corners(code), code.data) if is_text(text) else None


def _corners(code: Any) -> tuple[tuple[int, int], ...]:  # noqa: ANN401 - pyzbar ships no types
    """Order the corners clockwise as seen; zbar gives their hull, which may have another number of them."""
    left, top, width, height = code.rect
    box = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    points = [(int(x), int(y)) for x, y in code.polygon]
    points = points if len(points) == CORNERS else box
    x, y = sum(point[0] for point in points) / CORNERS, sum(point[1] for point in points) / CORNERS
    points.sort(key=lambda point: atan2(point[1] - y, point[0] - x))
    first = points.index(min(points, key=sum))
    return tuple(points[first:] + points[:first])
