"""What devices and centre tell each other beside check-ins: status, commands, reports; see docs/protocol.md.

Pure, bounded and signed as batches are. Nothing in them concerns a holder.
"""

import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from firmware.checkin import ID_BYTES, MAX_AT_MS
from firmware.envelope import ENVELOPE_MAX_BYTES, Authority, Signer, check_centre, check_device
from firmware.sealing import Recipient, Unsealer
from firmware.wire import MAX_SEQ, TOPIC_PREFIX, WireError
from firmware.wire_cbor import dumps, loads_as, require

Command = Literal["sync-now", "identify", "report"]
COMMANDS: Final[tuple[Command, ...]] = ("sync-now", "identify", "report")
VERSION = 1
MAX_STATUS_BYTES = 1024 + ENVELOPE_MAX_BYTES
MAX_COMMAND_BYTES = 1024 + ENVELOPE_MAX_BYTES
MAX_REPORT_JSON_BYTES = 48 * 1024  # ours: some hundred lines of diagnostics
MAX_REPORT_BYTES = 64 * 1024
MAX_TEXT_CHARS = 64
FULL_PERMILLE = 1000
STATUSES_TOPIC = f"{TOPIC_PREFIX}/+/status"
REPORTS_TOPIC = f"{TOPIC_PREFIX}/+/report"

_TOPIC = re.compile(f"{TOPIC_PREFIX}/([a-z0-9-]{{1,32}})/([a-z]+)")
_REPORT_CONTEXT = b"greengate/v1/report"


@dataclass(frozen=True, slots=True)
class Status:
    """Hold how a device is, as it last said: retained by the broker, and its last will (`online` False).

    `unsent` counts records; `oldest_ms` is the time of the first of them; `fill_permille` is how full its journal is.
    `trust_ms` is when the trust data that it judges by were issued, None where nobody says.
    Raises: WireError.
    """

    device: str
    at_ms: int
    online: bool
    unsent: int = 0
    oldest_ms: int | None = None
    fill_permille: int = 0
    version: str = ""
    trust_ms: int | None = None

    def __post_init__(self) -> None:
        """Check every bound."""
        require(0 <= self.at_ms <= MAX_AT_MS and 0 <= self.unsent <= MAX_SEQ, "a number is out of range")
        for time_ms in (self.oldest_ms, self.trust_ms):
            require(time_ms is None or 0 <= time_ms <= MAX_AT_MS, "a number is out of range")
        require(0 <= self.fill_permille <= FULL_PERMILLE, "a number is out of range")
        require(len(self.version) <= MAX_TEXT_CHARS and self.version.isprintable(), "version is not as written")


@dataclass(frozen=True, slots=True)
class Order:
    """Hold a command of the centre's to one device; `id` tells it from its repetitions. Raises: WireError."""

    device: str
    id: bytes
    at_ms: int
    command: Command

    def __post_init__(self) -> None:
        """Check every bound."""
        require(len(self.id) == ID_BYTES and 0 <= self.at_ms <= MAX_AT_MS, "a field has a wrong length")
        require(self.command in COMMANDS, "command is unknown")


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what a device reports when it is asked: JSON of its health and diagnostics."""

    device: str
    at_ms: int
    json: bytes


def encode_status(status: Status, signer: Signer) -> bytes:
    """Return a status's message, signed by the device."""
    fields = [status.device, status.at_ms, status.online, status.unsent, status.oldest_ms, status.fill_permille]
    return signer.sign("status", dumps([VERSION, *fields, status.version, status.trust_ms]))


def decode_status(message: bytes, authority: Authority, at: datetime | None) -> Status:
    """Return the status in a message. Raises: WireError, SignatureError."""
    signed = authority.open(message, "status", at, MAX_STATUS_BYTES)
    types = (str, int, bool, int, (int, type(None)), int, str, (int, type(None)))
    status = Status(*loads_as(signed.payload, VERSION, types))
    check_device(signed, status.device)
    return status


def encode_order(order: Order, signer: Signer) -> bytes:
    """Return a command's message, signed by the centre."""
    return signer.sign("command", dumps([VERSION, order.device, order.id, order.at_ms, order.command]))


def decode_order(message: bytes, authority: Authority, at: datetime | None) -> Order:
    """Return the command in a message. Raises: WireError, SignatureError."""
    signed = authority.open(message, "command", at, MAX_COMMAND_BYTES)
    check_centre(signed)
    device, identifier, at_ms, command = loads_as(signed.payload, VERSION, (str, bytes, int, str))
    return Order(device, identifier, at_ms, cast(Command, command))


def encode_report(report: Report, signer: Signer, recipient: Recipient) -> bytes:
    """Return a report's message, sealed to the centre and signed by the device. Raises: WireError."""
    require(len(report.json) <= MAX_REPORT_JSON_BYTES, "report is too long")
    sealed = recipient.seal(zlib.compress(report.json), _report_context(report.device, report.at_ms))
    return signer.sign("report", dumps([VERSION, report.device, report.at_ms, recipient.key_id, sealed]))


def decode_report(message: bytes, authority: Authority, keys: Unsealer, at: datetime | None) -> Report:
    """Return the report in a message; its JSON is bounded, and not read yet. Raises: WireError, SignatureError."""
    signed = authority.open(message, "report", at, MAX_REPORT_BYTES)
    device, at_ms, key_id, sealed = loads_as(signed.payload, VERSION, (str, int, bytes, bytes))
    check_device(signed, device)
    require(0 <= at_ms <= MAX_AT_MS, "a number is out of range")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(
            keys.unseal(key_id, sealed, _report_context(device, at_ms)), MAX_REPORT_JSON_BYTES + 1
        )
    except zlib.error:
        raise WireError("report cannot be inflated") from None
    whole = inflater.eof and not inflater.unused_data
    require(len(content) <= MAX_REPORT_JSON_BYTES and whole, "report is too long or cut short, or more follows")
    return Report(device, at_ms, content)


def status_topic(device: str) -> str:
    """Return the topic on which a device says how it is (retained)."""
    return f"{TOPIC_PREFIX}/{device}/status"


def command_topic(device: str) -> str:
    """Return the topic on which the centre commands a device."""
    return f"{TOPIC_PREFIX}/{device}/command"


def report_topic(device: str) -> str:
    """Return the topic on which a device reports."""
    return f"{TOPIC_PREFIX}/{device}/report"


def parse_topic(topic: str) -> tuple[str, str]:
    """Return device and last level of a topic of ours. Raises: WireError."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise WireError("not a topic of ours")
    return match[1], match[2]


def _report_context(device: str, at_ms: int) -> bytes:
    return _REPORT_CONTEXT + dumps([VERSION, device, at_ms])
