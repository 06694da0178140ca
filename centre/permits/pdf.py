"""A permit on one page of A4, for the windscreen: title, plate, QR code, and what it says in both languages.

reportlab draws it. It is not part of the package, as kiosks print nothing: where it or the fonts are missing, the error
says what to install.
"""

import io
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import segno

from centre.output import EX_UNAVAILABLE
from centre.permits.home import PermitError
from centre.permits.sheet import Line, Sheet
from centre.permits.symbol import QUIET_MODULES, modules_across, runs

FONTS = Path("/usr/share/fonts/truetype/dejavu")
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"  # they have every Vietnamese letter
LIBRARY_CURE = "apt install python3-reportlab, or in a virtual environment pip install reportlab"
FONTS_CURE = "apt install fonts-dejavu-core"

WIDTH_MM, HEIGHT_MM, MARGIN_MM = 210.0, 297.0, 10.0
CODE_MAX_MM = 180.0  # what title, plate and lines leave of the page
_INNER_MM = WIDTH_MM - 2 * MARGIN_MM
_TITLE_MM, _TITLE_EN_MM = 7.0, 4.5
_PLATE_MAX_MM, _NAME_MAX_MM = 34.0, 9.0  # a plate for the officer; a name is nobody's business from afar
_CAPITAL = 0.73  # of these fonts' size, the height of a capital
_LABEL_MM, _GAP_MM = 2.5, 1.2
_ROW_MAX_MM = 14.0
_TEXT_SIZES_MM = (4.2, 3.6, 3.0, 2.5, 2.0, 1.6)  # the largest in which a text has room; 16 long area codes in the last
_WRAPPED_MAX_MM = 3.0
_COLUMNS, _COLUMN_GAP_MM = 2, 6.0
_TITLE_TOP_MM, _HEADLINE_TOP_MM = 14.0, 27.0
_POINTS_PER_MM = 72 / 25.4


class _Library(NamedTuple):
    canvas: ModuleType
    fonts: ModuleType
    split: Any


def pdf(sheet: Sheet, code: segno.QRCode, module_size_mm: float) -> bytes:
    """Return the page. The same permit makes the same bytes.

    Raises: PermitError where the library or the fonts are missing.
    """
    library = _library()
    target = io.BytesIO()
    canvas = library.canvas.Canvas(target, pagesize=(_pt(WIDTH_MM), _pt(HEIGHT_MM)), invariant=1, lang="vi")
    canvas.setTitle(sheet.title.en)
    page = _Page(canvas, library)
    bottom = page.heading(sheet)
    bottom = page.code(code, module_size_mm, bottom)
    page.lines(sheet.lines, bottom)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def check_installed() -> None:
    """Check that pages can be made here, before anything is issued for one.

    Raises: PermitError where the library or the fonts are missing.
    """
    _library()


def largest_module_mm(code: segno.QRCode) -> float:
    """Return how large a module may be so that the code fits the page."""
    return CODE_MAX_MM / modules_across(code)


class _Page:
    """A page that is drawn from its top; all measures in millimetres, from the top left corner."""

    def __init__(self, canvas: Any, library: _Library) -> None:  # noqa: ANN401 - reportlab has no types
        self._canvas = canvas
        self._library = library

    def heading(self, sheet: Sheet) -> float:
        """Draw title and headline; return where they end."""
        self._centred(sheet.title.vi, BOLD, _TITLE_MM, _TITLE_TOP_MM + _TITLE_MM / 2)
        self._centred(sheet.title.en, REGULAR, _TITLE_EN_MM, _TITLE_TOP_MM + _TITLE_MM / 2 + _TITLE_EN_MM + _GAP_MM)
        largest = _NAME_MAX_MM if sheet.personal else _PLATE_MAX_MM
        bottom = _HEADLINE_TOP_MM + largest * _CAPITAL
        self._centred(sheet.headline, BOLD, largest, bottom)
        return bottom

    def code(self, code: segno.QRCode, module: float, top: float) -> float:
        """Draw the code below what ends at `top`, in the middle; return where its quiet zone ends."""
        across = modules_across(code) * module
        left, below = (WIDTH_MM - across) / 2 + QUIET_MODULES * module, top + QUIET_MODULES * module
        path = self._canvas.beginPath()  # one for all: between shapes of their own, viewers show hairlines
        for row, place, length in runs(code):
            y = below + (row + 1) * module
            path.rect(_pt(left + place * module), _pt(HEIGHT_MM - y), _pt(length * module), _pt(module))
        self._canvas.drawPath(path, stroke=0, fill=1)
        return top + across

    def lines(self, lines: tuple[Line, ...], top: float) -> None:
        """Draw the lines in two columns below what ends at `top`, above the margin."""
        rows = -(-len(lines) // _COLUMNS)
        height = min((HEIGHT_MM - MARGIN_MM - top) / rows, _ROW_MAX_MM)
        width = (_INNER_MM - _COLUMN_GAP_MM) / _COLUMNS
        for number, line in enumerate(lines):
            column, row = divmod(number, rows)
            self._line(line, MARGIN_MM + column * (width + _COLUMN_GAP_MM), top + row * height, width, height)

    def _line(self, line: Line, left: float, top: float, width: float, height: float) -> None:
        y = top + _LABEL_MM
        self._text(f"{line.label.vi} / {line.label.en}", REGULAR, _LABEL_MM, left, y)
        room = height - _LABEL_MM - _GAP_MM
        counts = ((size, len(self._parts(line.text, size, width))) for size in _TEXT_SIZES_MM)
        fitting = (size for size, count in counts if count == 1 or (size <= _WRAPPED_MAX_MM and count * size <= room))
        size = next(fitting, _TEXT_SIZES_MM[-1])
        for part in self._parts(line.text, size, width):
            y += size
            self._text(part, BOLD, size, left, y)

    def _parts(self, text: str, size: float, width: float) -> list[str]:
        parts: list[str] = self._library.split(text, BOLD, _pt(size), _pt(width))
        return parts

    def _centred(self, text: str, font: str, largest: float, y: float) -> None:
        size = min(largest, _INNER_MM / self._width(text, font, 1.0))
        self._text(text, font, size, (WIDTH_MM - self._width(text, font, size)) / 2, y)

    def _text(self, text: str, font: str, size: float, left: float, y: float) -> None:
        self._canvas.setFont(font, _pt(size))
        self._canvas.drawString(_pt(left), _pt(HEIGHT_MM - y), text)

    def _width(self, text: str, font: str, size: float) -> float:
        return float(self._canvas.stringWidth(text, font, _pt(size))) / _POINTS_PER_MM


@cache
def _library() -> _Library:
    """Return reportlab, with the fonts known to it."""
    try:
        from reportlab.lib.utils import simpleSplit  # noqa: PLC0415 - as this file says
        from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415 - likewise
        from reportlab.pdfgen import canvas  # noqa: PLC0415 - likewise
    except ImportError:
        raise PermitError(f"a PDF needs reportlab: {LIBRARY_CURE}; or print --svg", EX_UNAVAILABLE) from None
    for name in (REGULAR, BOLD):
        path = FONTS / f"{name}.ttf"
        if not path.exists():
            raise PermitError(f"{path}: a PDF needs this font: {FONTS_CURE}; or print --svg", EX_UNAVAILABLE)
        pdfmetrics.registerFont(ttfonts.TTFont(name, str(path)))
    return _Library(canvas, pdfmetrics, simpleSplit)


def _pt(mm: float) -> float:
    return mm * _POINTS_PER_MM
