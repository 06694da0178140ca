"""The journal, the gate's end: check-ins on disk before their lights, numbered without holes.

It is the queue to the uplink as well; there is no second one.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from firmware.checkin import COLUMNS, FIELDS, MAX_AT_MS, CheckIn, to_row
from firmware.journal_base import (
    BUSY_S,
    SIZE_MIB,
    JournalError,
    JournalFullError,
    MalformedError,
    connect,
    read_mark,
    remove_mark,
    translated,
)
from firmware.journal_file import behind, checked, make_file, migrate_apart, put_aside
from firmware.journal_space import (
    PAGE_BYTES,
    Diagnostic,
    KeptClock,
    Swept,
    bound_reached,
    disk_reached,
    drop_copies,
    fill_permille,
    keep_clock,
    kept_clock,
    make_room,
    pages_of,
    sweep,
    transaction,
    write_diagnostics,
)
from firmware.small_files import inode_of

__all__ = ["Journal", "JournalError", "JournalFullError"]

WAL_MAX_PAGES = 2000  # ours: 8 MiB; a gate that is never idle checkpoints here, within an append
PROBE_BYTES = 16 * 1024  # more than an append writes: what has room for a probe has room for a check-in
_SOUND = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)  # the file itself is; only room or the lock was missing
_FULL_CURE = "let the uplink send, run greengate journal export, or raise it"
_DISK_CURE = "free some space on it, or let the uplink send"

_APPEND = f"""
    INSERT INTO checkin (seq, {COLUMNS})
    SELECT 1 + max(coalesce((SELECT max(seq) FROM checkin), 0), acked_seq), {", ".join("?" * FIELDS)}
    FROM meta
