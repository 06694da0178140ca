"""The ledger's database in PostgreSQL: sets of rows at a time, whatever the number of batches."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from typing import Any

from centre.collecting import postgres_copy
from centre.collecting.days import day_of, days_of, to_date
from centre.collecting.ledger import BatchKey, BatchRow, Journal, JournalKey, Other, Spans, checked
from centre.collecting.postgres_schema import Connection
from firmware.checkin import COLUMNS, Row
from firmware.wire import Batch

_JOURNALS = """
    SELECT device, epoch, spans, conflicts, breaks FROM journal
    WHERE (device, epoch) IN (SELECT * FROM unnest(%b::text[], %b::bytea[]))
    ORDER BY device, epoch FOR UPDATE
"""
_NEW_JOURNALS = """
    INSERT INTO journal SELECT *, '{}', 0, 0 FROM unnest(%b::text[], %b::bytea[]) ON CONFLICT DO NOTHING
"""
_BATCHES = """
    SELECT device, epoch, last_seq, digest, first_seq, previous, conflicts, follows
    FROM unnest(%b::text[], %b::bytea[], %s::bigint[], %b::bytea[]) AS wanted (device, epoch, last_seq, digest)
    JOIN batch USING (device, epoch, last_seq, digest)
"""
_STAGED = "INSERT INTO checkin SELECT * FROM staging ON CONFLICT DO NOTHING"
STAGING = "CREATE TEMP TABLE IF NOT EXISTS staging (LIKE checkin) ON COMMIT DELETE ROWS"
_COPY = f"COPY {{}} ({postgres_copy.COLUMNS}) FROM STDIN (FORMAT binary)"
_ROWS = f"SELECT seq, {COLUMNS} FROM checkin WHERE device = %s AND epoch = %s AND seq BETWEEN %s AND %s"  # noqa: S608 - constants
_OTHERS = f"""
    INSERT INTO conflict (device, epoch, seq, day, received_ms, hash, {COLUMNS})
    VALUES ({", ".join(["%s"] * 19)}) ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_HAVE_OTHERS = "SELECT seq FROM conflict WHERE device = %s AND epoch = %s AND seq = ANY(%s)"
_SAVE_BATCHES = """
    INSERT INTO batch SELECT * FROM unnest(%b::text[], %b::bytea[], %s::bigint[], %b::bytea[],
        %s::bigint[], %b::bytea[], %s::int[], %s::boolean[], %s::bigint[])
"""
_SAVE_JOURNALS = """
    UPDATE journal SET spans = new.spans::bigint[], conflicts = new.conflicts, breaks = new.breaks,
        first_received_ms = coalesce(journal.first_received_ms, new.received_ms), last_received_ms = new.received_ms
    FROM unnest(%b::text[], %b::bytea[], %b::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS new (device, epoch, spans, conflicts, breaks, received_ms)
    WHERE (journal.device, journal.epoch) = (new.device, new.epoch)
"""
_FOLLOWED = """
    UPDATE batch SET follows = true
    WHERE device = %s AND epoch = %s AND first_seq = %s AND previous = %s AND NOT follows
"""


