"""Check-ins in one SQLite file: enough for a site, and for several collectors on one machine."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from centre.collecting.store import Account, Entry, Stored, StoreError, agree
from centre.database import Form, opened
from firmware.checkin import COLUMNS, CheckIn, from_row, to_row
from firmware.wire import FIRST_PREVIOUS, Batch, DecodedBatch

BUSY_S = 5.0  # ours: another collector's batch takes milliseconds

_CONTENT_SCHEMA = """
    id BLOB NOT NULL, at_ms INTEGER NOT NULL, clock_trusted INTEGER NOT NULL, lane TEXT NOT NULL,
    direction TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, kinds TEXT NOT NULL, pseudonym BLOB
"""
_TABLES = f"""
    CREATE TABLE IF NOT EXISTS checkin (
        device TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, {_CONTENT_SCHEMA},
        PRIMARY KEY (device, epoch, seq)) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS conflict (
        device TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, {_CONTENT_SCHEMA},
        PRIMARY KEY (device, epoch, seq, hash)) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS batch (
        device TEXT NOT NULL, epoch BLOB NOT NULL, last_seq INTEGER NOT NULL, hash BLOB NOT NULL,
        first_seq INTEGER NOT NULL, previous BLOB NOT NULL,
        PRIMARY KEY (device, epoch, last_seq, hash)) STRICT, WITHOUT ROWID;
"""
_FORM = Form(0x43584331, 1, _TABLES, StoreError, "name another file")  # "CXC1"
_FOLLOWS = """(first_seq = 1 AND previous = :none OR EXISTS (
    SELECT * FROM batch AS before WHERE before.device = batch.device AND before.epoch = batch.epoch
    AND before.last_seq = batch.first_seq - 1 AND before.hash = batch.previous))"""
_INSERT = "INSERT INTO checkin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_CONFLICT = "INSERT OR IGNORE INTO conflict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_HOLES = """
    SELECT before + 1, seq - 1 FROM (
        SELECT seq, lag(seq, 1, 0) OVER (ORDER BY seq) AS before FROM checkin WHERE device = ? AND epoch = ?)
    WHERE seq > before + 1
"""

T = TypeVar("T")


class SqliteStore:
    """Keep check-ins in a file, every commit synced before it returns."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it.

        Raises: StoreError.
        """
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._run(lambda _: None)

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

    def store(self, arrived: DecodedBatch) -> Stored:
        """Keep a batch, all or nothing, synced.

        Raises: StoreError; then nothing of it is kept.
        """

        def put(db: sqlite3.Connection) -> Stored:
            db.execute("BEGIN IMMEDIATE")
            try:
                stored = _put(db, arrived)
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
            return stored

        return self._run(put)

    def entries(self, after: tuple[str, bytes, int] | None = None, limit: int = 1000) -> list[Entry]:
        """Return check-ins in the order of their keys, behind a key."""
        query = f"""SELECT device, epoch, seq, {COLUMNS} FROM checkin
            WHERE (device, epoch, seq) > (?, ?, ?) ORDER BY device, epoch, seq LIMIT ?"""  # noqa: S608 - constants
        key = after or ("", b"", 0)

        def read(db: sqlite3.Connection) -> list[Entry]:
            rows = db.execute(query, (*key, limit)).fetchall()
            return [Entry(device, epoch, seq, from_row(content)) for device, epoch, seq, *content in rows]

        return self._run(read)

    def accounts(self) -> list[Account]:
        """Return what there is of each epoch of each device."""

        def count(db: sqlite3.Connection) -> list[Account]:
            query = "SELECT device, epoch, count(*), max(seq) FROM checkin GROUP BY device, epoch"
            return [_account(db, *row) for row in db.execute(query).fetchall()]

        return self._run(count)

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._db is None:
                self._db = opened(self._path, _FORM, busy_s=BUSY_S)
            return action(self._db)
        except (sqlite3.Error, ValueError) as error:  # ValueError: a damaged row
            self.close()  # after an error its caches are not to be trusted; the next call opens it again
            raise StoreError(f"{self._path}: {error}") from error


def _put(db: sqlite3.Connection, arrived: DecodedBatch) -> Stored:
    batch, digest = arrived
    known = _known(db, batch)
    new = conflicts = 0
    for seq, checkin in enumerate(batch.records, batch.first_seq):
        key = (batch.device, batch.epoch, seq)
        if seq not in known:
            new += db.execute(_INSERT, (*key, *to_row(checkin))).rowcount
        elif not agree(known[seq], checkin):
            conflicts += 1
            db.execute(_INSERT_CONFLICT, (*key, digest, *to_row(checkin)))
    row = (batch.device, batch.epoch, batch.last_seq, digest, batch.first_seq, batch.previous)
    db.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?, ?)", row)
    query = f"SELECT {_FOLLOWS} FROM batch WHERE device = :device AND epoch = :epoch AND hash = :hash"  # noqa: S608 - constants
    names = {"none": FIRST_PREVIOUS, "device": batch.device, "epoch": batch.epoch, "hash": digest}
    follows = bool(db.execute(query, names).fetchone()[0])
    return Stored(new, len(batch.records) - new - conflicts, conflicts, follows)


def _known(db: sqlite3.Connection, batch: Batch) -> dict[int, CheckIn]:
    query = f"SELECT seq, {COLUMNS} FROM checkin WHERE device = ? AND epoch = ? AND seq BETWEEN ? AND ?"  # noqa: S608 - constants
    rows = db.execute(query, (batch.device, batch.epoch, batch.first_seq, batch.last_seq)).fetchall()
    return {seq: from_row(content) for seq, *content in rows}


def _account(db: sqlite3.Connection, device: str, epoch: bytes, stored: int, last_seq: int) -> Account:
    names = {"none": FIRST_PREVIOUS, "device": device, "epoch": epoch}
    where = "device = :device AND epoch = :epoch"
    breaks = db.execute(f"SELECT count(*) FROM batch WHERE {where} AND NOT {_FOLLOWS}", names)  # noqa: S608 - constants
    conflicts = db.execute(f"SELECT count(DISTINCT seq) FROM conflict WHERE {where}", names)  # noqa: S608 - constants
    holes = db.execute(_HOLES, (device, epoch)).fetchall()
    missing = tuple((first, last) for first, last in holes)
    return Account(device, epoch, stored, last_seq, missing, breaks.fetchone()[0], conflicts.fetchone()[0])
