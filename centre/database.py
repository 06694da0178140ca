"""A database file of the centre's: for its owner only, nobody else's and not a newer program's, every commit synced."""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

MODE = 0o600  # of a new file: what is in it is nobody else's business; SQLite gives -wal and -shm the same


@dataclass(frozen=True, slots=True)
class Form:
    """What tells a kind of file from others: its number, its schema, and the error where a file is none of it."""

    application_id: int
    version: int
    tables: str
    error: type[Exception]
    elsewhere: str  # what to do about somebody else's file


def opened(path: Path, form: Form, *, busy_s: float, any_thread: bool = False) -> sqlite3.Connection:
    """Open a file, or create it; one that is there keeps the mode that somebody gave it.

    Raises: sqlite3.Error, the form's error.
    """
    with contextlib.suppress(OSError):  # SQLite says what is wrong, if anything is
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE))
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=not any_thread)
    try:
        version = _version(path, db, form)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        if version < form.version:
            db.executescript(_schema(form))
    except (sqlite3.Error, form.error):
        db.close()
        raise
    return db


def _version(path: Path, db: sqlite3.Connection, form: Form) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != form.application_id and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise form.error(f"{path}: another program's database: {form.elsewhere}")
    if version > form.version:
        raise form.error(f"{path}: schema {version} is newer than this program: update the program")
    return version


def _schema(form: Form) -> str:
    return f"""
        BEGIN IMMEDIATE;
        {form.tables}
        PRAGMA application_id={form.application_id};
        PRAGMA user_version={form.version};
        COMMIT;
    """
