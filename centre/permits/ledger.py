"""Which permits were issued: `HOME/permits/permits.db`.

Of a vehicle's permit its text is kept, so that it can be printed again. Of what names a person nothing is kept but
identifier, kind and times: its text is in the files that were handed out, and nowhere else. All of it goes some time
after the permit has ended.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self, cast

from centre import database
from centre.database import changing
from centre.files import make_folder
from centre.output import EX_CONFIG, EX_TRY_AGAIN
from centre.permits.encoding import Kind, Times
from centre.permits.home import PermitError, PermitHome
from centre.trust.home import writing

BUSY_S = 30.0  # ours: another command's table of thousands takes seconds
KEPT = timedelta(days=90)  # ours: after its end, for questions about it

_TABLES = """
    CREATE TABLE IF NOT EXISTS permit (
        number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, kid BLOB NOT NULL, plate TEXT,
        issued_s INTEGER NOT NULL, begins_s INTEGER NOT NULL, ends_s INTEGER NOT NULL, revoked_s INTEGER,
        row BLOB NOT NULL, text TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS permit_row ON permit (row);
    CREATE INDEX IF NOT EXISTS permit_plate ON permit (plate);
    CREATE INDEX IF NOT EXISTS permit_ends ON permit (ends_s);
"""
_COLUMNS = "id, kind, kid, plate, issued_s, begins_s, ends_s, revoked_s, row, text"


class LedgerError(PermitError):
    """A ledger that cannot be used now: what is wrong and the cure, on one line."""

    def __init__(self, why: str, code: int = EX_CONFIG) -> None:
        """Say why, and with which code the command ends."""
        super().__init__(why, code)


_FORM = database.Form(0x43585045, 1, _TABLES, LedgerError, "move it away")  # "CXPE"


class Entry(NamedTuple):
    """A permit that was issued.

    `row`: what its fields were, under a secret of the key's. `text`: None where it names a person.
    """

    identifier: bytes
    kind: Kind
    kid: bytes
    plate: str | None
    times: Times
    row: bytes
    text: str | None = None
    revoked_at: datetime | None = None

    def state(self, at: datetime) -> str:
        """Return how it is, the most telling first."""
        if self.revoked_at is not None:
            return "revoked"
        if self.times.ends < at:
            return "ended"
        return "valid" if self.times.begins <= at else "waits"


class Ledger(database.DatabaseFile):
    """The permits. Every method raises LedgerError where the file cannot be used."""

    def __init__(self, db: sqlite3.Connection, home: PermitHome) -> None:
        """Work on a file that `open` opened."""
        super().__init__(db)
        self._home = home

    @classmethod
    def open(cls, home: PermitHome) -> Self:
        """Open it in the centre's home folder, or create it there. Raises: TrustError."""
        with writing(home.folder):
            make_folder(home.folder, 0o700)
        with _told(home):
            return cls(database.opened(home.ledger, _FORM, busy_s=BUSY_S), home)

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Do what is within all or not at all, with nobody else writing; synced when it returns."""
        with _told(self._home), changing(self._db):
            yield

    def put(self, entry: Entry) -> None:
        """Add a permit."""
        times = (_seconds(at) for at in entry.times)
        self._run(
            f"INSERT INTO permit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",  # noqa: S608 - constants
            *(entry.identifier, entry.kind, entry.kid, entry.plate, *times, entry.row, entry.text),
        )

    def of_row(self, row: bytes, at: datetime) -> Entry | None:
        """Return the newest permit of these fields that is in force or will be."""
        where = "row = ? AND ends_s > ? AND revoked_s IS NULL ORDER BY number DESC LIMIT 1"
        return next(iter(self._entries(where, row, _seconds(at))), None)

    def overlapping(self, plate: str, begins: datetime, ends: datetime) -> list[Entry]:
        """Return a plate's permits that hold at some time between two."""
        where = "plate = ? AND begins_s <= ? AND ends_s >= ? AND revoked_s IS NULL ORDER BY number"
        return self._entries(where, plate, _seconds(ends), _seconds(begins))

    def of_plate(self, plate: str) -> list[Entry]:
        """Return all permits of a plate."""
        return self._entries("plate = ? ORDER BY number", plate)

    def beginning(self, digits: str) -> list[Entry]:
        """Return the permits whose identifier begins so, in hexadecimal digits in capitals."""
        return self._entries("substr(hex(id), 1, ?) = ? ORDER BY number LIMIT 2", len(digits), digits)

    def entries(self) -> list[Entry]:
        """Return all permits in the order of their issue."""
        return self._entries("1 ORDER BY number")

    def revoke(self, identifier: bytes, at: datetime) -> None:
        """Mark a permit as revoked; one that is already stays as it is."""
        self._run("UPDATE permit SET revoked_s = ? WHERE id = ? AND revoked_s IS NULL", _seconds(at), identifier)

    def forget(self, at: datetime) -> None:
        """Remove what ended long ago."""
        self._run("DELETE FROM permit WHERE ends_s < ?", _seconds(at - KEPT))

    def _entries(self, where: str, *values: str | bytes | int) -> list[Entry]:
        query = f"SELECT {_COLUMNS} FROM permit WHERE {where}"  # noqa: S608 - constants
        return [_entry(*row) for row in self._run(query, *values)]

    def _run(self, query: str, *values: str | bytes | int | None) -> list[tuple[Any, ...]]:
        with _told(self._home):
            return self._db.execute(query, values).fetchall()


def _entry(  # one for each column
    identifier: bytes,
    kind: str,
    kid: bytes,
    plate: str | None,
    issued: int,
    begins: int,
    ends: int,
    revoked: int | None,
    row: bytes,
    text: str | None,
) -> Entry:
    times = Times(_time(issued), _time(begins), _time(ends))
    return Entry(
        identifier, cast("Kind", kind), kid, plate, times, row, text, None if revoked is None else _time(revoked)
    )


@contextlib.contextmanager
def _told(home: PermitHome) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise LedgerError(f"{home.ledger}: another command works on it: try again", EX_TRY_AGAIN) from None
        raise LedgerError(f"{home.ledger}: {error}: check --home, disk and rights") from None


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
