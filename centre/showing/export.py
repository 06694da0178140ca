"""`greengate-centre export`: check-ins as CSV or JSON lines, as many as there are, in constant memory."""

import contextlib
import csv
import io
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

from centre.collecting.store import Entry, Key, Store, StoreError
from centre.files import staging
from centre.output import EX_CANNOT_WRITE, EX_USAGE, Json, out, refuse
from centre.showing.cells import safe
from centre.showing.unsealing import FAULT, Details, details_of
from centre.showing.words import iso_ms
from centre.store_option import ConfigFile, Where, opened
from firmware.checkin import Direction
from firmware.detail_names import DETAILS

COLUMNS = (
    *("device", "epoch", "seq", "conflict", "type", "id", "at", "clock", "received", "lane", "direction", "profile"),
    *("verdict", "reason", "kinds", "pseudonym", "about"),
)
PAGE = 1000  # ours: check-ins read at a time

Encode = Callable[[dict[str, Any]], bytes]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="From this time on (ISO 8601).")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this time (ISO 8601).")]
Device = Annotated[str | None, typer.Option("--device", metavar="NAME", help="This device only.")]
Way = Annotated[Direction | None, typer.Option("--direction", help="This direction only.")]
To = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="A new file; else standard output.")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--details-key", metavar="FILE", help="Unseal identity details with this key; older ones too."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


class _Chosen(NamedTuple):
    """Which check-ins."""

    since: datetime | None
    until: datetime | None
    device: str | None
    direction: Direction | None


def export(
    store: Where = None,
    config: ConfigFile = None,
    since: Since = None,
    until: Until = None,
    device: Device = None,
    direction: Way = None,
    to: To = None,
    details_key: Keys = None,
    *,
    force: Force = False,
    json: Json = False,
) -> None:
    """Give the check-ins in a store by device and number: as CSV, or with --json an object a line.

    A file is there whole or not at all, and its owner's only. Times without a zone are UTC; the time of a check-in is
    what its device's clock said where that was trusted, else when it came. In CSV a text that a spreadsheet would take
    for a formula has an apostrophe before it. `conflict` tells that another check-in came under the number before.

    Example: greengate-centre export --store centre.db --since 2026-07-01 --to checkins.csv

    Exit codes: 0 done; 2 wrong usage; 66 no such store; 73 the file is there, or cannot be written; 78 store,
    configuration or details' key cannot be used.
    """
    chosen = _Chosen(_time(since, json=json), _time(until, json=json), device, direction)
    unseal = details_of(details_key or [], json=json)
    encode = _as_json if json else _as_csv(COLUMNS if unseal is None else (*COLUMNS, *DETAILS, FAULT))
    with opened(store, config, json=json) as found, _told(to, json=json):
        rows = _rows(found, unseal, chosen)
        if to is None:
            _write(sys.stdout.buffer, rows, encode, header=not json, shown=sys.stderr.isatty() and not json)
            sys.stdout.buffer.flush()
            return
        if to.exists() and not force:
            refuse(f"{to} is there already: name another file, or --force", EX_CANNOT_WRITE, json=json)
        with staging(to) as (file, put):
            written = _write(file, rows, encode, header=not json, shown=not json)
            put(replace=force)
        out({"file": str(to), "written": written}, json=json)


def _rows(store: Store, unseal: Details | None, chosen: _Chosen) -> Iterator[dict[str, Any] | None]:
    """Give each check-in as it is written; None for one that is not chosen."""
    after: Key | None = None
    while entries := store.entries(after, PAGE, since=chosen.since, until=chosen.until, device=chosen.device):
        for entry in entries:
            row = _row(entry)
            if chosen.direction in {None, row["direction"]}:
                yield row | unseal(entry) if unseal else row
            else:
                yield None
        after = entries[-1].key


def _row(entry: Entry) -> dict[str, Any]:
    try:
        checkin = entry.checkin
    except (ValueError, TypeError) as error:
        what = f"{entry.device}, journal {entry.epoch.hex()}, number {entry.seq}"
        raise StoreError(f"{what}: {error}: the store is damaged, restore it from a backup") from None
    return {
        "device": entry.device,
        "epoch": entry.epoch.hex(),
        "seq": entry.seq,
        "conflict": entry.conflict,
        "type": checkin.type,
        "id": str(checkin.id),
        "at": iso_ms(checkin.at_ms),
        "clock": checkin.clock,
        "received": iso_ms(entry.received_ms),
        "lane": checkin.lane,
        "direction": checkin.direction,
        "profile": checkin.profile,
        "verdict": checkin.verdict,
        "reason": checkin.reason,
        "kinds": list(checkin.kinds),
        "pseudonym": checkin.pseudonym and checkin.pseudonym.hex(),
        "about": checkin.about and str(checkin.about),
    }


def _write(file: BinaryIO, rows: Iterator[dict[str, Any] | None], encode: Encode, *, header: bool, shown: bool) -> int:
    written = 0
    if header:
        file.write(encode({}))
    with _progress(shown=shown) as step:
        for row in rows:
            step()
            if row is not None:
                file.write(encode(row))
                written += 1
    return written


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[], None]]:
    """Show how many were looked at: how many there are, nobody counts first."""
    console, seen = Console(stderr=True), 0
    columns = (SpinnerColumn(), "exporting", MofNCompleteColumn(), "check-ins", TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not (shown and console.is_terminal), transient=True) as bar:
        task = bar.add_task("exporting", total=None)

        def step() -> None:
            nonlocal seen
            seen += 1
            if seen % PAGE == 0:
                bar.update(task, completed=seen)

        yield step


def _as_json(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _as_csv(columns: tuple[str, ...]) -> Encode:
    """Return what writes lines of a CSV file (RFC 4180); of an empty row the header."""
    text = io.StringIO()
    writer = csv.writer(text)

    def line(row: dict[str, Any]) -> bytes:
        text.seek(0)
        text.truncate()
        writer.writerow([_cell(row.get(name)) for name in columns] if row else columns)
        return text.getvalue().encode()

    return line


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(" ".join(value) if isinstance(value, list) else value)


def _time(text: str | None, *, json: bool) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"{text!r} is no time: write it as 2026-07-01 or 2026-07-01T08:00+07:00", EX_USAGE, json=json)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@contextlib.contextmanager
def _told(to: Path | None, *, json: bool) -> Iterator[None]:
    """Tell what keeps a file from being written; standard output is told of by whoever runs the command."""
    try:
        yield
    except OSError as error:
        if to is None:
            raise
        refuse(f"{to}: {error.strerror}: make room, or name another place", EX_CANNOT_WRITE, json=json)
