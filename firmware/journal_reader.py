"""The journal, the uplink's end: batches to send, and what the centre acknowledged noted, or deleted at once."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from firmware.checkin import COLUMNS, MAX_AT_MS, Row
from firmware.journal_base import (
    SCHEMA_VERSION,
    SIZE_MIB,
    JournalError,
    MalformedError,
    Mark,
    checked_rows,
    connect,
    meta_of,
    pragma,
    translated,
    write_mark,
)
from firmware.journal_space import Diagnostic, fill_permille, kept_clock, read_diagnostics, transaction
from firmware.small_files import inode_of

__all__ = ["JournalError", "JournalReader", "Unsent"]

_ROWS = f"SELECT seq, {COLUMNS} FROM checkin WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - our constant
_LAST = "SELECT coalesce(max(seq), 0) FROM checkin"
_OLDEST = "SELECT at_ms FROM checkin WHERE seq > (SELECT acked_seq FROM meta) ORDER BY seq LIMIT 1"
_ACKNOWLEDGE = "UPDATE meta SET acked_seq = ?, acked_hash = ? WHERE epoch = ? AND acked_seq < ?"
_DELETE = "DELETE FROM checkin WHERE seq > ? AND seq <= ?"

T = TypeVar("T")


class Unsent(NamedTuple):
    """Hold what is to be sent next: rows numbered from `first_seq`, after a batch with hash `previous`."""

    epoch: bytes
    first_seq: int
    rows: tuple[Row, ...]
    previous: bytes


class JournalReader:
    """Read what is unsent, and note what was acknowledged, while the gate appends.

    What was acknowledged is deleted at once, unless told to `keep_acknowledged`: then the gate deletes it later.
    `size_mib` is the file's bound, to tell how full it is. It does not bind here: an acknowledgement makes room.
    It follows the gate to a new file when the old one was set aside. Of a damaged file it leaves a mark for the
    gate, and gives nothing until there is another.
    Every method raises JournalError where the journal cannot be read or written now.
    """

    def __init__(self, path: Path, *, keep_acknowledged: bool = False, size_mib: int = SIZE_MIB) -> None:
        self._path = path
        self._keep = keep_acknowledged
        self._size_mib = size_mib
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._opened = 0  # times
        self._marked: int | None = None  # the inode of the file found damaged

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @property
    def file(self) -> int | None:
        """Return which file is there now (its inode), None where there is none."""
        return inode_of(self._path)

    @property
    def damaged(self) -> bool:
        """Tell whether the file that is there now was found damaged, and waits for the gate to set it aside."""
        return self._marked is not None and self._marked == self.file

    def version(self) -> tuple[int, int]:
        """Return what differs once anything was written by another: cheap enough for every poll.

        SQLite counts anew in each connection, so which of them it is counts, too.
        """
        changes = self._run(lambda db: int(pragma(db, "data_version")), nothing=0)
        return (self._opened, changes)

    def unsent(self) -> int:
        """Return how many check-ins the centre has not acknowledged."""

        def count(db: sqlite3.Connection) -> int:
            _, acked_seq, _ = meta_of(db)
            return max(0, int(db.execute(_LAST).fetchone()[0]) - acked_seq)

        return self._run(count, nothing=0)

    def oldest_ms(self) -> int | None:
        """Return the time of the oldest check-in not acknowledged, None where there is none."""

        def read(db: sqlite3.Connection) -> int | None:
            row = db.execute(_OLDEST).fetchone()
            if row is None:
                return None
            (at_ms,) = row
            if type(at_ms) is not int or not 0 <= at_ms <= MAX_AT_MS:
                raise MalformedError("a row is no check-in: at_ms is out of range")
            return at_ms

        return self._run(read, nothing=None)

    def trust_ms(self) -> int | None:
        """Return when the trust data that the gate judges by were issued, None where nobody says."""
        issued_ms = self._run(lambda db: kept_clock(db).issued_ms, nothing=None)
        return issued_ms if issued_ms is not None and 0 <= issued_ms <= MAX_AT_MS else None

    def fill_permille(self) -> int:
        """Return how much of the file's room is used, 1000 at most: of its bound, or of its disk."""
        return self._run(lambda db: fill_permille(db, self._size_mib, self._path), nothing=0)

    def diagnostics(self, count: int) -> list[Diagnostic]:
        """Return what last befell the device, at most `count`, in their order."""
        return self._run(lambda db: read_diagnostics(db, count), nothing=[])

    def batch(self, limit: int) -> Unsent | None:
        """Return the oldest rows not acknowledged, at most `limit`; None where there is none (yet)."""

        def read(db: sqlite3.Connection) -> Unsent | None:
            db.execute("BEGIN")  # one view of both tables
            try:
                epoch, acked_seq, acked_hash = meta_of(db)
                rows = db.execute(_ROWS, (acked_seq, limit)).fetchall()
            finally:
                db.execute("ROLLBACK")
            if not rows:
                return None
            return Unsent(epoch, acked_seq + 1, checked_rows(rows, acked_seq + 1), acked_hash)

        return self._run(read, nothing=None)

    def acknowledge(self, epoch: bytes, up_to: int, digest: bytes) -> bool:
        """Take note that the centre has stored a batch, and of its hash, in one transaction.

        Return False, having done nothing, where this is not of the present epoch or was done before.
        """

        def note(db: sqlite3.Connection) -> bool:
            with transaction(db):
                _, before, _ = meta_of(db)
                done = db.execute(_ACKNOWLEDGE, (up_to, digest, epoch, up_to)).rowcount == 1
                if done and not self._keep:
                    db.execute(_DELETE, (before, up_to))
            return done

        return self._run(note, nothing=False)

    def _run(self, action: Callable[[sqlite3.Connection], T], *, nothing: T) -> T:
        """Return what an action on the file gives, `nothing` where there is no whole journal now."""
        try:
            db = self._connected()
            return nothing if db is None else action(db)
        except MalformedError as error:
            self._mark(str(error))
        except (sqlite3.Error, OSError) as error:
            problem = translated(self._path, error)
            self.close()
            if isinstance(problem, JournalError):
                raise problem from error
            self._mark(str(problem))
        return nothing

    def _connected(self) -> sqlite3.Connection | None:
        inode = self.file
        if self._db is not None and inode == self._inode:
            return self._db
        self.close()
        if inode is None or inode == self._marked:
            return None  # the gate has not made it yet
        self._inode = inode
        self._opened += 1
        db = connect(self._path, create=False)
        try:
            version = pragma(db, "user_version")
            if version > SCHEMA_VERSION:
                raise JournalError(f"{self._path}: schema {version} is newer than this program: update it")
            if version == SCHEMA_VERSION:
                self._db = db
        finally:
            if self._db is None:
                db.close()
        return self._db

    def _mark(self, cause: str) -> None:
        self.close()
        if self._inode is None:
            return
        try:
            write_mark(self._path, Mark(self._inode, cause))
        except OSError as error:
            raise translated(self._path, error) from error
        self._marked = self._inode
