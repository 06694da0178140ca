"""Check-ins as PostgreSQL's binary COPY wants them (its documentation: COPY, "Binary Format"). Pure.

Twice as fast as field by field: a device's texts are the same for thousands of check-ins, and encoded once.
"""

import struct
from collections.abc import Iterable, Iterator
from datetime import date

from centre.collecting.days import day_of, to_day
from firmware.wire import Batch

COLUMNS = (  # in the order of `encoded`: first what is the same within a batch, then within a lane
    "device, epoch, received_ms, type, clock, lane, direction, profile, verdict, reason, kinds, "
    "seq, day, id, at_ms, pseudonym, details, about"
)
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
TAIL = b"\xff\xff"
_FIELDS = struct.pack(">h", 18)
_NULL = struct.pack(">i", -1)
_DAY_0 = to_day(date(2000, 1, 1))  # PostgreSQL counts days from there
_OWN = struct.Struct(">iqiii16siq")  # seq, day, id, at_ms, each with its length before it
_TEXTS_MAX = 4096  # ours: as many as are remembered
_LENGTH = struct.Struct(">i")

_texts: dict[tuple[str, ...], bytes] = {}


def encoded(chosen: Iterable[tuple[Batch, Iterable[int]]], received_ms: int) -> Iterator[bytes]:
    """Return rows of batches, named by their places in them, a piece for each batch."""
    yield HEAD
    for batch, places in chosen:
        yield _batch(batch, places, received_ms)
    yield TAIL


def _batch(batch: Batch, places: Iterable[int], received_ms: int) -> bytes:
    head = _FIELDS + _field(batch.device.encode("ascii")) + _field(batch.epoch) + struct.pack(">iq", 8, received_ms)
    first, rows = batch.first_seq, batch.rows
    pieces: list[bytes] = []
    for place in places:
        row = rows[place]
        kind, identifier, at_ms, clock, lane, direction, profile, verdict, reason, kinds, pseudonym, details, about = (
            row
        )
        texts = (kind, clock, lane, direction, profile, verdict, reason, kinds)
        pieces += (
            head,
            _texts.get(texts) or _remembered(texts),
            _OWN.pack(8, first + place, 4, day_of(row, received_ms) - _DAY_0, 16, identifier, 8, at_ms),
            _NULL if pseudonym is None else _field(pseudonym),
            _NULL if details is None else _field(details),
            _NULL if about is None else _field(about),
        )
    return b"".join(pieces)


def _remembered(texts: tuple[str, ...]) -> bytes:
    if len(_texts) >= _TEXTS_MAX:
        _texts.clear()
    _texts[texts] = b"".join(_field(text.encode()) for text in texts)
    return _texts[texts]


def _field(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value
