"""The journal, the uplink's end: batches to send, and what the centre acknowledged deleted."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from firmware.checkin import COLUMNS, CheckIn, Row, from_row
from firmware.journal_base import (
    SCHEMA_VERSION,
    JournalError,
    MalformedError,
    Mark,
    connect,
    pragma,
    translated,
    write_mark,
)
from firmware.small_files import inode_of

__all__ = ["JournalError", "JournalReader", "Unsent"]

_META = "SELECT epoch, acked_seq, acked_hash FROM meta"
_ROWS = f"SELECT seq, {COLUMNS} FROM checkin WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - our constant
_LAST = "SELECT coalesce(max(seq), 0) FROM checkin"
_ACKNOWLEDGE = "UPDATE meta SET acked_seq = ?, acked_hash = ? WHERE epoch = ? AND acked_seq < ?"
_DELETE = "DELETE FROM checkin WHERE seq <= ?"

T = TypeVar("T")


class Unsent(NamedTuple):
    """Hold what is to be sent next: check-ins numbered from `first_seq`, after a batch with hash `previous`."""

    epoch: bytes
    first_seq: int
    records: tuple[CheckIn, ...]
    previous: bytes


class JournalReader:
    """Read what is unsent, and delete what was acknowledged, while the gate appends.

    It follows the gate to a new file when the old one was set aside. Of a damaged file it leaves a mark for the
    gate, and gives nothing until there is another.
    Every method raises JournalError where the journal cannot be read or written now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
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

    def version(self) -> tuple[int | None, int]:
        """Return what differs once anything was written by another: cheap enough for every poll."""
        return (self.file, self._run(lambda db: int(pragma(db, "data_version")), nothing=0))

    def unsent(self) -> int:
        """Return how many check-ins the centre has not acknowledged."""

        def count(db: sqlite3.Connection) -> int:
            _, acked_seq, _ = _meta(db)
            return max(0, int(db.execute(_LAST).fetchone()[0]) - acked_seq)

        return self._run(count, nothing=0)

    def batch(self, limit: int) -> Unsent | None:
        """Return the oldest check-ins not acknowledged, at most `limit`; None where there is none (yet)."""

        def read(db: sqlite3.Connection) -> Unsent | None:
            db.execute("BEGIN")  # one view of both tables
            try:
                epoch, acked_seq, acked_hash = _meta(db)
                rows = db.execute(_ROWS, (acked_seq, limit)).fetchall()
            finally:
                db.execute("ROLLBACK")
            if not rows:
                return None
            return Unsent(epoch, acked_seq + 1, _records(rows, acked_seq + 1), acked_hash)

        return self._run(read, nothing=None)

    def acknowledge(self, epoch: bytes, up_to: int, digest: bytes) -> bool:
        """Delete what the centre has stored, and remember the hash of its last batch, in one transaction.

        Return False, having done nothing, where this is not of the present epoch or was done before.
        """

        def delete(db: sqlite3.Connection) -> bool:
            db.execute("BEGIN IMMEDIATE")
            try:
                done = db.execute(_ACKNOWLEDGE, (up_to, digest, epoch, up_to)).rowcount == 1
                if done:
                    db.execute(_DELETE, (up_to,))
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
            return done

        return self._run(delete, nothing=False)

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


def _meta(db: sqlite3.Connection) -> tuple[bytes, int, bytes]:
    row = db.execute(_META).fetchone()
    if row is None:
        raise MalformedError("no meta row")
    epoch, acked_seq, acked_hash = row
    return bytes(epoch), int(acked_seq), bytes(acked_hash)


def _records(rows: list[tuple[int, *Row]], first_seq: int) -> tuple[CheckIn, ...]:
    """Return the check-ins of rows.

    Raises: MalformedError for a hole between them, or a row that is no check-in.
    """
    if [row[0] for row in rows] != list(range(first_seq, first_seq + len(rows))):
        raise MalformedError("a number is missing")
    try:
        return tuple(from_row(row[1:]) for row in rows)
    except (ValueError, TypeError) as error:
        raise MalformedError(f"a row is no check-in: {error}") from error
