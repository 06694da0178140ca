"""Batches and acknowledgements on the wire between a device and its centre; written down in docs/protocol.md.

Pure: bytes to values and back. Whatever arrives gives a value within its bounds or a WireError, nothing else.

A batch can be opened in two steps: who signed it and which numbers it holds is for everybody who knows the centre's
authority; the records are for the centre alone.
"""

import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from firmware.checkin import FIELDS, Row, row_problem
from firmware.envelope import (
    ENVELOPE_MAX_BYTES,
    Authority,
    Signer,
    check_centre,
    check_device,
    is_device_name,
)
from firmware.sealing import KEY_ID_BYTES, SEALED_EXTRA_BYTES, Recipient, Unsealer
from firmware.wire_cbor import WireError as WireError  # noqa: PLC0414 - part of this module's interface
from firmware.wire_cbor import dumps, loads, loads_as, require

VERSION = 1
EPOCH_BYTES = 8
HASH_BYTES = 32
FIRST_PREVIOUS: Final = bytes(HASH_BYTES)  # stands for the batch before the first one
MAX_RECORDS = 400  # ours: some 50 KB of usual check-ins; a broker and a slow network carry so much at once
MAX_RECORDS_BYTES = 120 * 1024  # ours: a batch of records that cannot be compressed stays below the next bound
MAX_BATCH_BYTES = 128 * 1024 - 1  # what MQTT services on offer carry: AWS IoT Core takes 128 KB
MAX_ACK_BYTES = 1024 + ENVELOPE_MAX_BYTES  # ours: an acknowledgement has about 100 in its envelope
MAX_SEQ = 2**63 - 1  # what SQLite numbers rows with
COMPRESSION = 1  # zlib's fastest makes a batch 1 % larger than its default, in a third of the time
TOPIC_PREFIX = "greengate/v1"
BATCHES_TOPIC = f"{TOPIC_PREFIX}/+/batch"

_BATCH_TOPIC = re.compile(f"{TOPIC_PREFIX}/([a-z0-9-]{{1,32}})/batch")
_CONTEXT = b"greengate/v1/batch"  # of the sealed records, before what they belong to


@dataclass(frozen=True, slots=True)
class Header:
    """Hold what everybody may know of a batch: whose it is, which numbers it holds, and what it follows.

    `previous` is the hash of the batch acknowledged before, `digest` this one's. Raises: WireError.
    """

    device: str
    epoch: bytes
    first_seq: int
    count: int
    previous: bytes
    digest: bytes

    def __post_init__(self) -> None:
        """Check every bound."""
        _check_origin(self.device, self.epoch)
        require(1 <= self.count <= MAX_RECORDS, "number of records is out of range")
        require(1 <= self.first_seq <= MAX_SEQ - MAX_RECORDS, "first sequence number is out of range")
        require(len(self.previous) == HASH_BYTES, "hash of the batch before has a wrong length")
        require(len(self.digest) == HASH_BYTES, "hash has a wrong length")

    @property
    def last_seq(self) -> int:
        """Return the number of the last record in it."""
        return self.first_seq + self.count - 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold consecutive records of one device's epoch (see `checkin.COLUMNS`), and the hash of the batch before."""

    device: str
    epoch: bytes
    first_seq: int
    rows: tuple[Row, ...]
    previous: bytes = FIRST_PREVIOUS

    @property
    def last_seq(self) -> int:
        """Return the number of the last record in it."""
        return self.first_seq + len(self.rows) - 1


@dataclass(frozen=True, slots=True)
class Ack:
    """Hold the centre's word that it has stored a batch, the records up to and including `up_to`.

    Raises: WireError for a value out of bounds.
    """

    device: str
    epoch: bytes
    up_to: int
    digest: bytes

    def __post_init__(self) -> None:
        """Check every bound."""
        _check_origin(self.device, self.epoch)
        require(1 <= self.up_to <= MAX_SEQ, "sequence number is out of range")
        require(len(self.digest) == HASH_BYTES, "hash has a wrong length")


class EncodedBatch(NamedTuple):
    """Hold a batch as it goes over the wire, and its hash."""

    message: bytes
    digest: bytes


class SealedBatch(NamedTuple):
    """Hold a batch whose signature was checked: its header, its records as only the centre can read them.

    `serial` is the number of the certificate that signed it.
    """

    header: Header
    key_id: bytes
    sealed: bytes
    serial: int


class DecodedBatch(NamedTuple):
    """Hold a batch as it came over the wire, and its hash."""

    batch: Batch
    digest: bytes


def count_fitting(rows: Sequence[Row]) -> int:
    """Return how many of some rows, from the first on, go into one batch; at least one of any."""
    total = 0
    for count, row in enumerate(rows[:MAX_RECORDS]):
        total += len(dumps(list(row)))
        if total > MAX_RECORDS_BYTES - 8:  # the array's own head is at most so long
            return max(count, 1)
    return min(len(rows), MAX_RECORDS)


