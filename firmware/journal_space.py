"""What the journal's file has room for, and what goes when: never a check-in that is unsent.

The file's bound is SQLite's own (`max_page_count`). Its write-ahead log comes on top, `journal.WAL_MAX_PAGES` long.
Where the disk ends before that, its last `RESERVE_BYTES` are left: an acknowledgement makes room, but needs some log.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from firmware.journal_base import beside, pragma

PAGE_BYTES = 4096  # SQLite's default
FILLING_PERMILLE = 800  # ours: from here on the room left is for check-ins alone
COPIES_PERMILLE = 750  # ours: and from here on not for copies of what the centre has: they are no cause for an alarm
RESERVE_BYTES = 8 * 1024 * 1024  # ours: as long as the log becomes
STEP_ROWS = 1000  # ours: one transaction of some milliseconds, so that no light waits long for it
DIAGNOSTICS_MAX = 10_000  # ours: a year of service lost and back twice an hour; 1 MiB
DIAGNOSTIC_MAX_CHARS = 200
SPARE_PAGES = 8  # more than a probe takes: with fewer it is the bound that was reached, not the disk's end

_KEEP_CLOCK = "UPDATE meta SET clock_floor_ms = ?, clock_shown_ms = ?, trust_issued_ms = ?"
_CLOCK = "SELECT clock_floor_ms, clock_shown_ms, trust_issued_ms FROM meta"
_NOTE = "INSERT INTO diagnostic (at_ms, code, text) VALUES (?, ?, ?)"
_TOO_MANY = "DELETE FROM diagnostic WHERE id <= (SELECT max(id) FROM diagnostic) - ?"
_NOTES = "SELECT at_ms, code, text FROM (SELECT * FROM diagnostic ORDER BY id DESC LIMIT ?) ORDER BY id"
_DROP_DIAGNOSTICS = "DELETE FROM diagnostic WHERE id IN (SELECT id FROM diagnostic ORDER BY id LIMIT ?)"
_DROP_COPIES = """
    DELETE FROM checkin WHERE seq IN (
        SELECT seq FROM checkin WHERE seq <= (SELECT acked_seq FROM meta) ORDER BY seq LIMIT ?)
"""
_WINDOW = "SELECT max(seq) FROM (SELECT seq FROM checkin WHERE seq > ? ORDER BY seq LIMIT ?)"
_DROP_OLD = """
    DELETE FROM checkin WHERE seq > ? AND seq <= min(?, (SELECT acked_seq FROM meta)) AND at_ms < ?
"""
_BLANK = """
    UPDATE checkin SET pseudonym = NULL, kinds = '', details = NULL
    WHERE seq > ? AND seq <= ? AND (at_ms < ? OR (clock = 'untrusted' AND at_ms > ?))
        AND (pseudonym IS NOT NULL OR kinds <> '' OR details IS NOT NULL)
