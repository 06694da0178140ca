"""The journal, the gate's end: check-ins on disk before their lights, numbered without holes.

It is the queue to the uplink as well; there is no second one.
"""

import contextlib
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from firmware.checkin import COLUMNS, CheckIn, to_row
from firmware.journal_base import (
    APPLICATION_ID,
    ASIDE,
    FILE_MODE,
    SCHEMA_VERSION,
    WORLD,
    JournalError,
    MalformedError,
    beside,
    connect,
    pragma,
    read_mark,
    remove_mark,
    sync_folder,
    translated,
)
from firmware.journal_wal import lost_frames
from firmware.small_files import inode_of

__all__ = ["Journal", "JournalError"]

BLANK_MAX_ROWS = 1000  # ours: one transaction of some milliseconds, so that no light waits long for it
WAL_MAX_PAGES = 2000  # ours: 8 MiB; a gate that is never idle checkpoints here, within an append
PROBE_BYTES = 16 * 1024  # more than an append writes: what has room for a probe has room for a check-in
MIGRATION_MAX_S = 60.0

_APPEND = f"""
    INSERT INTO checkin (seq, {COLUMNS})
    SELECT 1 + max(coalesce((SELECT max(seq) FROM checkin), 0), acked_seq), ?, ?, ?, ?, ?, ?, ?, ?, ?
    FROM meta
"""  # noqa: S608 - COLUMNS is a constant of ours
_UNSENT = "SELECT coalesce((SELECT max(seq) FROM checkin), acked_seq) - acked_seq FROM meta"
_BLANK = """
    UPDATE checkin SET pseudonym = NULL, kinds = '' WHERE seq IN (
        SELECT seq FROM checkin WHERE at_ms < ? AND (pseudonym IS NOT NULL OR kinds <> '') LIMIT ?)
"""

T = TypeVar("T")


