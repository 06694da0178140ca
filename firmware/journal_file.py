"""The journal's file: made, checked, migrated, and set aside where it is damaged."""

import contextlib
import os
import sqlite3
import stat
import sys
import time
from pathlib import Path

from firmware.journal_base import (
    APPLICATION_ID,
    ASIDE,
    FILE_MODE,
    SCHEMA_VERSION,
    WORLD,
    JournalError,
    MalformedError,
    beside,
    pragma,
    sync_folder,
    translated,
)
from firmware.journal_wal import lost_frames

MIGRATION_MAX_S = 60.0


def make_file(path: Path) -> None:
    """Create the file where there is none, for this user and group; never beside a log of another one."""
    size = path.stat().st_size if path.exists() else 0
    wal = beside(path, "-wal")
    if size == 0 and wal.exists() and wal.stat().st_size > 0:
        raise MalformedError("a log without its file")  # SQLite would delete it
    if path.exists():
        _shut_out(path)
        return
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    try:
        os.fchmod(file, FILE_MODE)  # whatever the umask
    finally:
        os.close(file)
    sync_folder(path.parent)


def behind(path: Path, db: sqlite3.Connection) -> bool:
    """Tell whether the schema is to be migrated, after making sure that the file is ours."""
    version, application = pragma(db, "user_version"), pragma(db, "application_id")
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and not empty:
        raise JournalError(f"{path}: another program's database: name another file as journal.path")
    if version > SCHEMA_VERSION:
        raise JournalError(f"{path}: schema {version} is newer than this program: update the program")
    _, frames, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if lost_frames(beside(path, "-wal"), max(frames, 0)):
        raise MalformedError("its log is damaged")
    if version == SCHEMA_VERSION:
        return False
    checked(db)  # a migration that found the damage could not set it aside
    return True


def put_aside(path: Path) -> Path:
    """Rename a journal and its log, the file first: a log alone is recognised, a file alone would seem whole.

    Return the file's new name. Raises: JournalError.
    """
    aside = _free_name(beside(path, time.strftime(f"{ASIDE}%Y%m%dT%H%M%SZ", time.gmtime())))
    try:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                beside(path, suffix).rename(beside(aside, suffix))
        sync_folder(path.parent)
    except OSError as error:
        raise translated(path, error) from error
    return aside


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


def checked(db: sqlite3.Connection) -> None:
    """Check every page of the file. Raises: MalformedError, sqlite3.Error."""
    problem = pragma(db, "quick_check(1)")
    if problem != "ok":
        raise MalformedError(problem)


def _free_name(path: Path) -> Path:
    """Return the path, or where it is taken the first free one with a number behind."""
    number, free = 1, path
    while any(beside(free, suffix).exists() for suffix in ("", "-wal", "-shm")):
        number += 1
        free = beside(path, f"-{number}")
    return free
