"""Exported journals and the centre's answers as files, for sticks; written down in docs/export.md.

Pure: bytes to values and back. Whatever a stick carries gives values within bounds or an ExportError, nothing else.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from firmware.envelope import Authority, SignatureError, Signer
from firmware.sealing import UnsealError
from firmware.wire import (
    MAX_ACK_BYTES,
    MAX_BATCH_BYTES,
    Ack,
    EncodedBatch,
    Header,
    SealedBatch,
    WireError,
    decode_ack,
    encode_ack,
    open_batch,
)

JOURNAL_MAGIC: Final = b"GGJRNL1\n"
ACK_MAGIC: Final = b"GGACK1\n\0"
LENGTH_BYTES: Final = 4
DIGEST_BYTES: Final = 32
MAX_EXPORT_BYTES: Final = 64 * 1024 * 1024  # ours: a million check-ins, or 350,000 with details; then another file
MAX_ACKS: Final = 8192  # ours: one a batch; a file of usual ones holds some 4500
MAX_ACK_FILE_BYTES: Final = MAX_ACKS * (LENGTH_BYTES + MAX_ACK_BYTES) + 64  # so many of the longest, and the frame
_FRAME = LENGTH_BYTES  # what a batch costs beside itself
_TAIL = LENGTH_BYTES + DIGEST_BYTES
_MAGICS = {JOURNAL_MAGIC: re.compile(rb"GGJRNL[0-9]*\n"), ACK_MAGIC: re.compile(rb"GGACK[0-9]*\n")}

_JOURNAL_NAME = re.compile(r"greengate-([a-z0-9-]{1,32})-([0-9a-f]{16})-([0-9]{1,19})-([0-9]{1,19})\.journal")
_ACK_NAME = re.compile(r"greengate-([a-z0-9-]{1,32})-([0-9a-f]{16})-([0-9]{1,19})\.ack")


class Fault(StrEnum):
    """What is wrong with a file."""

    FOREIGN = "foreign"  # something else than an export or its answer
    NEWER = "newer"  # of a version that is not known here
    TOO_LARGE = "too-large"
    CUT_SHORT = "cut-short"
    ALTERED = "altered"  # its content is not what was written
    UNTRUSTED = "untrusted"  # nobody whom our centre knows has signed it, or another than it names
    SEALED = "sealed"  # sealed to a key that is not here, or moved from elsewhere


class ExportError(Exception):
    """A file that cannot be taken: which fault, and what is wrong on one line that quotes nothing of it."""

    def __init__(self, fault: Fault, message: str) -> None:
        """Name the fault and say what is wrong."""
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Summary:
    """Hold what a whole export was found to be: check-ins of one epoch of one device.

    `serials` are the numbers of the certificates that signed it.
    """

    device: str
    epoch: bytes
    first_seq: int
    last_seq: int
    batches: int
    records: int
    serials: frozenset[int]


class ExportName(NamedTuple):
    """Hold what the name of an export says."""

    device: str
    epoch: bytes
    first_seq: int
    last_seq: int


class AckName(NamedTuple):
    """Hold what the name of an answer says."""

    device: str
    epoch: bytes
    last_seq: int


class Exporter:
    """Put batches of one epoch into a file, in their order."""

    def __init__(self) -> None:
        self._data = bytearray(JOURNAL_MAGIC)
        self._batches = 0

    def fits(self, encoded: EncodedBatch) -> bool:
        """Tell whether one more batch leaves the file, and the answer to it, within their bounds."""
        return self._batches < MAX_ACKS and len(self._data) + _FRAME + len(encoded.message) + _TAIL <= MAX_EXPORT_BYTES

    def add(self, encoded: EncodedBatch) -> None:
        """Put a batch behind the others. Raises: ValueError where it does not fit."""
        if not self.fits(encoded):
            raise ValueError("the file is full")
        self._data += _framed(encoded.message)
        self._batches += 1

    def finish(self) -> bytes:
        """Return the whole file."""
        return _sealed(self._data)


def check_export(
    data: bytes,
    authority: Authority,
    *,
    each: Callable[[SealedBatch], object] = lambda _: None,
    seen: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Return what an export is, after every byte of it and every signature was checked; its records stay sealed.

    `each` may look further into a batch and raise WireError. `seen` is told how many bytes more were checked.
    Raises: ExportError.
    """
    first: Header | None = None
    last: Header | None = None
    batches = records = 0
    serials: set[int] = set()
    for arrived in read_export(data, authority, seen=seen):
        header = arrived.header
        if last is not None:
            _check_follows(last, header)
        with _faults():
            each(arrived)
        first, last = first or header, header
        batches, records = batches + 1, records + header.count
        serials.add(arrived.serial)
        if batches > MAX_ACKS:
            raise ExportError(Fault.TOO_LARGE, f"more than {MAX_ACKS} batches")
    if first is None or last is None:
        raise ExportError(Fault.ALTERED, "no batch is in it")
    return Summary(first.device, first.epoch, first.first_seq, last.last_seq, batches, records, frozenset(serials))


def read_export(
    data: bytes, authority: Authority, *, seen: Callable[[int], None] = lambda _: None
) -> Iterator[SealedBatch]:
    """Yield the batches of an export, one opened at a time: all of a large one would not fit into memory.

    Their devices' certificates may be over: a stick may come from long ago. `seen` is told how many bytes more were
    taken. Raises: ExportError.
    """
    for message in _frames(data, JOURNAL_MAGIC, MAX_EXPORT_BYTES, MAX_BATCH_BYTES):
        with _faults():
            arrived = open_batch(message, authority, None)
        yield arrived
        seen(_FRAME + len(message))


