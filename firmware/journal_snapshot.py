"""A journal as it is at one moment, read only: for exports and examinations, while gate and uplink go on."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from firmware.checkin import COLUMNS, Row, row_problem
from firmware.journal_base import (
    APPLICATION_ID,
    ASIDE,
    BUSY_S,
    SCHEMA_VERSION,
    JournalError,
    MalformedError,
    beside,
    checked_rows,
    meta_of,
    pragma,
    translated,
)
from firmware.wire import MAX_RECORDS

MISSES_MAX = 20_000  # ours: numbers that cannot be read, one after another, before what follows is given up
IN_MEMORY = Path("/run")  # where a copy of check-ins is not left on a card
COPIES = 4  # ours: of a copy's size are free where it goes, since the gate lives there too
COPY_PREFIX = "greengate-journal-"
_COUNTS = "SELECT count(*), coalesce(min(seq), 0), coalesce(max(seq), 0) FROM checkin WHERE seq > ?"
_ROWS = f"SELECT seq, {COLUMNS} FROM checkin WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - our constant
_ROW = f"SELECT {COLUMNS} FROM checkin WHERE seq = ?"  # noqa: S608 - as above
_ROW_1 = """
    SELECT 'check-in', id, at_ms, CASE clock_trusted WHEN 0 THEN 'untrusted' ELSE 'synchronised' END, lane, direction,
        'default', verdict, reason, kinds, pseudonym, NULL, NULL
    FROM checkin WHERE seq = ?
"""  # of schema 1: a journal that was set aside is not migrated any more
_LAST = "SELECT max(seq) FROM checkin"
_OLDEST = "SELECT at_ms FROM checkin WHERE seq > ? ORDER BY seq LIMIT 1"
_NOT_READABLE = (sqlite3.DatabaseError, ValueError, TypeError)  # Python's own: a text that is not UTF-8, for one


class Run(NamedTuple):
    """Hold rows whose numbers follow one another, at most as many as one batch takes."""

    first_seq: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold a journal's state, and read its check-ins; good as long as its `snapshot` lasts."""

    db: sqlite3.Connection
    epoch: bytes
    acked_seq: int
    acked_hash: bytes
    unsent: int
    oldest_ms: int | None

    def runs(self) -> Iterator[Run]:
        """Yield what is unsent.

        Raises: MalformedError for a hole or a row that is no check-in.
        """
        last = self.acked_seq
        while rows := self.db.execute(_ROWS, (last, MAX_RECORDS)).fetchall():
            yield Run(last + 1, checked_rows(rows, last + 1))
            last += len(rows)

    def check(self, seen: Callable[[int], None] = lambda _: None) -> None:
        """Check the whole file and every row; `seen` is told how many more. Raises: MalformedError."""
        problem = pragma(self.db, "quick_check(1)")
        if problem != "ok":
            raise MalformedError(" ".join(str(problem).split()))
        for run in self.runs():
            seen(len(run.rows))


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot | None]:
    """Give a journal as it is now, None where there is none; what is written meanwhile is not seen.

    Raises: MalformedError: damaged; JournalError: it cannot be read now, or is no journal.
    """
    db = _opened(path)
    if db is None:
        yield None
        return
    try:
        db.execute("BEGIN")
        yield _snapshot(path, db)
    except sqlite3.Error as error:
        raise translated(path, error) from error
    finally:
        db.close()


