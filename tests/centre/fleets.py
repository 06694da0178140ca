"""Stores with a fleet in them: sound devices, and some with holes, breaks and forks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from centre.collecting.store import Account, Known, Store, open_store
from firmware.checkin import CheckIn, milliseconds
from firmware.wire import FIRST_PREVIOUS, DecodedBatch
from firmware.wire_device import Status
from tests.centre.batches import EPOCH, arrived
from tests.firmware.checkins import checkin

AT = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)  # an hour after the first check-in of `checkins`
AT_MS = milliseconds(AT)


def batch(
    device: str, first_seq: int, records: Sequence[CheckIn], previous: bytes = FIRST_PREVIOUS, epoch: bytes = EPOCH
) -> DecodedBatch:
    return arrived(first_seq, *records, previous=previous, device=device, epoch=epoch)


def numbers(first: int, last: int, **changed: Any) -> list[CheckIn]:  # noqa: ANN401 - whatever a check-in has
    return [replace(checkin(number), **changed) for number in range(first, last + 1)]


def store_file(
    folder: Path, batches: Iterable[DecodedBatch], statuses: Iterable[Status] = (), at: datetime = AT
) -> Path:
    path = folder / "centre.db"
    with open_store(path) as store:
        fill(store, batches, statuses, at)
    return path


def fill(store: Store, batches: Iterable[DecodedBatch], statuses: Iterable[Status] = (), at: datetime = AT) -> None:
    store.store(list(batches), at)
    store.seen(list(statuses), at)


def sound(device: str = "gate-1") -> list[DecodedBatch]:
    return [batch(device, 1, numbers(1, 3))]


def holed(device: str = "gate-2") -> list[DecodedBatch]:
    """Return batches of which 4-5 and 9 never came, and which therefore follow none that did."""
    return [
        batch(device, 1, numbers(1, 3)),
        batch(device, 6, numbers(6, 8), b"\1" * 32),
        batch(device, 10, numbers(10, 10), b"\2" * 32),
    ]


def forked(device: str = "gate-3") -> list[DecodedBatch]:
    """Return batches of a device and of a copy of its card, which went on from 2."""
    first = batch(device, 1, numbers(1, 4))
    copy = batch(device, 2, numbers(102, 103), first.digest)
    return [first, copy]


def account(device: str, **changed: Any) -> Account:  # noqa: ANN401 - whatever an account has
    usual = Account(device, EPOCH, 3, 3, 3, (), 0, 0, AT_MS, AT_MS)
    return replace(usual, **changed)


def known(device: str, *, online: bool = True, ago: timedelta = timedelta(0), **changed: Any) -> Known:  # noqa: ANN401 - of a status
    said_ms = milliseconds(AT - ago)
    return Known(device, Status(device, said_ms, online, **changed), said_ms)
