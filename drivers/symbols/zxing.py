"""The first reader, zxing-cpp: reads more than the others in a tenth of their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DeviceMissingError
from drivers.symbols import Symbol
from drivers.symbols.bounds import CHARACTERS_MAX, checked_luma, is_text, largest
from drivers.symbols.crowd import bearable
from drivers.symbols.divided import is_part

try:
    import zxingcpp
except ImportError as error:
    raise DeviceMissingError("zxing-cpp is not installed", cure="pip install zxing-cpp") from error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What passes are printed as. With all formats it takes ten times longer and finds Codabar in a DCC;
# Irish DCCs are Aztec codes. No Micro QR, no runes.
QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2])
AZTEC = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.AztecCode])
BOTH = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2, zxingcpp.BarcodeFormat.AztecCode]
)
TEXTS = frozenset({zxingcpp.ContentType.Text, zxingcpp.ContentType.GS1, zxingcpp.ContentType.ISO15434})

Corners = tuple[tuple[int, int], ...]


class ZxingReader:
    """Read QR and Aztec codes: turned, inverted, and of large modules."""

    def read(self, luma: NDArray[np.uint8]) -> list[Symbol]:
        """Read the codes of a picture (see `SymbolReader.read`)."""
        found = codes_of(checked_luma(luma), BOTH, inverted=True, large=True)
        return largest(symbol for symbol in found if symbol.text)


def codes_of(
    picture: NDArray[np.uint8],
    formats: zxingcpp.BarcodeFormats = QR,
    *,
    inverted: bool = False,
    large: bool = False,
    binary: bool = False,
) -> list[Symbol]:
    """Read the codes of a contiguous picture, also `inverted` ones, of `large` modules; `binary`: it has no grey.

    Of a picture full of finder patterns only the middle is looked at.
    """
    looked_at, left, top = bearable(picture)
    found = barcodes_of(looked_at, formats, inverted=inverted, large=large, binary=binary)
    symbols = ((code, symbol_of(code, _corners(code, left, top))) for code in found)
    return [symbol for code, symbol in symbols if symbol is not None and not is_part(code)]


def barcodes_of(
    picture: NDArray[np.uint8],
    formats: zxingcpp.BarcodeFormats,
    *,
    inverted: bool = False,
    large: bool = False,
    binary: bool = False,
    pure: bool = False,
) -> list[zxingcpp.Barcode]:
    """Ask zxing-cpp for the codes of a picture; `pure`: it is a code, drawn upright, and nothing else.

    Turned ones are found without being asked for: `try_rotate` changes nothing but for bar codes.
    """
    try:
        return zxingcpp.read_barcodes(
            picture,
            formats=formats,
            try_rotate=False,
            try_downscale=large,
            try_invert=inverted,
            text_mode=zxingcpp.TextMode.Plain,
            binarizer=zxingcpp.Binarizer.FixedThreshold if binary else zxingcpp.Binarizer.LocalAverage,
            is_pure=pure,
        )
    except (ValueError, RuntimeError):  # of the pixels: the picture's form was checked
        return []


def symbol_of(code: zxingcpp.Barcode, corners: Corners) -> Symbol | None:
    """Take what a code says; None where its error correction failed, or it says nothing or more than a code can."""
    if not code.valid or not 0 < len(code.bytes) <= 2 * CHARACTERS_MAX:
        return None
    text = code.text if code.content_type in TEXTS and is_text(code.text) else ""
    return Symbol(text, code.symbology.name, corners, code.bytes)


def _corners(code: zxingcpp.Barcode, left: int, top: int) -> Corners:
    at = code.position
    points = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return tuple((point.x + left, point.y + top) for point in points)
