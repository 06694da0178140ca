"""Batches as they come to a store, and the stores that they come to."""

from datetime import UTC, datetime

from centre.collecting.store import Store, Stored
from firmware.checkin import CheckIn, to_row
from firmware.wire import FIRST_PREVIOUS, Batch, DecodedBatch, digest_of
from tests.firmware.checkins import START_MS

EPOCH = bytes(range(8))
AT = datetime.fromtimestamp(START_MS / 1000, UTC)


def batch_of(
    first: int, *records: CheckIn, previous: bytes = FIRST_PREVIOUS, device: str = "gate-1", epoch: bytes = EPOCH
) -> Batch:
    return Batch(device, epoch, first, tuple(to_row(record) for record in records), previous)


def arrived(
    first: int, *records: CheckIn, previous: bytes = FIRST_PREVIOUS, device: str = "gate-1", epoch: bytes = EPOCH
) -> DecodedBatch:
    batch = batch_of(first, *records, previous=previous, device=device, epoch=epoch)
    return DecodedBatch(batch, digest_of(batch))


def put(store: Store, *batches: DecodedBatch) -> list[Stored]:
    return store.store(batches, AT)


def stored(store: Store) -> list[tuple[int, CheckIn]]:
    return [(entry.seq, entry.checkin) for entry in store.entries() if not entry.conflict]