def digest_of(batch: Batch) -> bytes:
    """Return a batch's hash: SHA-256 of its header and its records, the same however often it is sealed."""
    return _encoded(batch)[0].digest


def encode_batch(batch: Batch, signer: Signer, recipient: Recipient) -> EncodedBatch:
    """Return a batch's message, its records sealed to the centre and all of it signed by the device; and its hash.

    Raises: WireError where it is out of bounds.
    """
    header, records = _encoded(batch)
    require(len(records) <= MAX_RECORDS_BYTES, "records are too long for one batch")
    sealed = recipient.seal(zlib.compress(records, COMPRESSION), _context(header))
    payload = dumps([VERSION, *_fields(header), header.digest, recipient.key_id, sealed])
    return EncodedBatch(signer.sign("batch", payload), header.digest)


def open_batch(message: bytes, authority: Authority, at: datetime | None) -> SealedBatch:
    """Return the batch in a message, after the signature of the device that it names was checked.

    `at` is when its certificate has to be in force, None where it may be over. Raises: WireError, SignatureError.
    """
    signed = authority.open(message, "batch", at, MAX_BATCH_BYTES)
    *fields, key_id, sealed = loads_as(signed.payload, VERSION, (str, bytes, int, int, bytes, bytes, bytes, bytes))
    header = Header(*fields)
    check_device(signed, header.device)
    require(len(key_id) == KEY_ID_BYTES, "the key's name has a wrong length")
    require(len(sealed) >= SEALED_EXTRA_BYTES, "records are cut short")
    return SealedBatch(header, key_id, sealed, signed.serial)


def unseal_batch(arrived: SealedBatch, keys: Unsealer) -> DecodedBatch:
    """Return the records of a batch, each within its bounds, after its hash was checked.

    Raises: WireError, UnsealError.
    """
    header = arrived.header
    records = _inflate(keys.unseal(arrived.key_id, arrived.sealed, _context(header)))
    require(_hash(header, records) == header.digest, "hash is not that of the records")
    values = loads(records)
    require(len(values) == header.count * FIELDS, "number of records is not as written")
    rows = tuple(zip(*[iter(values)] * FIELDS, strict=True))
    for row in rows:
        problem = row_problem(row)
        if problem is not None:
            raise WireError(f"a field of a record is out of bounds: {problem}")
    batch = Batch(header.device, header.epoch, header.first_seq, rows, header.previous)
    return DecodedBatch(batch, header.digest)


def encode_ack(ack: Ack, signer: Signer) -> bytes:
    """Return an acknowledgement's message, signed by the centre."""
    return signer.sign("ack", dumps([VERSION, ack.device, ack.epoch, ack.up_to, ack.digest]))


def decode_ack(message: bytes, authority: Authority, at: datetime | None) -> Ack:
    """Return the acknowledgement in a message, after the centre's signature was checked.

    `at` is when its certificate has to be in force, None where it may be over. Raises: WireError, SignatureError.
    """
    signed = authority.open(message, "ack", at, MAX_ACK_BYTES)
    check_centre(signed)
    return Ack(*loads_as(signed.payload, VERSION, (str, bytes, int, bytes)))


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
    match = _BATCH_TOPIC.fullmatch(topic)
    if match is None:
        raise WireError("not a topic of batches")
    return match[1]


def _check_origin(device: str, epoch: bytes) -> None:
    require(is_device_name(device), "device is no device name")
    require(len(epoch) == EPOCH_BYTES, "epoch has a wrong length")


def _encoded(batch: Batch) -> tuple[Header, bytes]:
    """Return a batch's header, and its records as one flat array."""
    records = dumps([value for row in batch.rows for value in row])
    unhashed = Header(batch.device, batch.epoch, batch.first_seq, len(batch.rows), batch.previous, FIRST_PREVIOUS)
    digest = _hash(unhashed, records)
    return Header(batch.device, batch.epoch, batch.first_seq, len(batch.rows), batch.previous, digest), records


def _fields(header: Header) -> list[object]:
    return [header.device, header.epoch, header.first_seq, header.count, header.previous]


def _hash(header: Header, records: bytes) -> bytes:
    return hashlib.sha256(dumps([VERSION, *_fields(header)]) + records).digest()


def _context(header: Header) -> bytes:
    return _CONTEXT + dumps([VERSION, *_fields(header)]) + header.digest


def _inflate(data: bytes) -> bytes:
    """Return bounded zlib data inflated (RFC 1950)."""
    inflater = zlib.decompressobj()
    try:
        records = inflater.decompress(data, MAX_RECORDS_BYTES + 1)
    except zlib.error:
        raise WireError("records cannot be inflated") from None
    require(len(records) <= MAX_RECORDS_BYTES, "records are too long")
    require(inflater.eof and not inflater.unused_data, "records are cut short, or more follows")
    return records