class Journal:
    """Record check-ins durably; one that is damaged is set aside, never deleted, and a new epoch begins.

    `set_aside` names the file last set aside since `open`, None where all was well.
    Every method raises JournalError where the disk is full, read-only or failing; the next call tries anew.
    """

    def __init__(self, path: Path, migrate: Callable[[Path], None]) -> None:
        self._path = path
        self._migrate = migrate
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
        self.set_aside: Path | None = None

    @classmethod
    def open(cls, path: Path, *, migrate: Callable[[Path], None] | None = None) -> Self:
        """Open the journal at a path, whole and up to date; create it where there is none.

        `migrate` brings the file's schema up to date; by default in a process of its own.
        Raises: JournalError, also for a file that is newer than this program or is no journal but another's database.
        """
        journal = cls(path, migrate or migrate_apart)
        try:
            journal._run(_checked)
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

        return self._run(insert)

    def probe(self) -> None:
        """Write, as an append would but without a check-in, to find out whether one can be recorded.

        Raises: JournalError.
        """
        self._run(lambda db: db.execute("REPLACE INTO probe VALUES (1, zeroblob(?))", (PROBE_BYTES,)))

    def unsent(self) -> int:
        """Return how many check-ins the centre has not acknowledged."""
        return self._run(lambda db: int(db.execute(_UNSENT).fetchone()[0]))

    def blank_before(self, at_ms: int) -> int:
        """Blank pseudonym and kinds of check-ins before a time, and return how many were; at most
        `BLANK_MAX_ROWS` at once: call again until it returns less.
        """  # noqa: D205 - one sentence, and a long one
        return self._run(lambda db: db.execute(_BLANK, (at_ms, BLANK_MAX_ROWS)).rowcount)

    def checkpoint(self) -> None:
        """Carry the write-ahead log into the file, as far as possible without waiting: call it when idle."""
        self._run(lambda db: db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())

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
            self._run(_checked)
        with contextlib.suppress(OSError):  # a mark that stays names a file that is no more
            remove_mark(self._path)
        return damaged

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
            if isinstance(problem, JournalError) and not _only_full(error):
                self.close()  # after an I/O error its caches are not to be trusted
            raise problem from error

    def _connected(self) -> sqlite3.Connection:
        """Return the connection to the file that the path names now, opening or creating it if need be."""
        if self._db is not None and self._inode is not None and inode_of(self._path) == self._inode:
            return self._db
        self.close()
        self._make_file()
        self._db = connect(self._path, create=False)
        if self._behind(self._db):
            self.close()
            self._migrate(self._path)
            self._db = connect(self._path, create=False)
        self._db.execute(f"PRAGMA wal_autocheckpoint={WAL_MAX_PAGES}")
        self._inode = inode_of(self._path)
        return self._db

    def _make_file(self) -> None:
        """Create the file where there is none, for this user and group; never beside a log of another one."""
        size = self._path.stat().st_size if self._path.exists() else 0
        wal = beside(self._path, "-wal")
        if size == 0 and wal.exists() and wal.stat().st_size > 0:
            raise MalformedError("a log without its file")  # SQLite would delete it
        if self._path.exists():
            _shut_out(self._path)
            return
        file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
        try:
            os.fchmod(file, FILE_MODE)  # whatever the umask
        finally:
            os.close(file)
        sync_folder(self._path.parent)

    def _behind(self, db: sqlite3.Connection) -> bool:
        """Tell whether the schema is to be migrated, after making sure that the file is ours."""
        version, application = pragma(db, "user_version"), pragma(db, "application_id")
        empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION_ID and not empty:
            raise JournalError(f"{self._path}: another program's database: name another file as journal.path")
        if version > SCHEMA_VERSION:
            raise JournalError(f"{self._path}: schema {version} is newer than this program: update the program")
        _, frames, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if lost_frames(beside(self._path, "-wal"), max(frames, 0)):
            raise MalformedError("its log is damaged")
        return bool(version < SCHEMA_VERSION)

    def _put_aside(self) -> None:
        """Rename the file and its log, the file first: a log alone is recognised, a file alone would seem whole.

        The connection is closed afterwards: SQLite then sees that the file was moved, and leaves its log as it is.
        """
        aside = _free_name(beside(self._path, time.strftime(f"{ASIDE}%Y%m%dT%H%M%SZ", time.gmtime())))
        try:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    beside(self._path, suffix).rename(beside(aside, suffix))
            sync_folder(self._path.parent)
        except OSError as error:
            raise translated(self._path, error) from error
        finally:
            self.close()
        self.set_aside = aside


def migrate_apart(path: Path) -> None:
    """Migrate in a process of its own: sqlite-utils would cost this one 17 MiB for good.

    Raises: JournalError.
    """
    import subprocess  # noqa: PLC0415 - only where a journal is new or old

    command = [sys.executable, "-m", "firmware.journal_schema", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MIGRATION_MAX_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise JournalError(f"{path}: its migration takes too long: check its disk") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise JournalError(f"{path}: its schema cannot be brought up to date: {lines[-1]}")


def _shut_out(path: Path) -> None:
    """Take the world's rights to a file away, if it has any; other rights are as somebody wants them."""
    mode = path.stat().st_mode
    if mode & WORLD:
        with contextlib.suppress(PermissionError):  # another user's: theirs to decide
            path.chmod(stat.S_IMODE(mode) & ~WORLD)


def _checked(db: sqlite3.Connection) -> None:
    problem = pragma(db, "quick_check(1)")
    if problem != "ok":
        raise MalformedError(problem)


def _only_full(error: sqlite3.Error | OSError) -> bool:
    """Tell whether the file itself is sound, and only room or the lock was missing."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)


def _free_name(path: Path) -> Path:
    """Return the path, or where it is taken the first free one with a number behind."""
    number, free = 1, path
    while any(beside(free, suffix).exists() for suffix in ("", "-wal", "-shm")):
        number += 1
        free = beside(path, f"-{number}")
    return free
