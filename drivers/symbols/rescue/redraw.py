"""Draw a solved code anew, for zxing-cpp to say what its bits mean."""

from __future__ import annotations

from typing import Final

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from drivers.symbols import Symbol
from drivers.symbols.bounds import is_text
from drivers.symbols.rescue.layout import LIGHT
from drivers.symbols.zxing import TEXTS

QUIET_MODULES: Final = 4
WHITE: Final = 255
# of a pure picture zxing-cpp 3.1 makes no sense where it is asked for model 1 or 2 by name
QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])

Corners = tuple[tuple[int, int], ...]


def symbol_of(modules: NDArray[np.int8], corners: Corners) -> Symbol | None:
    """Read (side, side) modules, each of one pixel; None where zxing-cpp finds no sense in them."""
    picture = np.where(modules == LIGHT, WHITE, 0).astype(np.uint8)
    picture = np.pad(picture, QUIET_MODULES, constant_values=WHITE)
    try:
        codes = zxingcpp.read_barcodes(
            picture,
            formats=QR,
            try_rotate=False,
            try_downscale=False,
            try_invert=False,
            text_mode=zxingcpp.TextMode.Plain,
            is_pure=True,
        )
    except (ValueError, RuntimeError):  # of what the bits say: the picture's form is right
        return None
    if not (codes and codes[0].valid):
        return None
    text = codes[0].text if codes[0].content_type in TEXTS and is_text(codes[0].text) else ""
    return Symbol(text, "QRCode", corners, bytes(codes[0].bytes))
