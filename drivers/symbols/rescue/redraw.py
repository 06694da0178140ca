"""Draw a solved code anew, for zxing-cpp to say what its bits mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from drivers.symbols import zxing
from drivers.symbols.rescue.layout import LIGHT

if TYPE_CHECKING:
    from drivers.symbols import Symbol

QUIET_MODULES: Final = 4
WHITE: Final = 255
# of a pure picture zxing-cpp 3.1 makes no sense where it is asked for model 1 or 2 by name
QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


def symbol_of(modules: NDArray[np.int8], corners: zxing.Corners) -> Symbol | None:
    """Read (side, side) modules, each of one pixel; None where zxing-cpp finds no sense in them."""
    picture = np.where(modules == LIGHT, WHITE, 0).astype(np.uint8)
    picture = np.pad(picture, QUIET_MODULES, constant_values=WHITE)
    codes = zxing.barcodes_of(picture, QR, pure=True)
    return zxing.symbol_of(codes[0], corners) if codes else None
