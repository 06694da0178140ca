"""What both ends of the journal share: errors, connections, rows, and the mark of a suspect file."""

import contextlib
import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec

from firmware.checkin import Row, row_problem
from firmware.small_files import read_small_json, write_small

SCHEMA_VERSION = 4
APPLICATION_ID = 0x43584A31  # "CXJ1": tells the journal from anybody else's SQLite file
EPOCH_BYTES = 8
HASH_BYTES = 32
NO_HASH = bytes(HASH_BYTES)  # what stands for the batch before the first one
BUSY_S = 0.3  # ours: even two such waits in one turn leave most of the gate's watchdog (1.5 s)
MARK_MAX_BYTES = 4096
ASIDE = ".corrupt-"  # what follows the name of a journal that was set aside, before the time
FILE_MODE = 0o660  # gate and uplink are users of their own in one group; SQLite gives its log the same
WORLD = 0o007
SIZE_MIB = 256  # as the configuration says where it says nothing

_MALFORMED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CURES = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_PERM: "make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "make its folder exist and writable for this user",
    sqlite3.SQLITE_IOERR: "check its disk: is it full, or failing?",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
}

_CODES = {  # what SQLite makes of the system's errors; the rest is an I/O error to both
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
    errno.ENOENT: sqlite3.SQLITE_CANTOPEN,
    errno.ENOTDIR: sqlite3.SQLITE_CANTOPEN,
}


class JournalError(Exception):
    """A journal that cannot be read or written now: what is wrong, and the cure, on one line."""


class JournalFullError(JournalError):
    """A journal as large as it may become, or as its disk lets it, with nothing in it that may go: no check-in more."""


class MalformedError(Exception):
    """A journal whose content is damaged: it is to be set aside."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold what the uplink says of a journal that it found damaged: which file (its inode), and why."""

    inode: int
    cause: str


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file in autocommit mode, with every commit synced and deleted content overwritten.

    Raises: sqlite3.Error.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")  # what was blanked or sent is not left in free pages
    except sqlite3.Error:
        db.close()
        raise
    return db


def pragma(db: sqlite3.Connection, name: str) -> Any:  # noqa: ANN401 - SQLite's values have no static type
    """Return the first value that a PRAGMA gives."""
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def meta_of(db: sqlite3.Connection) -> tuple[bytes, int, bytes]:
    """Return the journal's epoch, the last number that the centre acknowledged, and the hash of that batch.

    Raises: MalformedError, sqlite3.Error.
    """
    row = db.execute("SELECT epoch, acked_seq, acked_hash FROM meta").fetchone()
    if row is None or [type(value) for value in row] != [bytes, int, bytes]:
        raise MalformedError("no meta row")
    epoch, acked_seq, acked_hash = row
    if len(epoch) != EPOCH_BYTES or len(acked_hash) != HASH_BYTES or acked_seq < 0:
        raise MalformedError("its meta row is none")
    return epoch, acked_seq, acked_hash


def checked_rows(numbered: list[tuple[Any, ...]], first_seq: int) -> tuple[Row, ...]:
    """Return the rows of numbered ones.

    Raises: MalformedError for a hole between them, or a row that is none.
    """
    if [row[0] for row in numbered] != list(range(first_seq, first_seq + len(numbered))):
        raise MalformedError("a number is missing")
    rows = tuple(cast(Row, row[1:]) for row in numbered)
    for row in rows:
        if problem := row_problem(row):
            raise MalformedError(f"a row is no check-in: {problem}")
    return rows


def translated(path: Path, error: sqlite3.Error | OSError) -> JournalError | MalformedError:
    """Return our own error for one of SQLite or the system."""
    if isinstance(error, OSError):
        primary = _CODES.get(error.errno or 0, sqlite3.SQLITE_IOERR)
        return JournalError(f"{path}: {error.strerror}: {_CURES[primary]}")
    code = getattr(error, "sqlite_errorcode", None)  # Python's own complaint, of text that is not UTF-8, has none
    primary = sqlite3.SQLITE_CORRUPT if code is None else code & 0xFF  # without what an extended code adds
    if primary in _MALFORMED:
        return MalformedError(str(error))
    return JournalError(f"{path}: {error}: {_CURES.get(primary, 'see the text before')}")


def beside(path: Path, suffix: str) -> Path:
    """Return the path with a suffix after its whole name, as SQLite names its files."""
    return path.with_name(path.name + suffix)


def count_set_aside(path: Path) -> int:
    """Return how many journals are kept aside beside the one at a path."""
    try:
        names = [file.name for file in path.parent.iterdir() if file.name.startswith(f"{path.name}{ASIDE}")]
    except OSError:
        return 0
    return len({name.removesuffix("-wal").removesuffix("-shm") for name in names})


def write_mark(path: Path, mark: Mark) -> None:
    """Mark a journal as suspect, so that the gate sets it aside.

    Raises: OSError.
    """
    write_small(beside(path, ".suspect"), msgspec.json.encode(mark), FILE_MODE)


def read_mark(path: Path) -> Mark | None:
    """Return the mark of a suspect journal, None where there is none that can be read."""
    try:
        return read_small_json(beside(path, ".suspect"), Mark, MARK_MAX_BYTES)[0]
    except OSError:
        return None


def remove_mark(path: Path) -> None:
    """Take the mark away."""
    with contextlib.suppress(FileNotFoundError):
        beside(path, ".suspect").unlink()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable.

    Raises: OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
