"""The ledger: which numbers of a journal the centre has, and what becomes of a batch; the same for every engine.

A batch that goes on where a journal ends is new as a whole and needs no look at any check-in. One that holds numbers
known before is compared with what is kept under them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from centre.collecting.store import Stored, UnstorableError
from firmware.checkin import COLUMNS, Row
from firmware.wire import FIRST_PREVIOUS, Batch, DecodedBatch
from firmware.wire_cbor import dumps

Spans = tuple[tuple[int, int], ...]  # ranges of numbers, both ends included, in order, none touching the next

SPANS_MAX = 1000  # ours: holes in one journal; a device that works has a few, if any
_HOLDERS = [COLUMNS.split(", ").index(name) for name in ("kinds", "pseudonym", "details")]


class JournalKey(NamedTuple):
    """Hold what a journal is known by."""

    device: str
    epoch: bytes


class BatchKey(NamedTuple):
    """Hold what a batch is known by."""

    device: str
    epoch: bytes
    last_seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Journal:
    """Hold what the ledger says of a journal."""

    spans: Spans = ()
    conflicts: int = 0  # numbers with more than one content
    breaks: int = 0  # batches that follow no known one

    @property
    def last_seq(self) -> int:
        """Return the last number that came, 0 where none did."""
        return self.spans[-1][1] if self.spans else 0

    @property
    def up_to(self) -> int:
        """Return the last number without a hole before it."""
        return self.spans[0][1] if self.spans and self.spans[0][0] == 1 else 0

    @property
    def stored(self) -> int:
        """Return how many numbers came."""
        return sum(last - first + 1 for first, last in self.spans)


class BatchRow(NamedTuple):
    """Hold what the ledger keeps of a batch."""

    key: BatchKey
    first_seq: int
    previous: bytes
    conflicts: int
    follows: bool


class Other(NamedTuple):
    """Hold a check-in that came under a known key with another content."""

    device: str
    epoch: bytes
    seq: int
    hash: bytes
    row: Row


class Engine(Protocol):
    """What the ledger asks of a database, within one transaction that has the journals to itself."""

    def journals(self, keys: Iterable[JournalKey]) -> dict[JournalKey, Journal]:
        """Return journals, for this transaction alone; empty ones where they are new."""
        ...

    def batches(self, keys: Iterable[BatchKey]) -> dict[BatchKey, BatchRow]:
        """Return those batches that are known."""
        ...

    def rows(self, batch: Batch, known: int) -> dict[int, Row]:
        """Return the check-ins kept under a batch's numbers, of which so many are known."""
        ...

    def add(self, batches: Sequence[tuple[Batch, Sequence[int]]]) -> None:
        """Keep some check-ins of batches, named by their places in them; all are new."""
        ...

    def add_others(self, others: Sequence[Other]) -> int:
        """Keep check-ins aside; return how many numbers had none aside before."""
        ...

    def save(self, journals: dict[JournalKey, Journal], batches: Sequence[BatchRow]) -> None:
        """Keep what the ledger says now."""
        ...

    def followed(self, batch: BatchRow) -> int:
        """Note for batches that name this one as the one before, and came before it, that they follow; count them."""
        ...


def take(engine: Engine, arrived: Sequence[DecodedBatch], *, doubtful: bool = False) -> list[Stored]:
    """Keep some batches, and return what became of each. Raises: UnstorableError, and what the engine raises.

    Where the ledger is `doubtful`, what is kept is looked at even under numbers that it does not know.
    """
    return _Taking(engine, arrived, doubtful=doubtful).run()


