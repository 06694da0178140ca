"""Permits that somebody wants by the hundred: a CSV file whose header names fields, checked whole (pure)."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from centre.csv_text import csv_text
from centre.permits.fields import NAMES, FieldError, Wanted, wanted
from centre.permits.home import PermitError

FILE_MAX_BYTES = 16 * 1024 * 1024  # ours: 20,000 rows with every field at its longest
ROWS_MAX = 20_000  # ours: a province's lorries; guards against a wrong file
_OTHER_MARKS = ";\t"  # what spreadsheets write where a comma stands in numbers, as in Viet Nam
TOLD_MAX = 20  # ours: lines that somebody reads


class Row(NamedTuple):
    """A permit that a line of the table asks for."""

    line: int
    wanted: Wanted


def parse(data: bytes, kind: str | None) -> list[Row]:
    """Return what a table asks for; without a `kind` for all of it, it has a column of that name.

    UTF-8; a byte order mark is no harm, empty lines and cells say nothing.

    Raises: PermitError, which names lines and columns, of every wrong row up to a number.
    """
    if len(data) > FILE_MAX_BYTES:
        raise PermitError(f"over {FILE_MAX_BYTES} bytes: is this the right file?")
    lines = csv.reader(io.StringIO(csv_text(data, PermitError), newline=""), strict=True)
    rows: list[Row] = []
    wrong: list[str] = []
    try:
        header = _header(next(lines, []), kind)
        for line, cells in _cells(lines, header):
            try:
                rows.append(Row(line, wanted(kind or cells.pop("kind").strip(), cells)))
            except FieldError as error:
                wrong.append(f"line {line}, {error}")
    except csv.Error as error:
        raise PermitError(f"line {lines.line_num}: {error}: save it as plain CSV") from None
    if wrong:
        more = f"; and {len(wrong) - TOLD_MAX} more" if len(wrong) > TOLD_MAX else ""
        raise PermitError(f"nothing is issued: {'; '.join(wrong[:TOLD_MAX])}{more}")
    if not rows:
        raise PermitError("no permits in it: write one a line below the header")
    return rows


def _header(names: list[str], kind: str | None) -> list[str]:
    if not names:
        raise PermitError("line 1: no header: name the columns there, as permit issue --help does")
    if len(names) == 1 and any(mark in names[0] for mark in _OTHER_MARKS):
        raise PermitError("line 1: no commas between the columns: save it as CSV with commas")
    header = [name.strip() for name in names]
    known = NAMES if kind else ("kind", *NAMES)
    for name in header:
        if name not in known:
            raise PermitError(f"line 1: column {name[:40]!a}: known are {', '.join(known)}")
        if header.count(name) > 1:
            raise PermitError(f"line 1: column {name} stands twice: keep one")
    if kind is None and "kind" not in header:
        raise PermitError("line 1: no column kind: add it, or name the kind on the command line")
    return header


def _cells(lines: Iterator[list[str]], header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    number = 0
    for cells in lines:
        line: int = lines.line_num  # type: ignore[attr-defined]  # a csv.reader's; where the row ends
        if not any(cell.strip() for cell in cells):
            continue
        number += 1
        if number > ROWS_MAX:
            raise PermitError(f"line {line}: over {ROWS_MAX} permits: give fewer at a time")
        if len(cells) != len(header):
            raise PermitError(f"line {line}: {len(cells)} cells instead of the header's {len(header)}")
        yield line, dict(zip(header, cells, strict=True))