"""


class Diagnostic(NamedTuple):
    """Hold what befell the device: when, a code, and at most a line; nothing of any holder."""

    at_ms: int
    code: str
    text: str


class KeptClock(NamedTuple):
    """Hold what of the clock outlives a power cut, in milliseconds; None: not known. See `timekeeping.Kept`."""

    floor_ms: int | None = None
    shown_ms: int | None = None
    issued_ms: int | None = None


class Swept(NamedTuple):
    """Hold up to which number the rows were looked at, None at their end, and how many were changed."""

    up_to: int | None
    changed: int


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Begin as a writer, and commit at the end, or roll back where anything is raised."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def pages_of(size_mib: int) -> int:
    """Return how many pages a file may have."""
    return size_mib * 1024 * 1024 // PAGE_BYTES


def fill_permille(db: sqlite3.Connection, size_mib: int, path: Path | None = None) -> int:
    """Return how much of the room is used, 1000 at most: of the bound, or of a path's disk if that ends before.

    Free pages within the file are room. Raises: sqlite3.Error, OSError.
    """
    free = int(pragma(db, "freelist_count"))
    used = int(pragma(db, "page_count")) - free
    left = pages_of(size_mib) - used
    if path is not None:
        left = min(left, free + growth_pages(db, path))
    return used * 1000 // max(1, used + max(0, left))


def growth_pages(db: sqlite3.Connection, path: Path) -> int:
    """Return by how many pages the file at a path may grow for its disk's sake: the reserve is left, and what the log
    holds already is part of that. Raises: sqlite3.Error, OSError.
    """  # noqa: D205 - one sentence, and a long one
    disk = os.statvfs(path.parent)
    to_come = int(pragma(db, "page_count")) * PAGE_BYTES - path.stat().st_size  # in the log, not yet in the file
    free = disk.f_bavail * disk.f_frsize + min(_log_bytes(path), RESERVE_BYTES) - max(0, to_come)
    return max(0, free - RESERVE_BYTES) // PAGE_BYTES


def disk_reached(db: sqlite3.Connection, path: Path) -> bool:
    """Tell whether there is no room within the file at a path, and none on its disk but the reserve.

    Raises: sqlite3.Error, OSError.
    """
    return growth_pages(db, path) < SPARE_PAGES and int(pragma(db, "freelist_count")) < SPARE_PAGES


def _log_bytes(path: Path) -> int:
    with suppress(FileNotFoundError):
        return beside(path, "-wal").stat().st_size
    return 0


def bound_reached(db: sqlite3.Connection) -> bool:
    """Tell whether it is the file's own bound that leaves no room, and not the disk's end."""
    try:
        free = pragma(db, "max_page_count") - pragma(db, "page_count") + pragma(db, "freelist_count")
    except sqlite3.Error:
        return False
    return bool(free < SPARE_PAGES)


def make_room(db: sqlite3.Connection) -> bool:
    """Delete some diagnostics, or where there are none copies of what the centre has; False: there are none either."""
    return bool(db.execute(_DROP_DIAGNOSTICS, (STEP_ROWS,)).rowcount) or drop_copies(db)


def drop_copies(db: sqlite3.Connection) -> bool:
    """Delete some copies of what the centre has, the oldest; False: there are none."""
    return bool(db.execute(_DROP_COPIES, (STEP_ROWS,)).rowcount)


def write_diagnostics(db: sqlite3.Connection, notes: Sequence[Diagnostic]) -> None:
    """Add diagnostics; the oldest beyond `DIAGNOSTICS_MAX` go."""
    with transaction(db):
        db.executemany(_NOTE, notes)
        db.execute(_TOO_MANY, (DIAGNOSTICS_MAX,))


def read_diagnostics(db: sqlite3.Connection, count: int) -> list[Diagnostic]:
    """Return the last diagnostics, in their order."""
    return [Diagnostic(*row) for row in db.execute(_NOTES, (count,))]


def keep_clock(db: sqlite3.Connection, kept: KeptClock) -> None:
    """Write what of the clock is to outlive a power cut."""
    db.execute(_KEEP_CLOCK, kept)


def kept_clock(db: sqlite3.Connection) -> KeptClock:
    """Return what of the clock was kept."""
    return KeptClock(*(db.execute(_CLOCK).fetchone() or ()))


def sweep(db: sqlite3.Connection, after: int, blank_ms: int, drop_ms: int, now_ms: int) -> Swept:
    """Look at the next `STEP_ROWS` rows after a number: drop what is acknowledged and old, blank what is too old.

    A row is dropped if it is from before `drop_ms` and at the centre. It is blanked, unsent or not, if from before
    `blank_ms`, and if its untrusted clock stood after `now_ms`: that date may never come. Going by number, in steps,
    finds all without an index, which would be one more page in every commit.
    """
    with transaction(db):
        up_to = db.execute(_WINDOW, (after, STEP_ROWS)).fetchone()[0]
        if up_to is None:
            return Swept(None, 0)
        dropped = db.execute(_DROP_OLD, (after, up_to, drop_ms)).rowcount
        blanked = db.execute(_BLANK, (after, up_to, blank_ms, now_ms)).rowcount
    return Swept(int(up_to), dropped + blanked)
