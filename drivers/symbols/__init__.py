"""The symbol reader port: which codes a picture holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, assert_never

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ReaderKind = Literal["zxing", "pyzbar"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One code of a picture, with what it says."""

    text: str
    format: str  # "QRCode" or "Aztec", as zxing-cpp calls them, whichever reader read it
    # 4 of (x, y) in pixels, clockwise; from the symbol's own top left (zxing), else from the picture's (pyzbar)
    corners: tuple[tuple[int, int], ...]


class SymbolReader(Protocol):
    """Find codes in frames that anyone may have made: whatever the pixels are, no exception comes of them."""

    def read(self, luma: NDArray[np.uint8]) -> list[Symbol]:
        """Read the codes of a picture of (height_px, width_px): the largest of each text, the largest first.

        At most `bounds.SYMBOLS_MAX`. A code whose bytes are not text is left out.

        Raises:
            ValueError: this is no picture: wrong type, dimensions or size.
        """
        ...


def open_symbol_reader(kind: ReaderKind) -> SymbolReader:
    """Load the configured reader.

    Raises:
        DeviceMissingError: its library is not installed; the cure names it.
    """
    match kind:  # imported late: a process pays for the reader that it uses
        case "zxing":
            from drivers.symbols.zxing import ZxingReader  # noqa: PLC0415 - see match

            return ZxingReader()
        case "pyzbar":
            from drivers.symbols.zbar import ZbarReader  # noqa: PLC0415 - see match

            return ZbarReader()
        case _:
            assert_never(kind)
