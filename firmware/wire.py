"""Batches and acknowledgements on the wire between a device and its centre; written down in docs/wire.md.

Pure: bytes to values and back. Whatever arrives gives a value within its bounds or a WireError, nothing else.
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn
from uuid import UUID

import cbor2

from firmware.checkin import CheckIn

VERSION = 1
EPOCH_BYTES = 8
HASH_BYTES = 32
FIRST_PREVIOUS: Final = bytes(HASH_BYTES)  # stands for the batch before the first one
MAX_RECORDS = 400  # ours: so many of the longest check-ins fit into the two bounds below
MAX_INFLATED_BYTES = 256 * 1024  # ours: guards against zlib bombs
MAX_BATCH_BYTES = 256 * 1024  # ours: what the broker driver carries
MAX_ACK_BYTES = 1024  # ours: an acknowledgement has about 110, with a signature about 200
MAX_SEQ = 2**63 - 1  # what SQLite numbers rows with
MAX_DEPTH = 4  # payload, records, record, kinds
COSE_SIGN1_TAG = b"\xd2"  # tag 18 (RFC 9052, section 4.2)
TOPIC_PREFIX = "greengate/v1"
BATCHES_TOPIC = f"{TOPIC_PREFIX}/+/batch"

_DEVICE = re.compile(r"[a-z0-9-]{1,32}")
_RECORD_FIELDS = 9


class WireError(Exception):
    """A message that is no well-formed batch or acknowledgement; the text quotes nothing of it."""


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
        _require(_DEVICE.fullmatch(self.device) is not None, "device is no device name")
        _require(len(self.epoch) == EPOCH_BYTES, "epoch has a wrong length")
        _require(1 <= len(self.records) <= MAX_RECORDS, "number of records is out of range")
        _require(1 <= self.first_seq <= MAX_SEQ - MAX_RECORDS, "first sequence number is out of range")
        _require(len(self.previous) == HASH_BYTES, "hash of the batch before has a wrong length")

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
        _require(_DEVICE.fullmatch(self.device) is not None, "device is no device name")
        _require(len(self.epoch) == EPOCH_BYTES, "epoch has a wrong length")
        _require(1 <= self.up_to <= MAX_SEQ, "sequence number is out of range")
        _require(len(self.digest) == HASH_BYTES, "hash has a wrong length")


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
    payload = _dumps(
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
    return _envelope(_dumps({1: VERSION, 2: ack.device, 3: ack.epoch, 4: ack.up_to, 5: ack.digest}))


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
    _require(type(record) is list and len(record) == _RECORD_FIELDS, "a record has a wrong form")
    assert isinstance(record, list)  # noqa: S101 - for the type checker; checked above
    texts = [*record[3:7], *(record[7] if type(record[7]) is list else [None])]
    _require(
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
    return COSE_SIGN1_TAG + _dumps([b"", {}, payload, b""])


def _opened(message: bytes, max_bytes: int, *, allow_unsigned: bool) -> bytes:
    """Return the payload of a COSE_Sign1 message."""
    _require(len(message) <= max_bytes, "message is too long")
    _require(message[:1] == COSE_SIGN1_TAG, "message is no tagged COSE_Sign1")
    parts = _loads(message[1:])
    _require(type(parts) is list and len(parts) == 4, "message is no COSE_Sign1")  # noqa: PLR2004 - its four parts
    protected, unprotected, payload, signature = parts
    _require(type(payload) is bytes and type(signature) is bytes, "message is no COSE_Sign1")
    _require(signature == b"", "signature cannot be checked yet")
    _require(allow_unsigned, "message is not signed")
    _require(protected == b"" and unprotected == {}, "headers without a signature")
    return bytes(payload)


def _inflate(data: bytes) -> bytes:
    """Return bounded zlib data inflated (RFC 1950)."""
    inflater = zlib.decompressobj()
    try:
        payload = inflater.decompress(data, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise WireError("payload cannot be inflated") from None
    _require(len(payload) <= MAX_INFLATED_BYTES, "payload is too long")
    _require(inflater.eof and not inflater.unused_data, "payload is cut short, or more follows")
    return payload


def _fields(payload: bytes, types: tuple[type, ...]) -> list[Any]:
    """Return the values of a payload map whose keys are 1, 2, 3... and whose values have just these types."""
    fields = _loads(payload)
    keys = list(range(1, len(types) + 1))
    _require(type(fields) is dict and list(fields) == keys, "fields are not as written")
    _require(all(type(key) is int for key in fields), "fields are not as written")  # True == 1 == 1.0
    values = list(fields.values())
    _require(all(type(value) is kind for value, kind in zip(values, types, strict=True)), "a field's type is wrong")
    _require(values[0] == VERSION, "version is not known")
    return values


def _dumps(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


class _NoTags(dict[int, Callable[..., NoReturn]]):
    """Refuse every tag: cbor2 would make dates, decimals and regular expressions of hostile bytes."""

    def __missing__(self, tag: int) -> Callable[..., NoReturn]:
        def refuse(*_: object) -> NoReturn:
            raise ValueError("a tag")

        return refuse


_NO_TAGS = _NoTags()


def _loads(data: bytes) -> Any:  # noqa: ANN401 - callers check what it is
    """Return one CBOR item in its only deterministic form (RFC 8949, section 4.2.1), without any tag in it."""
    try:
        value = cbor2.loads(
            data,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
        again = _dumps(value)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        raise WireError("not the CBOR expected") from None
    _require(again == data, "CBOR is not deterministic, or more follows")
    return value


def _require(condition: bool, problem: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise WireError(problem)
