"""Pictures of codes, made in memory."""

from __future__ import annotations

import io

import numpy as np
import segno
import zxingcpp

from drivers.symbols.pictures import decode_luma


def luma_of(code: segno.QRCode, scale: int = 5, border: int = 4) -> np.ndarray:
    """Draw a QR code: (height_px, width_px)."""
    file = io.BytesIO()
    code.save(file, kind="png", scale=scale, border=border)
    return decode_luma(file.getvalue(), "made")


def qr(text: str, scale: int = 5) -> np.ndarray:
    """Draw a text as a QR code of model 2."""
    return luma_of(segno.make(text, micro=False), scale)


def aztec(text: str) -> np.ndarray:
    """Draw a text as an Aztec code on white."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Aztec)
    return np.pad(np.array(zxingcpp.write_barcode_to_image(code, scale=5)), 30, constant_values=255)
