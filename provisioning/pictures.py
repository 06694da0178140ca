"""Pictures to show to a simulated camera: codes side by side, black and white."""

import struct
import zlib
from collections.abc import Sequence

import segno

MODULE_PX = 6
QUIET = 4  # modules of white around a code: ISO/IEC 18004, section 9.1

Row = Sequence[bool]
"""A row of a picture, from the left; True is white."""


def codes_png(*texts: str) -> bytes:
    """Return a picture (PNG) of one code or several, each as a QR code at level M, side by side."""
    codes = [_modules(text) for text in texts]
    height = max(map(len, codes))
    rows: list[Row] = []
    for number in range(height):
        modules = [dark for code in codes for dark in (code[number] if number < len(code) else [0] * len(code[0]))]
        row = [not dark for dark in modules for _ in range(MODULE_PX)]
        rows += [row] * MODULE_PX
    return png(rows)


def png(rows: Sequence[Row]) -> bytes:
    """Return a picture of rows of equal length (PNG, ISO/IEC 15948: one bit a pixel, each row behind a filter's 0)."""
    width = len(rows[0])
    data = b"".join(b"\0" + _packed(row) for row in rows)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, len(rows), 1, 0, 0, 0, 0),
        b"IDAT": zlib.compress(data),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )


def _modules(text: str) -> list[list[int]]:
    """Return a text's code with white around it, row by row; what is not 0 is dark."""
    return [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=QUIET)]


def _packed(row: Row) -> bytes:
    """Return a row's pixels, eight a byte, the leftmost highest; the last byte is filled with white."""
    bits = "".join("1" if white else "0" for white in row)
    filled = bits.ljust(-(-len(bits) // 8) * 8, "1")
    return int(filled, 2).to_bytes(len(filled) // 8, "big")
