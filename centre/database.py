"""A database file of the centre's: for its owner only, nobody else's and not a newer program's, every commit synced."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from centre.files import belong

MODE = 0o600  # of a new file: what is in it is nobody else's business; SQLite gives -wal and -shm the same


@dataclass(frozen=True, slots=True)
class Form:
    """What tells a kind of file from others: its number, its schema, and the error where a file is none of it.

    `upgrades` make the schema of a file of an earlier version, by that version; without one its tables are made anew.
    """

    application_id: int
    version: int
    tables: str
    error: type[Exception]
    elsewhere: str  # what to do about somebody else's file
    upgrades: Mapping[int, str] = field(default_factory=dict)


class DatabaseFile:
    """What keeps its rows in such a file, as a context manager that closes it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Work on a file that `opened` opened."""
        self._db = db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._db.close()


def opened(path: Path, form: Form, *, busy_s: float, any_thread: bool = False) -> sqlite3.Connection:
    """Open a file, or create it; one that is there keeps the mode that somebody gave it.

    Raises: sqlite3.Error, the form's error.
    """
    with contextlib.suppress(OSError):  # SQLite says what is wrong, if anything is
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE)
        with os.fdopen(made):
            belong(made, path.parent)
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=not any_thread)
    try:
        _version(path, db, form)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        _make(path, db, form)
    except (sqlite3.Error, form.error):
        db.close()
        raise
    return db


@contextlib.contextmanager
def changing(db: sqlite3.Connection) -> Iterator[None]:
    """Do what is within all or not at all, with nobody else writing; synced when it returns. Raises: sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _version(path: Path, db: sqlite3.Connection, form: Form) -> int:
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]  # first: somebody may just be making them
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if application != form.application_id and tables:
        raise form.error(f"{path}: another program's database: {form.elsewhere}")
    if version > form.version:
        raise form.error(f"{path}: schema {version} is newer than this program: update the program")
    return version


def _make(path: Path, db: sqlite3.Connection, form: Form) -> None:
    """Bring the file to the form's version; whoever else opens it meanwhile waits, and finds it there."""
    if _version(path, db, form) == form.version:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(path, db, form)
        if version < form.version:
            for statement in _statements(form.upgrades.get(version, form.tables)):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={form.application_id}")
            db.execute(f"PRAGMA user_version={form.version}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    """Return the statements of a script; sqlite3's own `executescript` would end the transaction."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
