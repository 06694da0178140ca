"""What the centre tells every device at once: that a newer trust repository is published; see docs/protocol.md.

It is a hint and no more: what a device then trusts, the repository's own signatures say.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from firmware.checkin import MAX_AT_MS
from firmware.envelope import ENVELOPE_MAX_BYTES, Authority, Signer, check_centre
from firmware.wire import MAX_SEQ, TOPIC_PREFIX
from firmware.wire_cbor import dumps, loads_as, require

VERSION = 1
TRUST_TOPIC: Final = f"{TOPIC_PREFIX}/trust"  # three levels: no device's topic, which has four
MAX_ANNOUNCEMENT_BYTES = 1024 + ENVELOPE_MAX_BYTES  # as the other short messages
_PURPOSE = "trust"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Hold which version of the repository's timestamp is published, and when it was issued. Raises: WireError."""

    version: int
    issued_ms: int

    def __post_init__(self) -> None:
        """Check every bound."""
        require(1 <= self.version <= MAX_SEQ and 0 <= self.issued_ms <= MAX_AT_MS, "a number is out of range")


def encode_announcement(announcement: Announcement, signer: Signer) -> bytes:
    """Return an announcement's message, signed by the centre."""
    return signer.sign(_PURPOSE, dumps([VERSION, announcement.version, announcement.issued_ms]))


def decode_announcement(message: bytes, authority: Authority, at: datetime | None) -> Announcement:
    """Return the announcement in a message. Raises: WireError, SignatureError."""
    signed = authority.open(message, _PURPOSE, at, MAX_ANNOUNCEMENT_BYTES)
    check_centre(signed)
    return Announcement(*loads_as(signed.payload, VERSION, (int, int)))
