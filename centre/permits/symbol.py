"""The QR code of a permit: how large it has to be for a lane's distance, and its files (pure).

How far it reads: a lane's camera of 1280 pixels that sees 60 degrees across has 1109 pixels a metre at one metre. A
module needs two pixels to be read at all (zxing-cpp, version 10, blurred, noisy and tilted: none at 1.75 pixels, 38 of
40 at 2.0, all from 2.25 on); three are asked for, for dirty glass and a hand that shakes.
So a module in millimetres is the distance in millimetres by 370.
"""

import io
import math
from collections.abc import Iterator

import segno

CAMERA_PX = 1280
CAMERA_DEGREES = 60
MODULE_PX = 3
K = CAMERA_PX / (2 * math.tan(math.radians(CAMERA_DEGREES / 2))) / MODULE_PX
"""The distance by a module's size, both in the same unit."""
QUIET_MODULES = 4  # ISO/IEC 18004, section 5.3.8
VEHICLE_TEXT_MAX_CHARS = 311  # what version 10 holds at level M (ISO/IEC 18004, table 7)
VEHICLE_VERSION_MAX = 10  # of LX1: 57 x 57 modules, read at 1.4 to 1.6 times the distance of a health certificate
DOTS_PER_MM = 300 / 25.4  # what any printer has
DISTANCE_MIN_M, DISTANCE_MAX_M = 0.2, 10.0  # ours: a phone's screen, a lane's width
PNG_MODULE_MAX_PX = 100  # ours: 10,000 pixels across is more than any program prints
_MM_AN_INCH = 25.4


def made(text: str) -> segno.QRCode:
    """Return a permit's code: level M, and no more of it where there were room."""
    return segno.make(text, error="m", mode="alphanumeric", boost_error=False, micro=False)


def version_of(text: str) -> int:
    """Return the version of a permit's code."""
    return int(made(text).version)


def module_mm(distance_m: float) -> float:
    """Return how large a module has to be, to be read at a distance."""
    return distance_m * 1000 / K


def reads_to_m(module_size_mm: float) -> float:
    """Return at which distance a module of a size is read."""
    return module_size_mm * K / 1000


def modules_across(code: segno.QRCode) -> int:
    """Return how many modules wide a code is, with its quiet zone."""
    return int(code.symbol_size(border=QUIET_MODULES)[0])


def png(code: segno.QRCode, size_mm: float) -> bytes:
    """Return a picture whose modules print at a size: whole pixels, about 300 an inch."""
    pixels = min(max(1, round(size_mm * DOTS_PER_MM)), PNG_MODULE_MAX_PX)
    target = io.BytesIO()
    code.save(target, kind="png", scale=pixels, border=QUIET_MODULES, dpi=round(pixels / size_mm * _MM_AN_INCH))
    return target.getvalue()


def svg(code: segno.QRCode, size_mm: float, title: str) -> bytes:
    """Return a drawing whose modules are of a size, white behind."""
    target = io.BytesIO()
    code.save(target, kind="svg", scale=round(size_mm, 3), unit="mm", border=QUIET_MODULES, light="white", title=title)
    return target.getvalue()


def runs(code: segno.QRCode) -> Iterator[tuple[int, int, int]]:
    """Return the dark modules beside each other: the row, the first, and how many; counted without the quiet zone."""
    for row, modules in enumerate(code.matrix):
        begin = None
        for place, dark in enumerate([*modules, 0]):
            if dark and begin is None:
                begin = place
            elif not dark and begin is not None:
                yield row, begin, place - begin
                begin = None
