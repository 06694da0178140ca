"""Messages for the wire that tests take apart and put together again."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import cbor2

from firmware.checkin import to_row
from firmware.sealing import Recipient
from firmware.wire import Batch, encode_batch
from firmware.wire_cbor import dumps
from tests.firmware.checkins import checkin
from tests.pki import Pki

EPOCH = bytes(range(8))
PKI = Pki.shared()
DEVICE = PKI.signer("gate-1")
CENTRE = PKI.signer("centre.main")
BATCH = Batch("gate-1", EPOCH, 1, (to_row(checkin(1)), to_row(checkin(2))))


def encoded(batch: Batch = BATCH) -> bytes:
    return encode_batch(batch, DEVICE, PKI.recipient()).message


def parts(message: bytes) -> list[Any]:
    """Return protected header, unprotected header, payload and signature."""
    value: list[Any] = list(cbor2.loads(message).value)
    return value


def envelope(parts_: list[Any]) -> bytes:
    return b"\xd2" + cbor2.dumps(parts_, canonical=True)


def signed(payload: bytes, purpose: str = "batch") -> bytes:
    """Return any payload, signed by the device."""
    return DEVICE.sign(purpose, payload)


def with_records(records: bytes, *, change: Callable[[list[Any]], object] = lambda _: None, count: int = 2) -> bytes:
    """Return a batch of any records, as a device that means ill would sign and seal it; `change` its clear fields."""
    return with_sealed(zlib.compress(records), records, change=change, count=count)


def with_sealed(
    compressed: bytes, records: bytes, *, change: Callable[[list[Any]], object] = lambda _: None, count: int = 2
) -> bytes:
    head = [1, "gate-1", EPOCH, 1, count, bytes(32)]
    digest = hashlib.sha256(dumps(head) + records).digest()
    recipient: Recipient = PKI.recipient()
    sealed = recipient.seal(compressed, b"greengate/v1/batch" + dumps(head) + digest)
    fields: list[Any] = [*head, digest, recipient.key_id, sealed]
    change(fields)
    return signed(cbor2.dumps(fields))


def flat(batch: Batch = BATCH) -> list[Any]:
    return [value for row in batch.rows for value in row]
