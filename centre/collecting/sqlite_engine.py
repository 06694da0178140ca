"""The ledger's database in SQLite."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from centre.collecting.days import day_of
from centre.collecting.ledger import BatchKey, BatchRow, Journal, JournalKey, Other, Spans, checked
from firmware.checkin import COLUMNS, Row
from firmware.wire import Batch

_JOURNAL = "SELECT spans, conflicts, breaks FROM journal WHERE device = ? AND epoch = ?"
_BATCH = """SELECT first_seq, previous, conflicts, follows FROM batch
    WHERE device = ? AND epoch = ? AND last_seq = ? AND digest = ?"""
_ROWS = f"SELECT seq, {COLUMNS} FROM checkin WHERE device = ? AND epoch = ? AND seq BETWEEN ? AND ?"  # noqa: S608 - constants
_ADD = f"""INSERT INTO checkin (device, epoch, seq, day, received_ms, {COLUMNS})
    VALUES ({", ".join("?" * 18)})"""  # noqa: S608 - constants
_ADD_OTHER = f"""INSERT OR IGNORE INTO conflict (device, epoch, seq, day, received_ms, {COLUMNS}, hash)
    VALUES ({", ".join("?" * 19)})"""  # noqa: S608 - constants
_HAVE_OTHER = "SELECT EXISTS (SELECT * FROM conflict WHERE device = ? AND epoch = ? AND seq = ?)"
_SAVE_BATCH = "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SAVE_JOURNAL = """
    INSERT INTO journal VALUES (:device, :epoch, :spans, :conflicts, :breaks, :received_ms, :received_ms)
    ON CONFLICT DO UPDATE SET spans = :spans, conflicts = :conflicts, breaks = :breaks, last_received_ms = :received_ms
"""
_FOLLOWED = """
    UPDATE batch SET follows = 1 WHERE device = ? AND epoch = ? AND first_seq = ? AND previous = ? AND NOT follows
"""


class SqliteEngine:
    """A ledger's `Engine` on a connection that is within a transaction, and so has the file to itself."""

    def __init__(self, db: sqlite3.Connection, received_ms: int) -> None:
        self._db, self._received_ms = db, received_ms

    def journals(self, keys: Iterable[JournalKey]) -> dict[JournalKey, Journal]:
        """Return journals."""
        found = {}
        for key in keys:
            row = self._db.execute(_JOURNAL, key).fetchone()
            found[key] = Journal() if row is None else Journal(to_spans(key.device, row[0]), *row[1:])
        return found

    def batches(self, keys: Iterable[BatchKey]) -> dict[BatchKey, BatchRow]:
        """Return those batches that are known."""
        rows = ((key, self._db.execute(_BATCH, key).fetchone()) for key in keys)
        return {key: BatchRow(key, *row) for key, row in rows if row is not None}

    def rows(self, batch: Batch, known: int) -> dict[int, Row]:
        """Return the check-ins kept under a batch's numbers; see `Engine.rows`."""
        del known  # one table has them all
        found = self._db.execute(_ROWS, (batch.device, batch.epoch, batch.first_seq, batch.last_seq))
        return {seq: _row(row) for seq, *row in found}

    def add(self, batches: Sequence[tuple[Batch, Sequence[int]]]) -> None:
        """Keep some check-ins of batches."""
        received = self._received_ms
        for batch, places in batches:
            rows = ((batch.first_seq + place, batch.rows[place]) for place in places)
            self._db.executemany(
                _ADD,
                ((batch.device, batch.epoch, seq, day_of(row, received), received, *row) for seq, row in rows),
            )

    def add_others(self, others: Sequence[Other]) -> int:
        """Keep check-ins aside."""
        fresh = {other.seq for other in others if not self._db.execute(_HAVE_OTHER, other[:3]).fetchone()[0]}
        received = self._received_ms
        self._db.executemany(
            _ADD_OTHER,
            [(*other[:3], day_of(other.row, received), received, *other.row, other.hash) for other in others],
        )
        return len(fresh)

    def save(self, journals: dict[JournalKey, Journal], batches: Sequence[BatchRow]) -> None:
        """Keep what the ledger says now."""
        self._db.executemany(_SAVE_BATCH, [(*row.key, *row[1:], self._received_ms) for row in batches])
        changed = {JournalKey(*row.key[:2]) for row in batches}
        self._db.executemany(_SAVE_JOURNAL, [self._named(key, journals[key]) for key in changed])

    def followed(self, batch: BatchRow) -> int:
        """Note for batches behind this one that they follow it."""
        key = batch.key
        return self._db.execute(_FOLLOWED, (key.device, key.epoch, key.last_seq + 1, key.digest)).rowcount

    def _named(self, key: JournalKey, journal: Journal) -> dict[str, Any]:
        counted = {"conflicts": journal.conflicts, "breaks": journal.breaks, "received_ms": self._received_ms}
        return {**key._asdict(), "spans": " ".join(f"{first}-{last}" for first, last in journal.spans), **counted}


def to_spans(device: str, text: str) -> Spans:
    """Return ranges from their text. Raises: UnstorableError where it is damaged."""
    return checked(device, ((int(first), int(last)) for first, last in (span.split("-") for span in text.split())))


def _row(values: Sequence[Any]) -> Row:
    return tuple(values)
