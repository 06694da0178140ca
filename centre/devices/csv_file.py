"""The list of devices that an administrator brings: a CSV file, checked whole before anything is done (pure)."""

import csv
import io
from typing import NamedTuple

from centre.csv_text import csv_text
from centre.devices.registry import NAME, Direction

HEADER = ["name", "site", "lane", "direction"]
FILE_MAX_BYTES = 16 * 1024 * 1024  # ours: 100,000 devices with long labels
LINES_MAX = 100_000  # ours: a nation's checkpoints; guards against a wrong file
LABEL_MAX_CHARS = 64  # as in a device's configuration
SHOWN_MAX = 40


class DevicesCsvError(ValueError):
    """A file that is no list of devices: the line, what is wrong, the cure."""


class Row(NamedTuple):
    """A device as the list has it, and in which line."""

    line: int
    name: str
    site: str | None
    lane: str | None
    direction: Direction | None


def parse(data: bytes) -> list[Row]:
    """Return the devices of a file with the header `name,site,lane,direction`; UTF-8, a byte order mark is no harm.

    Raises: DevicesCsvError.
    """
    if len(data) > FILE_MAX_BYTES:
        raise DevicesCsvError(f"over {FILE_MAX_BYTES} bytes: is this the right file?")
    lines = csv.reader(io.StringIO(csv_text(data, DevicesCsvError), newline=""), strict=True)
    rows: list[Row] = []
    try:
        if next(lines, None) != HEADER:
            raise DevicesCsvError(f"line 1: the header is not {','.join(HEADER)}: write it so, with commas between")
        for fields in lines:
            if len(rows) >= LINES_MAX:
                raise DevicesCsvError(f"line {lines.line_num}: over {LINES_MAX} devices: is this the right file?")
            if fields:  # not an empty line
                rows.append(_row(lines.line_num, fields))
    except csv.Error as error:
        raise DevicesCsvError(f"line {lines.line_num}: {error}: save it as plain CSV") from None
    _check_names(rows)
    return rows


def checked(line: int, name: str, site: str, lane: str, direction: str) -> Row:
    """Return a device, its fields checked; empty ones are not known yet.

    Raises: DevicesCsvError.
    """
    if not NAME.fullmatch(name):
        raise DevicesCsvError(f"line {line}: {_shown(name)} is no device's name: 1 to 32 of a-z, 0-9 and -")
    if direction not in {"in", "out", ""}:
        raise DevicesCsvError(f"line {line}: direction {_shown(direction)}: write in or out, or leave it empty")
    known: Direction | None = "in" if direction == "in" else "out" if direction == "out" else None
    return Row(line, name, _label(line, "site", site), _label(line, "lane", lane), known)


def _row(line: int, fields: list[str]) -> Row:
    if len(fields) != len(HEADER):
        raise DevicesCsvError(f"line {line}: {len(fields)} fields instead of {len(HEADER)}: {','.join(HEADER)}")
    name, site, lane, direction = (field.strip() for field in fields)
    return checked(line, name, site, lane, direction)


def _label(line: int, what: str, text: str) -> str | None:
    if not text:
        return None
    if len(text) > LABEL_MAX_CHARS or not text.isprintable():
        raise DevicesCsvError(f"line {line}: {what}: at most {LABEL_MAX_CHARS} characters, on one line, printable")
    return text


def _check_names(rows: list[Row]) -> None:
    if not rows:
        raise DevicesCsvError("no devices in it: write one a line below the header")
    first: dict[str, int] = {}
    for row in rows:
        if row.name in first:
            raise DevicesCsvError(f"line {row.line}: {row.name} is in line {first[row.name]} already: name each once")
        first[row.name] = row.line


def _shown(text: str) -> str:
    return ascii(text[:SHOWN_MAX])