"""  # noqa: S608 - COLUMNS is a constant of ours
_UNSENT = "SELECT max(coalesce((SELECT max(seq) FROM checkin), 0), acked_seq) - acked_seq FROM meta"

T = TypeVar("T")


class Journal:
    """Record check-ins durably; one that is damaged is set aside, never deleted, and a new epoch begins.

    `set_aside` names the file last set aside since `open`, None where all was well.
    Every method raises JournalError where the disk is full, read-only or failing; the next call tries anew.
    `append` and `probe` raise JournalFullError where the file has its size, or its disk has no more for it, and it
    holds only what is unsent.
    """

    def __init__(self, path: Path, migrate: Callable[[Path], None], size_mib: int) -> None:
        self._path = path
        self._size_mib = size_mib
        self._migrate = migrate
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
        self.set_aside: Path | None = None

    @classmethod
    def open(cls, path: Path, *, migrate: Callable[[Path], None] | None = None, size_mib: int = SIZE_MIB) -> Self:
        """Open the journal at a path, whole and up to date; create it where there is none.

        `migrate` brings the file's schema up to date; by default in a process of its own. `size_mib` bounds the file.
        Raises: JournalError, also for a file that is newer than this program or is no journal but another's database.
        """
        journal = cls(path, migrate or migrate_apart, size_mib)
        try:
            journal._run(checked)
            journal.heed_mark()
        except BaseException:
            journal.close()
            raise
        return journal

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
            self._inode = None

    def append(self, checkin: CheckIn) -> int:
        """Record a check-in and return its number; when this returns it has been synced to the disk.

        Where the file turns out to be damaged it is set aside, and the check-in is the first of a new one.
        Raises: JournalError; then it is not recorded.
        """
        row = to_row(checkin)

        def insert(db: sqlite3.Connection) -> int:
            cursor = db.execute(_APPEND, row)
            if cursor.rowcount != 1 or cursor.lastrowid is None:
                raise MalformedError("no meta row")
            return cursor.lastrowid

        return self._with_room(insert)

    def probe(self) -> None:
        """Write, as an append would but without a check-in, to find out whether one can be recorded.

        Raises: JournalError.
        """

        def write(db: sqlite3.Connection) -> None:
            with transaction(db):  # in one: the pages are new ones each time, and free for check-ins afterwards
                db.execute("INSERT INTO probe VALUES (1, zeroblob(?))", (PROBE_BYTES,))
                db.execute("DELETE FROM probe")

        self._with_room(write)

    def unsent(self) -> int:
        """Return how many check-ins the centre has not acknowledged."""
        return self._run(lambda db: int(db.execute(_UNSENT).fetchone()[0]))

    def sweep(self, after: int, blank_ms: int, drop_ms: int, now_ms: int = MAX_AT_MS) -> Swept:
        """Look at some rows after a number, and let go of them what is past its time; see `journal_space.sweep`.

        Call it again with the number that it returns, until that is None.
        """
        return self._run(lambda db: sweep(db, after, blank_ms, drop_ms, now_ms))

    def fill_permille(self) -> int:
        """Return how much of the file's room is used, 1000 at most: of its bound, or of its disk."""
        return self._run(lambda db: fill_permille(db, self._size_mib, self._path))

    def kept_clock(self) -> KeptClock:
        """Return what of the clock was kept."""
        return self._run(kept_clock)

    def keep_clock(self, kept: KeptClock) -> None:
        """Write what of the clock is to outlive a power cut."""
        self._run(lambda db: keep_clock(db, kept))

    def write_diagnostics(self, notes: Sequence[Diagnostic]) -> None:
        """Write what befell the device."""
        self._run(lambda db: write_diagnostics(db, notes))

    def make_room(self) -> None:
        """Delete some diagnostics, or where there are none some copies of what the centre has."""
        self._run(make_room)

    def drop_copies(self) -> None:
        """Delete some copies of what the centre has."""
        self._run(drop_copies)

    def checkpoint(self, *, empty: bool = True) -> bool:
        """Carry the write-ahead log into the file, and empty it, so that nothing deleted is left in it.

        One that is not emptied is written over from its start: that wears a card less than a file that grows anew.
        Call it when idle: it waits for nobody, and tells whether all was carried.
        """
        how = "TRUNCATE" if empty else "RESTART"

        def carry(db: sqlite3.Connection) -> bool:
            db.execute("PRAGMA busy_timeout=0")
            try:
                busy, *_ = db.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
            finally:
                db.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")
            return not busy

        return self._run(carry)

    def heed_mark(self) -> bool:
        """Set the journal aside if the uplink has marked this very file as damaged; tell whether it was.

        The uplink reads every row, and has proof before it marks; so nothing is checked again here, where it
        would hold up the lights.
        """
        mark = read_mark(self._path)
        if mark is None:
            return False
        damaged = mark.inode == inode_of(self._path)
        if damaged:
            self._put_aside()
            self._run(checked)
        with contextlib.suppress(OSError):  # a mark that stays names a file that is no more
            remove_mark(self._path)
        return damaged

    def _with_room(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something that takes room; what may go makes it where there is none. Raises: JournalError."""

        def within(db: sqlite3.Connection) -> T:
            if disk_reached(db, self._path):
                raise JournalFullError(f"{self._path}: the rest of its disk is for acknowledgements: {_DISK_CURE}")
            return action(db)

        while True:
            try:
                return self._run(within)
            except JournalFullError:
                if not self._run(make_room):
                    raise

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._attempt(action)
        except MalformedError:
            self._put_aside()
        try:
            return self._attempt(action)
        except MalformedError as error:
            raise JournalError(f"{self._path}: damaged as soon as new ({error}): replace its disk") from error

    def _attempt(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return action(self._connected())
        except (sqlite3.Error, OSError) as error:
            problem = translated(self._path, error)
            if _primary(error) == sqlite3.SQLITE_FULL and self._db is not None and bound_reached(self._db):
                raise JournalFullError(f"{self._path}: as large as journal.size_mib allows: {_FULL_CURE}") from error
            if isinstance(problem, JournalError) and _primary(error) not in _SOUND:
                self.close()  # after an I/O error its caches are not to be trusted
            raise problem from error

    def _connected(self) -> sqlite3.Connection:
        """Return the connection to the file that the path names now, opening or creating it if need be."""
        if self._db is not None and self._inode is not None and inode_of(self._path) == self._inode:
            return self._db
        self.close()
        make_file(self._path)
        self._db = connect(self._path, create=False)
        if behind(self._path, self._db):
            self.close()
            self._migrate(self._path)
            self._db = connect(self._path, create=False)
        self._db.execute(f"PRAGMA wal_autocheckpoint={WAL_MAX_PAGES}")
        self._db.execute(f"PRAGMA journal_size_limit={WAL_MAX_PAGES * PAGE_BYTES}")  # had a reader made it longer
        self._db.execute(f"PRAGMA max_page_count={pages_of(self._size_mib)}")
        self._inode = inode_of(self._path)
        return self._db

    def _put_aside(self) -> None:
        """Rename the file and its log, and close the connection only then: SQLite sees that the file was moved, and
        leaves its log as it is.
        """  # noqa: D205 - one sentence, and a long one
        try:
            self.set_aside = put_aside(self._path)
        finally:
            self.close()


def _primary(error: sqlite3.Error | OSError) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR)) & 0xFF
