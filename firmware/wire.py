"""Batches and acknowledgements on the wire between a device and its centre; written down in docs/wire.md.

Pure: bytes to values and back. Whatever arrives gives a value within its bounds or a WireError, nothing else.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from firmware.checkin import CheckIn
from firmware.wire_cbor import WireError as WireError  # noqa: PLC0414 - part of this module's interface
from firmware.wire_cbor import byte_string, dumps, loads, require

VERSION = 1
EPOCH_BYTES = 8
HASH_BYTES = 32
FIRST_PREVIOUS: Final = bytes(HASH_BYTES)  # stands for the batch before the first one
MAX_RECORDS = 400  # ours: so many of the longest check-ins fit into the two bounds below
MAX_INFLATED_BYTES = 256 * 1024  # ours: guards against zlib bombs
MAX_BATCH_BYTES = 256 * 1024  # ours: what the broker driver carries
MAX_ACK_BYTES = 1024  # ours: an acknowledgement has about 110, with a signature about 200
MAX_SEQ = 2**63 - 1  # what SQLite numbers rows with
COSE_SIGN1 = b"\xd2\x84"  # tag 18, and an array of four (RFC 9052, section 4.2)
MAP_HEAD = 0xA0  # of a map of no pairs (RFC 8949, section 3)
NO_HEADERS = b"\x40\xa0"  # protected h'', unprotected {}
TOPIC_PREFIX = "greengate/v1"
BATCHES_TOPIC = f"{TOPIC_PREFIX}/+/batch"

_DEVICE = re.compile(r"[a-z0-9-]{1,32}")
_RECORD_FIELDS = 9


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold consecutive check-ins of one device's epoch, and the hash of the batch acknowledged before.

    Raises: WireError for a value out of bounds.
    """

    device: str
    epoch: bytes
    first_seq: int
    records: tuple[CheckIn, ...]
    previous: bytes = FIRST_PREVIOUS

    def __post_init__(self) -> None:
        """Check every bound."""
        require(_DEVICE.fullmatch(self.device) is not None, "device is no device name")
        require(len(self.epoch) == EPOCH_BYTES, "epoch has a wrong length")
        require(1 <= len(self.records) <= MAX_RECORDS, "number of records is out of range")
        require(1 <= self.first_seq <= MAX_SEQ - MAX_RECORDS, "first sequence number is out of range")
        require(len(self.previous) == HASH_BYTES, "hash of the batch before has a wrong length")

    @property
    def last_seq(self) -> int:
        """Return the number of the last check-in in it."""
        return self.first_seq + len(self.records) - 1


@dataclass(frozen=True, slots=True)
class Ack:
    """Hold the centre's word that it has stored a batch, the check-ins up to and including `up_to`.

    Raises: WireError for a value out of bounds.
    """

    device: str
    epoch: bytes
    up_to: int
    digest: bytes

    def __post_init__(self) -> None:
        """Check every bound."""
        require(_DEVICE.fullmatch(self.device) is not None, "device is no device name")
        require(len(self.epoch) == EPOCH_BYTES, "epoch has a wrong length")
        require(1 <= self.up_to <= MAX_SEQ, "sequence number is out of range")
        require(len(self.digest) == HASH_BYTES, "hash has a wrong length")


class EncodedBatch(NamedTuple):
    """Hold a batch as it goes over the wire, and its hash."""

    message: bytes
    digest: bytes


class DecodedBatch(NamedTuple):
    """Hold a batch as it came over the wire, and its hash."""

    batch: Batch
    digest: bytes


def encode_batch(batch: Batch) -> EncodedBatch:
    """Return a batch's COSE_Sign1 message (not signed yet), and the SHA-256 of its payload before compression."""
    payload = dumps(
        {
            1: VERSION,
            2: batch.device,
            3: batch.epoch,
            4: batch.first_seq,
            5: [_to_record(checkin) for checkin in batch.records],
            6: batch.previous,
        }
    )
    return EncodedBatch(_envelope(zlib.compress(payload)), hashlib.sha256(payload).digest())


def decode_batch(message: bytes, *, allow_unsigned: bool) -> DecodedBatch:
    """Return the batch in a message, and its hash.

    Raises: WireError, also for a message without a signature unless allowed.
    """
    payload = _inflate(_opened(message, MAX_BATCH_BYTES, allow_unsigned=allow_unsigned))
    fields = _fields(payload, (int, str, bytes, int, list, bytes))
    _, device, epoch, first_seq, records, previous = fields
    batch = Batch(device, epoch, first_seq, tuple(_from_record(record) for record in records), previous)
    return DecodedBatch(batch, hashlib.sha256(payload).digest())


