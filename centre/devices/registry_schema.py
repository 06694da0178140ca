"""The registry's file: how it is opened, and its tables."""

import sqlite3
from pathlib import Path

from centre import database

BUSY_S = 10.0  # ours: another administrator's 100,000 devices take seconds

_TABLES = """
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
"""


class RegistryError(Exception):
    """A registry that cannot be read or written now: what is wrong and the cure, on one line."""


_FORM = database.Form(0x43584432, 1, _TABLES, RegistryError, "move it away, or name another --home")  # "CXD2"


def opened(path: Path) -> sqlite3.Connection:
    """Open the registry's file, or create it; every commit is synced before it returns.

    Raises: sqlite3.Error, RegistryError.
    """
    return database.opened(path, _FORM, busy_s=BUSY_S, any_thread=True)