class PostgresEngine:
    """A ledger's `Engine` on a connection that is within a transaction.

    A batch that is new as a whole is copied to where it belongs: its journal is locked, so nobody else has it. What is
    left of others is copied aside first, and taken over unless it is there.
    """

    def __init__(self, connection: Connection, received_ms: int) -> None:
        self._connection, self._received_ms = connection, received_ms
        self._staged = False

    def journals(self, keys: Iterable[JournalKey]) -> dict[JournalKey, Journal]:
        """Return journals, their rows locked; see `Engine.journals`."""
        wanted = sorted(keys)
        found = self._locked(wanted)
        missing = [key for key in wanted if key not in found]
        if missing:
            self._connection.execute(_NEW_JOURNALS, columns(missing, 2))
            found |= self._locked(missing)
        return found

    def _locked(self, keys: Sequence[JournalKey]) -> dict[JournalKey, Journal]:
        rows = self._connection.execute(_JOURNALS, columns(keys, 2))
        return {
            JournalKey(device, epoch): Journal(to_spans(device, spans), conflicts, breaks)
            for device, epoch, spans, conflicts, breaks in rows
        }

    def batches(self, keys: Iterable[BatchKey]) -> dict[BatchKey, BatchRow]:
        """Return those batches that are known."""
        rows = self._connection.execute(_BATCHES, columns(list(keys), 4))
        return {BatchKey(*row[:4]): BatchRow(BatchKey(*row[:4]), *row[4:]) for row in rows}

    def rows(self, batch: Batch, known: int) -> dict[int, Row]:
        """Return the check-ins kept under a batch's numbers: on the days that it names, and if need be on all."""
        of = (batch.device, batch.epoch, batch.first_seq, batch.last_seq)
        days: list[date] = [to_date(day) for day in days_of(batch.rows, self._received_ms)]
        near = self._connection.execute(f"{_ROWS} AND day = ANY(%s)", (*of, days))
        found = {seq: row for seq, *row in near}
        if len(found) < known:
            found |= {seq: row for seq, *row in self._connection.execute(_ROWS, of)}
        return {seq: _row(row) for seq, row in found.items()}

    def add(self, batches: Sequence[tuple[Batch, Sequence[int]]]) -> None:
        """Keep some check-ins of batches."""
        sure = [len(places) == len(batch.rows) for batch, places in batches]
        whole = [one for one, is_sure in zip(batches, sure, strict=True) if is_sure]
        rest = [one for one, is_sure in zip(batches, sure, strict=True) if not is_sure]
        if whole:
            self._copy("checkin", whole)
        if rest:
            if self._staged:
                self._connection.execute("TRUNCATE staging")  # at the end of the transaction it empties itself
            self._staged = True
            self._copy("staging", rest)
            self._connection.execute(_STAGED)

    def _copy(self, table: str, batches: Sequence[tuple[Batch, Sequence[int]]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(_COPY.format(table)) as copy:
            for piece in postgres_copy.encoded(batches, self._received_ms):
                copy.write(piece)

    def add_others(self, others: Sequence[Other]) -> int:
        """Keep check-ins aside."""
        device, epoch, *_ = others[0]  # all of one batch
        numbers = [other.seq for other in others]
        have = self._connection.execute(_HAVE_OTHERS, (device, epoch, numbers)).fetchall()
        received = self._received_ms
        with self._connection.cursor() as cursor:
            cursor.executemany(
                _OTHERS,
                [
                    (*other[:3], to_date(day_of(other.row, received)), received, other.hash, *other.row)
                    for other in others
                ],
            )
        return len(set(numbers) - {seq for (seq,) in have})

    def save(self, journals: dict[JournalKey, Journal], batches: Sequence[BatchRow]) -> None:
        """Keep what the ledger says now."""
        received = self._received_ms
        if not batches:
            return  # all known
        self._connection.execute(_SAVE_BATCHES, columns([(*row.key, *row[1:], received) for row in batches], 9))
        rows = [
            (*key, from_spans(journal.spans), journal.conflicts, journal.breaks, received)
            for key, journal in journals.items()
        ]
        self._connection.execute(_SAVE_JOURNALS, columns(rows, 6))

    def followed(self, batch: BatchRow) -> int:
        """Note for batches behind this one that they follow it."""
        key = batch.key
        return self._connection.execute(_FOLLOWED, (key.device, key.epoch, key.last_seq + 1, key.digest)).rowcount


def columns(rows: Sequence[Sequence[Any]], count: int) -> list[list[Any]]:
    """Return rows as columns, which `unnest` makes rows again."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]


def to_spans(device: str, numbers: Sequence[int]) -> Spans:
    """Return ranges from an array of their ends. Raises: UnstorableError where it is damaged."""
    return checked(device, zip(numbers[::2], numbers[1::2], strict=True))


def from_spans(spans: Spans) -> str:
    """Return ranges as an array of their ends, as text: unnest would take an array of arrays apart."""
    return "{" + ",".join(map(str, chain.from_iterable(spans))) + "}"


def _row(values: Sequence[Any]) -> Row:
    return tuple(values)