def encode_ack(ack: Ack) -> bytes:
    """Return an acknowledgement's COSE_Sign1 message (not signed yet)."""
    return _envelope(dumps({1: VERSION, 2: ack.device, 3: ack.epoch, 4: ack.up_to, 5: ack.digest}))


def decode_ack(message: bytes, *, allow_unsigned: bool) -> Ack:
    """Return the acknowledgement in a message.

    Raises: WireError, also for a message without a signature unless allowed.
    """
    payload = _opened(message, MAX_ACK_BYTES, allow_unsigned=allow_unsigned)
    _, device, epoch, up_to, digest = _fields(payload, (int, str, bytes, int, bytes))
    return Ack(device, epoch, up_to, digest)


def batch_topic(device: str) -> str:
    """Return the topic on which a device publishes its batches."""
    return f"{TOPIC_PREFIX}/{device}/batch"


def ack_topic(device: str) -> str:
    """Return the topic on which the centre acknowledges a device's batches."""
    return f"{TOPIC_PREFIX}/{device}/ack"


def device_of(topic: str) -> str:
    """Return the device whose batches a topic carries.

    Raises: WireError for any other topic.
    """
    match = re.fullmatch(f"{TOPIC_PREFIX}/({_DEVICE.pattern})/batch", topic)
    if match is None:
        raise WireError("not a topic of batches")
    return match[1]


def _to_record(checkin: CheckIn) -> list[object]:
    return [
        checkin.id.bytes,
        checkin.at_ms,
        checkin.clock_trusted,
        checkin.lane,
        checkin.direction,
        checkin.verdict,
        checkin.reason,
        list(checkin.kinds),
        checkin.pseudonym,
    ]


def _from_record(record: object) -> CheckIn:
    require(type(record) is list and len(record) == _RECORD_FIELDS, "a record has a wrong form")
    assert isinstance(record, list)  # noqa: S101 - for the type checker; checked above
    texts = [*record[3:7], *(record[7] if type(record[7]) is list else [None])]
    require(
        type(record[0]) is bytes
        and type(record[1]) is int
        and type(record[2]) is bool
        and all(type(text) is str for text in texts)
        and type(record[8]) in (bytes, type(None)),
        "a field of a record has a wrong type",
    )
    identifier, at_ms, clock_trusted, lane, direction, verdict, reason, kinds, pseudonym = record
    try:
        return CheckIn(
            UUID(bytes=identifier),
            at_ms,
            clock_trusted,
            lane,
            direction,
            verdict,
            reason,
            tuple(kinds),
            pseudonym,
        )
    except ValueError as error:
        raise WireError(f"a field of a record is out of bounds: {error}") from error


def _envelope(payload: bytes) -> bytes:
    """Return COSE_Sign1 with empty headers and an empty signature: signing fills just these (RFC 9052, 4.2)."""
    return COSE_SIGN1 + NO_HEADERS + dumps(payload) + dumps(b"")


def _opened(message: bytes, max_bytes: int, *, allow_unsigned: bool) -> bytes:
    """Return the payload of a COSE_Sign1 message, its envelope compared byte by byte: none of it is decoded."""
    require(len(message) <= max_bytes, "message is too long")
    require(message.startswith(COSE_SIGN1), "message is no tagged COSE_Sign1")
    require(message.startswith(NO_HEADERS, len(COSE_SIGN1)), "headers are not known yet")
    payload, behind = byte_string(message[len(COSE_SIGN1 + NO_HEADERS) :])
    signature, behind = byte_string(behind)
    require(behind == b"", "more follows the message")
    require(signature == b"", "signature cannot be checked yet")
    require(allow_unsigned, "message is not signed")
    return payload


def _inflate(data: bytes) -> bytes:
    """Return bounded zlib data inflated (RFC 1950)."""
    inflater = zlib.decompressobj()
    try:
        payload = inflater.decompress(data, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise WireError("payload cannot be inflated") from None
    require(len(payload) <= MAX_INFLATED_BYTES, "payload is too long")
    require(inflater.eof and not inflater.unused_data, "payload is cut short, or more follows")
    return payload


def _fields(payload: bytes, types: tuple[type, ...]) -> list[Any]:
    """Return the values of a payload map whose keys are 1, 2, 3... and whose values have just these types."""
    beginning = bytes([MAP_HEAD + len(types), 1, VERSION, 2])  # compared before anything is decoded
    require(payload.startswith(beginning), "fields are not as written, or the version is not known")
    fields = loads(payload)
    keys = list(range(1, len(types) + 1))
    require(type(fields) is dict and list(fields) == keys, "fields are not as written")
    require(all(type(key) is int for key in fields), "fields are not as written")  # True == 1 == 1.0
    values = list(fields.values())
    require(all(type(value) is kind for value, kind in zip(values, types, strict=True)), "a field's type is wrong")
    return values