class _Taking:
    def __init__(self, engine: Engine, arrived: Sequence[DecodedBatch], *, doubtful: bool) -> None:
        self._engine, self._arrived, self._doubtful = engine, arrived, doubtful
        keys = [batch_key(one) for one in arrived]
        self._journals = engine.journals({JournalKey(*key[:2]) for key in keys})
        before = [_before(one.batch) for one in arrived]
        self._known = engine.batches({*keys, *filter(None, before)})
        self._new: dict[BatchKey, BatchRow] = {}
        self._waiting: list[tuple[Batch, Sequence[int]]] = []  # to be added, all at once

    def run(self) -> list[Stored]:
        stored = [self._take(one) for one in self._arrived]
        self._flush()
        chained = [self._chained(row) for row in self._new.values()]
        self._engine.save(self._journals, chained)
        follows = {row.key: row.follows for row in chained}
        return [
            result._replace(follows=follows.get(batch_key(one), result.follows))
            for result, one in zip(stored, self._arrived, strict=True)
        ]

    def _take(self, arrived: DecodedBatch) -> Stored:
        batch, key = arrived.batch, batch_key(arrived)
        count = len(batch.rows)
        known = self._known.get(key) or self._new.get(key)
        if known is not None:
            return Stored(0, count - known.conflicts, known.conflicts, known.follows)
        journal_key = JournalKey(batch.device, batch.epoch)
        journal = self._journals[journal_key]
        new, others = list(range(count)), list[Other]()
        if self._doubtful or batch.first_seq <= journal.last_seq:
            new, others = self._compare(batch, journal)
        if new:
            self._waiting.append((batch, new))
        spans = added(journal.spans, batch.first_seq, batch.last_seq)
        if len(spans) > SPANS_MAX:
            raise UnstorableError(f"journal of {batch.device} has over {SPANS_MAX} holes: retire the device")
        again = self._engine.add_others(others) if others else 0
        self._journals[journal_key] = replace(journal, spans=spans, conflicts=journal.conflicts + again)
        follows = not (new or others)  # known as a whole (from a stick, say), it tells nothing of what was before it
        self._new[key] = BatchRow(key, batch.first_seq, batch.previous, len(others), follows)
        return Stored(len(new), count - len(new) - len(others), len(others), follows=False)

    def _compare(self, batch: Batch, journal: Journal) -> tuple[list[int], list[Other]]:
        """Return the places of what is new in a batch, and what is known otherwise."""
        self._flush()
        known_seqs = within(journal.spans, batch.first_seq, batch.last_seq)
        expected = len(batch.rows) if self._doubtful else len(known_seqs)
        kept = self._engine.rows(batch, expected) if expected else {}
        new: list[int] = []
        others: list[Other] = []
        for place, row in enumerate(batch.rows):
            seq = batch.first_seq + place
            known = kept.get(seq)
            if known is not None and not agree(known, row):
                others.append(Other(batch.device, batch.epoch, seq, hashlib.sha256(dumps(list(row))).digest(), row))
            elif known is None and seq not in known_seqs:  # else its time is over
                new.append(place)
        return new, others

    def _flush(self) -> None:
        """Keep what waits, so that it is found."""
        if self._waiting:
            self._engine.add(self._waiting)
            self._waiting = []

    def _chained(self, row: BatchRow) -> BatchRow:
        """Return a new batch with whether it follows a known one; its journal counts those that do not."""
        key = JournalKey(row.key.device, row.key.epoch)
        before = BatchKey(*key, row.first_seq - 1, row.previous)
        follows = row.follows or before in self._known or before in self._new
        follows = follows or (row.first_seq == 1 and row.previous == FIRST_PREVIOUS)
        journal = self._journals[key]
        breaks = journal.breaks + (not follows)
        if journal.breaks:
            breaks -= self._engine.followed(row)
        self._journals[key] = replace(journal, breaks=breaks)
        return row._replace(follows=follows)


def batch_key(arrived: DecodedBatch) -> BatchKey:
    """Return what a batch is known by."""
    batch = arrived.batch
    return BatchKey(batch.device, batch.epoch, batch.last_seq, arrived.digest)


def agree(known: Row, arrived: Row) -> bool:
    """Tell whether two check-ins under one key are the same, apart from what a retention date may have blanked."""
    if known == arrived:
        return True
    return (_blank(known) or _blank(arrived)) and _blanked(known) == _blanked(arrived)


def added(spans: Spans, first: int, last: int) -> Spans:
    """Return ranges with one more, joined with those that it touches."""
    if not spans or first > spans[-1][1] + 1:
        return (*spans, (first, last))
    before = [span for span in spans if span[1] < first - 1]
    behind = [span for span in spans if span[0] > last + 1]
    joined = spans[len(before) : len(spans) - len(behind)]
    if joined:
        first, last = min(first, joined[0][0]), max(last, joined[-1][1])
    return (*before, (first, last), *behind)


def within(spans: Spans, first: int, last: int) -> set[int]:
    """Return the numbers of a range that are within some."""
    return {seq for begin, end in spans for seq in range(max(begin, first), min(end, last) + 1)}


def checked(device: str, pairs: Iterable[tuple[int, int]]) -> Spans:
    """Return ranges as they are kept of a device. Raises: UnstorableError where they are damaged."""
    try:
        spans = tuple(sorted(pairs))
    except ValueError:
        spans = ((0, 0),)
    ends = (-1, *(last for _, last in spans))
    if any(first > last or first < end + 2 for end, (first, last) in zip(ends, spans, strict=False)):
        raise UnstorableError(f"the ledger's row of {device} is damaged: bring the store back from its backup")
    return spans


def holes(spans: Spans) -> Spans:
    """Return the ranges between some, from 1 on."""
    ends = (0, *(last for _, last in spans))
    return tuple((end + 1, first - 1) for end, (first, _) in zip(ends, spans, strict=False) if first > end + 1)


def _before(batch: Batch) -> BatchKey | None:
    if batch.first_seq == 1:
        return None
    return BatchKey(batch.device, batch.epoch, batch.first_seq - 1, batch.previous)


def _blank(row: Row) -> bool:
    return not any(row[place] for place in _HOLDERS)


def _blanked(row: Row) -> tuple[object, ...]:
    return tuple(None if place in _HOLDERS else value for place, value in enumerate(row))
