"""Exports of a journal, and what answers them applied to it; pure but for the journal's own files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from firmware.envelope import Authority, Signer
from firmware.export import Exporter, ExportError, ExportName, export_name, read_export
from firmware.journal_base import MalformedError
from firmware.journal_reader import JournalReader
from firmware.journal_snapshot import Run, salvage, set_aside, snapshot
from firmware.sealing import Recipient
from firmware.wire import MAX_RECORDS, Ack, Batch, count_fitting, digest_of, encode_batch


class Keys(NamedTuple):
    """Hold what a device exports with: its own key, the centre's to seal to, and whom it takes answers from."""

    signer: Signer
    recipient: Recipient
    authority: Authority

    @property
    def device(self) -> str:
        """Return the device's name, as its certificate has it."""
        return self.signer.name


class ExportFile(NamedTuple):
    """Hold one file for a stick, how many check-ins are in it, and the hashes of its batches."""

    name: str
    data: bytes
    records: int
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """Hold the files of one journal (epoch), and what would acknowledge each of its batches."""

    epoch: bytes
    files: tuple[ExportFile, ...]
    batches: frozenset[tuple[int, bytes]]  # number of the last check-in, and hash

    @property
    def records(self) -> int:
        """Return how many check-ins are in it."""
        return sum(file.records for file in self.files)


def export_present(keys: Keys, path: Path, advance: Callable[[int], None]) -> Exported | None:
    """Return what is unsent of the journal that is in use, None where there is no journal.

    `advance` is told how many check-ins were taken. What can be read of a damaged one is taken all the same.
    Raises: MalformedError where nothing can be; JournalError.
    """
    try:
        with snapshot(path) as now:
            if now is None:
                return None
            return _exported(keys, now.epoch, now.acked_hash, _counted(now.runs(), advance))
    except MalformedError:
        salvaged = export_set_aside(keys, path, advance)
        if salvaged is None:
            raise
        return salvaged


def export_set_aside(keys: Keys, path: Path, advance: Callable[[int], None]) -> Exported | None:
    """Return what can be read of a damaged journal, None where nothing can. Raises: JournalError."""
    found = salvage(path)
    if found is None:
        return None
    return _exported(keys, found.epoch, found.acked_hash, _counted(found.runs, advance))


def unsent(path: Path) -> int:
    """Return how many check-ins the centre has not acknowledged, those in journals set aside included.

    Raises: JournalError.
    """
    count = 0
    try:
        with snapshot(path) as now:
            count = 0 if now is None else now.unsent
        damaged = set_aside(path)
    except MalformedError:
        damaged = [path, *set_aside(path)]
    for one in damaged:
        found = salvage(one)
        count += 0 if found is None else sum(len(run.rows) for run in found.runs)
    return count


def holds(data: bytes, file: ExportFile, keys: Keys) -> bool:
    """Tell whether bytes are an export of just these check-ins, sealed to the key that is in force.

    Sealed and signed anew, the same check-ins give other bytes each time.
    """
    try:
        found = [(one.header.digest, one.key_id) for one in read_export(data, keys.authority)]
    except ExportError:
        return False
    return found == [(digest, keys.recipient.key_id) for digest in file.digests]


def apply_ack(device: str, journal: JournalReader, ack: Ack) -> int | None:
    """Delete what an acknowledgement covers if this journal's present content gives just its hash.

    Return how many check-ins it was, 0 where they were gone before, None where it does not fit. Raises: JournalError.
    """
    waiting = journal.batch(MAX_RECORDS)
    if ack.device != device or waiting is None or ack.epoch != waiting.epoch:
        return None
    count = ack.up_to - waiting.first_seq + 1
    if count <= 0:
        return 0
    if count > len(waiting.rows):
        return None
    batch = Batch(device, waiting.epoch, waiting.first_seq, waiting.rows[:count], waiting.previous)
    if digest_of(batch) != ack.digest:
        return None
    return count if journal.acknowledge(ack.epoch, ack.up_to, ack.digest) else 0


def _counted(runs: Iterable[Run], advance: Callable[[int], None]) -> Iterator[Run]:
    for run in runs:
        yield run
        advance(len(run.rows))


def _fitting(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield runs of which each goes into one batch."""
    for first, rows in runs:
        taken = 0
        while taken < len(rows):
            count = count_fitting(rows[taken:])
            yield Run(first + taken, rows[taken : taken + count])
            taken += count


def _exported(keys: Keys, epoch: bytes, previous: bytes, runs: Iterable[Run]) -> Exported:
    files: list[ExportFile] = []
    hashes: set[tuple[int, bytes]] = set()
    exporter, first, last, digests, records = Exporter(), 0, 0, list[bytes](), 0

    def finish() -> None:
        if records:
            name = export_name(ExportName(keys.device, epoch, first, last))
            files.append(ExportFile(name, exporter.finish(), records, tuple(digests)))

    for run in _fitting(runs):
        batch = Batch(keys.device, epoch, run.first_seq, run.rows, previous)
        encoded = encode_batch(batch, keys.signer, keys.recipient)
        if not exporter.fits(encoded):
            finish()
            exporter, digests, records = Exporter(), [], 0
        exporter.add(encoded)
        first = first if records else batch.first_seq
        last, records, previous = batch.last_seq, records + len(run.rows), encoded.digest
        digests.append(previous)
        hashes.add((last, previous))
    finish()
    return Exported(epoch, tuple(files), frozenset(hashes))