def set_aside(path: Path) -> list[Path]:
    """Return the journals that were set aside beside the one at a path, the oldest first. Raises: JournalError."""
    prefix = f"{path.name}{ASIDE}"
    try:
        with os.scandir(path.parent) as files:
            ours = [file for file in files if file.name.startswith(prefix)]
            names = [file.name for file in ours if file.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        problem = translated(path, error)
        raise JournalError(str(problem)) from error
    return [path.with_name(name) for name in sorted(names) if not name.endswith(("-wal", "-shm"))]


class Salvaged(NamedTuple):
    """Hold what can still be read of a damaged journal."""

    epoch: bytes
    acked_seq: int
    acked_hash: bytes
    runs: list[Run]


def salvage(path: Path) -> Salvaged | None:
    """Return what can be read of a damaged journal, from a copy of it; None where not even its epoch can.

    Raises: JournalError where there is no room for the copy, or the file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix=COPY_PREFIX, dir=_place_for(path)) as folder:
        copy = Path(folder) / "journal.db"
        try:
            shutil.copyfile(path, copy)
            with suppress(FileNotFoundError):
                shutil.copyfile(beside(path, "-wal"), beside(copy, "-wal"))
        except OSError as error:
            raise JournalError(f"{path}: cannot be copied to {folder}: {error.strerror or error}") from error
        try:
            return _salvaged(copy)
        except (*_NOT_READABLE, MalformedError):
            return None


def _place_for(path: Path) -> Path:
    """Return where a copy fits and leaves others their room: in memory, or else beside it. Raises: JournalError."""
    try:
        size = path.stat().st_size + sum(file.stat().st_size for file in [beside(path, "-wal")] if file.exists())
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error
    for folder in (IN_MEMORY, path.parent):
        with suppress(OSError), tempfile.TemporaryFile(dir=folder):
            if shutil.disk_usage(folder).free >= COPIES * size:
                return folder
    raise JournalError(f"{path}: no room for a copy of it: free some space beside it")


def _opened(path: Path) -> sqlite3.Connection | None:
    """Return a connection that cannot write, None where there is no journal. Raises: MalformedError, JournalError."""
    try:
        if not path.exists() or path.stat().st_size == 0:
            return None
        db = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None
        )
    except (sqlite3.Error, OSError) as error:
        raise translated(path, error) from error
    try:
        _check_ours(path, db)
    except sqlite3.Error as error:
        db.close()
        raise translated(path, error) from error
    except JournalError:
        db.close()
        raise
    return db


def _check_ours(path: Path, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA query_only=ON")
    if pragma(db, "application_id") != APPLICATION_ID:
        raise JournalError(f"{path}: no journal: name the device's own configuration")
    version = pragma(db, "user_version")
    if version != SCHEMA_VERSION:
        cure = "update this program" if version > SCHEMA_VERSION else "start the gate once: it brings it up to date"
        raise JournalError(f"{path}: of schema {version}: {cure}")


def _snapshot(path: Path, db: sqlite3.Connection) -> Snapshot:
    epoch, acked_seq, acked_hash = meta_of(db)
    count, first, last = db.execute(_COUNTS, (acked_seq,)).fetchone()
    if count and not (first == acked_seq + 1 and count == last - first + 1):
        raise MalformedError(f"{path.name}: a number is missing")
    oldest = db.execute(_OLDEST, (acked_seq,)).fetchone()
    return Snapshot(db, epoch, acked_seq, acked_hash, int(count), oldest and int(oldest[0]))


def _salvaged(path: Path) -> Salvaged:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA cell_size_check=ON")
        epoch, acked_seq, acked_hash = meta_of(db)
        return Salvaged(epoch, acked_seq, acked_hash, list(_in_runs(_readable(db, acked_seq))))
    finally:
        db.close()


def _readable(db: sqlite3.Connection, acked_seq: int) -> Iterator[tuple[int, Row]]:
    """Yield each row that can be read, looked up by its number: damaged pages hide no others."""
    select = _ROW_1 if pragma(db, "user_version") == 1 else _ROW
    try:
        last = int(db.execute(_LAST).fetchone()[0] or 0)
    except _NOT_READABLE:
        last = None
    seq, misses = acked_seq, 0
    while misses < MISSES_MAX and (last is None or seq < last):
        seq, misses = seq + 1, misses + 1
        with suppress(*_NOT_READABLE):
            row = db.execute(select, (seq,)).fetchone()
            if row is not None and row_problem(row) is None:
                yield seq, row
                misses = 0


def _in_runs(numbered: Iterable[tuple[int, Row]]) -> Iterator[Run]:
    first, rows = 0, list[Row]()
    for seq, row in numbered:
        if rows and (seq != first + len(rows) or len(rows) == MAX_RECORDS):
            yield Run(first, tuple(rows))
            rows = []
        first = seq if not rows else first
        rows.append(row)
    if rows:
        yield Run(first, tuple(rows))