def encode_acks(acks: Iterable[Ack], signer: Signer) -> bytes:
    """Return the file that answers an export, each acknowledgement signed by the centre."""
    return _sealed(bytearray(ACK_MAGIC + b"".join(_framed(encode_ack(ack, signer)) for ack in acks)))


def decode_acks(data: bytes, authority: Authority, at: datetime | None) -> list[Ack]:
    """Return the acknowledgements in an answer, all of one epoch of one device, after the centre's signatures.

    `at` is when the centre's certificate has to be in force, None where it may be over. Raises: ExportError.
    """
    acks: list[Ack] = []
    for message in _frames(data, ACK_MAGIC, MAX_ACK_FILE_BYTES, MAX_ACK_BYTES):
        with _faults():
            acks.append(decode_ack(message, authority, at))
        if len(acks) > MAX_ACKS:
            raise ExportError(Fault.TOO_LARGE, f"more than {MAX_ACKS} acknowledgements")
    if not acks or any((ack.device, ack.epoch) != (acks[0].device, acks[0].epoch) for ack in acks):
        raise ExportError(Fault.ALTERED, "acknowledgements of several journals, or of none")
    return acks


def export_name(summary: Summary | ExportName) -> str:
    """Return the name of an export's file."""
    numbers = f"{summary.first_seq}-{summary.last_seq}"
    return f"greengate-{summary.device}-{summary.epoch.hex()}-{numbers}.journal"


def ack_name(device: str, epoch: bytes, last_seq: int) -> str:
    """Return the name of the file that answers an export up to a number."""
    return f"greengate-{device}-{epoch.hex()}-{last_seq}.ack"


def parse_export_name(name: str) -> ExportName | None:
    """Return what the name of an export says, None for any other name; on FAT its letters may have become large."""
    match = _JOURNAL_NAME.fullmatch(name.lower())
    if match is None:
        return None
    return ExportName(match[1], bytes.fromhex(match[2]), int(match[3]), int(match[4]))


def parse_ack_name(name: str) -> AckName | None:
    """Return what the name of an answer says, None for any other name."""
    match = _ACK_NAME.fullmatch(name.lower())
    return None if match is None else AckName(match[1], bytes.fromhex(match[2]), int(match[3]))


@contextmanager
def _faults() -> Iterator[None]:
    """Give what is wrong with one message as a fault of the file."""
    try:
        yield
    except SignatureError as error:
        raise ExportError(Fault.UNTRUSTED, str(error)) from None
    except UnsealError as error:
        raise ExportError(Fault.SEALED, str(error)) from None
    except WireError as error:
        raise ExportError(Fault.ALTERED, f"a message in it is none: {error}") from None


def _check_follows(one: Header, other: Header) -> None:
    """Check that two batches beside each other belong so. Numbers may be missing between: they were not readable."""
    if (one.device, one.epoch) != (other.device, other.epoch):
        raise ExportError(Fault.ALTERED, "batches of several journals")
    if other.first_seq <= one.last_seq or other.previous != one.digest:
        raise ExportError(Fault.ALTERED, "batches do not follow one another")


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def _sealed(data: bytearray) -> bytes:
    data += bytes(LENGTH_BYTES)
    data += hashlib.sha256(data).digest()
    return bytes(data)


def _frames(data: bytes, magic: bytes, max_bytes: int, max_frame: int) -> Iterator[bytes]:
    """Yield the messages of a file, after its length, beginning and digest were checked."""
    _check_seal(data, magic, max_bytes)
    start, end = len(magic), len(data) - _TAIL
    while start < end:
        length = int.from_bytes(data[start : start + LENGTH_BYTES], "big")
        start += LENGTH_BYTES
        if not 0 < length <= min(max_frame, end - start):
            raise ExportError(Fault.ALTERED, "a length is wrong")
        yield data[start : start + length]
        start += length


def _check_seal(data: bytes, magic: bytes, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise ExportError(Fault.TOO_LARGE, f"over {max_bytes // 1024 // 1024} MiB")
    if not data.startswith(magic):
        raise _unknown(data, magic)
    if len(data) < len(magic) + _TAIL:
        raise ExportError(Fault.CUT_SHORT, "it ends too early")
    ended = data[-_TAIL:-DIGEST_BYTES] == bytes(LENGTH_BYTES)
    digest = hashlib.sha256(memoryview(data)[:-DIGEST_BYTES]).digest()
    if ended and hmac.compare_digest(digest, data[-DIGEST_BYTES:]):
        return
    if _ends_early(data, len(magic)):
        raise ExportError(Fault.CUT_SHORT, "it ends too early")
    raise ExportError(Fault.ALTERED, "its content is not what was written")


def _ends_early(data: bytes, start: int) -> bool:
    """Tell whether the lengths lead beyond the end: the stick was pulled, or the file copied in part."""
    while start + LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[start : start + LENGTH_BYTES], "big")
        start += LENGTH_BYTES + length
        if length == 0:
            return start + DIGEST_BYTES > len(data)
    return True


def _unknown(data: bytes, magic: bytes) -> ExportError:
    if magic.startswith(data):
        return ExportError(Fault.CUT_SHORT, "it ends too early")
    if _MAGICS[magic].match(data[:16]):
        return ExportError(Fault.NEWER, "written by a newer program: update this one")
    return ExportError(Fault.FOREIGN, "not a file of this kind")
