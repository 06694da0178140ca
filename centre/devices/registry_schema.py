"""The registry's file: how it is opened, and its tables."""

import contextlib
import os
import sqlite3
from pathlib import Path

SCHEMA_VERSION = 1
APPLICATION_ID = 0x43584432  # "CXD2": tells the registry from anybody else's SQLite file
MODE = 0o600  # of a new file: who may enrol is nobody else's business; SQLite gives -wal and -shm the same
BUSY_S = 10.0  # ours: another administrator's 100,000 devices take seconds

_SCHEMA = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS device (
        name TEXT NOT NULL PRIMARY KEY, site TEXT, lane TEXT, direction TEXT,
        added_s INTEGER NOT NULL, retired_s INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS code (
        digest BLOB NOT NULL PRIMARY KEY, device TEXT NOT NULL REFERENCES device, expires_s INTEGER NOT NULL,
        used_s INTEGER, serial TEXT) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS code_device ON code (device);
    CREATE TABLE IF NOT EXISTS certificate (
        number INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
        key BLOB NOT NULL, not_before_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL, pem TEXT NOT NULL,
        revoked_s INTEGER, why TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS certificate_name ON certificate (name);
    CREATE TABLE IF NOT EXISTS counter (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA application_id={APPLICATION_ID};
    PRAGMA user_version={SCHEMA_VERSION};
    COMMIT;
"""


class RegistryError(Exception):
    """A registry that cannot be read or written now: what is wrong and the cure, on one line."""


def opened(path: Path) -> sqlite3.Connection:
    """Open the registry's file, or create it; every commit is synced before it returns.

    Raises: sqlite3.Error, RegistryError.
    """
    with contextlib.suppress(OSError):  # SQLite says what is wrong, if anything is
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE))
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        version = _version(path, db)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        if version < SCHEMA_VERSION:
            db.executescript(_SCHEMA)
    except (sqlite3.Error, RegistryError):
        db.close()
        raise
    return db


def _version(path: Path, db: sqlite3.Connection) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise RegistryError(f"{path}: another program's database: move it away, or name another --home")
    if version > SCHEMA_VERSION:
        raise RegistryError(f"{path}: schema {version} is newer than this program: update the program")
    return version
