"""Pictures of codes in files: as luminance, within bounds.

PNG, JPEG and WebP only: OpenCV opens twenty formats more, whose decoders need not meet a stranger's bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from drivers._opencv import cv2
from drivers.errors import DeviceError
from drivers.symbols.bounds import PIXELS_MAX, SIDE_MAX_PX

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE_MAX_BYTES = 64 * 1024 * 1024  # ours: as many pixels as may be, grey, and nothing in them that packs
PNG, JPEG, RIFF, WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"
# JPEG (ITU-T T.81, table B.1): the frame headers among the markers, and those without a length
MARK = 0xFF
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xDA)})
ALPHA_CHANNELS = 4


class PictureError(DeviceError):
    """A file that gives no picture; the message names it."""


def load_luma(path: Path) -> NDArray[np.uint8]:
    """Read a picture's luminance, (height_px, width_px); what is transparent is white.

    Raises:
        PictureError: no such file, no PNG, JPEG or WebP, damaged, or beyond the bounds.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise PictureError(f"{path}: {error}", cure="name a picture that can be read") from error
    return decode_luma(data, str(path))


def decode_luma(data: bytes, name: str) -> NDArray[np.uint8]:
    """Read a picture from a file's bytes (see `load_luma`); `name` is for messages."""
    if len(data) > FILE_MAX_BYTES:
        raise PictureError(f"{name}: over {FILE_MAX_BYTES} bytes", cure="give a smaller picture")
    width, height = _size(data, name)
    if not (0 < width <= SIDE_MAX_PX and 0 < height <= SIDE_MAX_PX and width * height <= PIXELS_MAX):
        raise PictureError(f"{name}: {width} x {height} px", cure=f"give a picture of 1 to {PIXELS_MAX} pixels")
    mode = cv2.IMREAD_GRAYSCALE if data.startswith(JPEG) else cv2.IMREAD_UNCHANGED
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error:
        picture = None
    if picture is None:
        raise PictureError(f"{name}: damaged", cure="make the picture anew")
    return _luma(picture)


def _luma(picture: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8]:
    """Turn 8 or 16 bits, grey, colour or transparent, into luminance of 8 bits."""
    flat = (picture >> 8).astype(np.uint8) if picture.dtype == np.uint16 else picture
    if flat.ndim == 2:  # noqa: PLR2004 - height and width: grey
        return np.ascontiguousarray(flat, np.uint8)
    if flat.shape[2] != ALPHA_CHANNELS:
        grey: NDArray[np.uint8] = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)
        return grey
    alpha = np.ascontiguousarray(flat[:, :, 3])
    ink = cv2.multiply(cv2.cvtColor(flat, cv2.COLOR_BGRA2GRAY), alpha, scale=1 / 255)
    over_white: NDArray[np.uint8] = cv2.add(ink, cv2.bitwise_not(alpha))
    return over_white


def _size(data: bytes, name: str) -> tuple[int, int]:
    """Read width and height from the header: a decoder takes memory for them before it finds them false."""
    try:
        if data.startswith(PNG):
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        if data.startswith(JPEG):
            return _jpeg_size(data)
        if data.startswith(RIFF) and data[8:12] == WEBP:
            return _webp_size(data)
    except (struct.error, IndexError) as error:
        raise PictureError(f"{name}: cut short", cure="make the picture anew") from error
    raise PictureError(f"{name}: no PNG, JPEG or WebP picture", cure="save it as one of these")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at] != MARK or data[at + 1] == MARK:  # fill bytes
            at += 1
        marker, at = data[at + 1], at + 2
        if marker in FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker not in BARE_MARKERS:
            at += struct.unpack_from(">H", data, at)[0]


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read the size of the three kinds of WebP (RFC 9649, sections 2.5 to 2.7)."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF
