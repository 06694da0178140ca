"""Batches for bench/collector.py, as a fleet of `DEVICES` would send them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from firmware.checkin import Row, new_id, to_row
from firmware.wire import FIRST_PREVIOUS, Batch, DecodedBatch, digest_of
from tests.centre.batches import AT as AT  # noqa: PLC0414 - part of this module's interface
from tests.firmware.checkins import START_MS, checkin

DEVICES, GROUP = 64, 64
TEN_THOUSAND = 10_000


def batches(tag: str, size: int, records: int) -> list[DecodedBatch]:
    """Return batches of `DEVICES` devices in turns, each its journal's next."""
    made, ends = [], dict.fromkeys(range(DEVICES), (0, FIRST_PREVIOUS))
    for number in range(records // size):
        seq, previous = ends[number % DEVICES]
        rows = tuple(row(seq + place) for place in range(1, size + 1))
        batch = Batch(f"{tag}-{number % DEVICES}", bytes(8), seq + 1, rows, previous)
        made.append(DecodedBatch(batch, digest_of(batch)))
        ends[number % DEVICES] = (seq + size, made[-1].digest)
    return made


def row(seq: int) -> Row:
    """Return a usual check-in, one every half minute."""
    at_ms = START_MS - 30_000 * (seq % 20_000)
    return to_row(replace(checkin(seq, at_ms=at_ms), id=new_id(at_ms)))


def grouped(made: Sequence[Any]) -> list[Any]:
    """Return what is stored together."""
    return [made[start : start + GROUP] for start in range(0, len(made), GROUP)]
