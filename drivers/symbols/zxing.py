"""The first reader, zxing-cpp: reads more than the others in a tenth of their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DeviceMissingError
from drivers.symbols import Symbol
from drivers.symbols.bounds import checked_luma, is_text, largest

try:
    import zxingcpp
except ImportError as error:
    raise DeviceMissingError("zxing-cpp is not installed", cure="pip install zxing-cpp") from error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What passes are printed as. With all formats it takes ten times longer and finds Codabar in a DCC;
# Irish DCCs are Aztec codes. No Micro QR, no runes.
FORMATS = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2, zxingcpp.BarcodeFormat.AztecCode]
)
TEXTS = frozenset({zxingcpp.ContentType.Text, zxingcpp.ContentType.GS1, zxingcpp.ContentType.ISO15434})


class ZxingReader:
    """Read QR and Aztec codes: turned, inverted, and of large modules."""

    def read(self, luma: NDArray[np.uint8]) -> list[Symbol]:
        """Read the codes of a picture (see `SymbolReader.read`)."""
        picture = checked_luma(luma)
        try:
            found = zxingcpp.read_barcodes(
                picture,
                formats=FORMATS,
                try_rotate=True,
                try_downscale=True,
                try_invert=True,
                text_mode=zxingcpp.TextMode.Plain,
            )
        except (ValueError, RuntimeError):  # of the pixels: the picture's form is checked above
            return []
        return largest(symbol for code in found if (symbol := _symbol(code)) is not None)


def _symbol(code: zxingcpp.Barcode) -> Symbol | None:
    if not code.valid or code.content_type not in TEXTS or not is_text(code.text):
        return None
    at = code.position
    points = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return Symbol(code.text, code.symbology.name, tuple((point.x, point.y) for point in points))
