"""Messages for the wire that tests take apart and put together again."""

import zlib
from typing import Any

import cbor2

from firmware.wire import Batch, encode_batch
from tests.firmware.checkins import checkin

EPOCH = bytes(range(8))
BATCH = Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2)))


def envelope(payload: object, *, headers: tuple[object, object] = (b"", {}), signature: object = b"") -> bytes:
    return b"\xd2" + cbor2.dumps([headers[0], headers[1], payload, signature], canonical=True)


def payload_of(batch: Batch) -> dict[int, Any]:
    inflated = zlib.decompress(cbor2.loads(encode_batch(batch).message).value[2])
    value: dict[int, Any] = cbor2.loads(inflated)
    return value


def with_payload(value: object, *, canonical: bool = True) -> bytes:
    return envelope(zlib.compress(cbor2.dumps(value, canonical=canonical)))
