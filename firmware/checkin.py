"""A check-in: what is recorded of one presentation at the checkpoint, and no more."""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal, cast
from uuid import UUID

PSEUDONYM_BYTES = 16  # HMAC-SHA-256 truncated to 128 bits (RFC 2104, section 5): enough against collisions
MAX_AT_MS = 2**48 - 1  # what a UUIDv7 holds (RFC 9562, section 5.7): the year 10889
MAX_LANE_BYTES = 256  # a configured lane is at most 64 characters
MAX_REASON_CHARS = 48
MAX_KINDS = 8
MAX_KIND_CHARS = 24
KEY_BYTES = 32
VIET_NAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # no summer time since 1945: no tz database needed

Direction = Literal["in", "out", "test"]  # test: a technician tried the device; nobody came
VerdictName = Literal["accepted", "refused", "undecided"]
DIRECTIONS: Final = ("in", "out", "test")
VERDICTS: Final = ("accepted", "refused", "undecided")

COLUMNS: Final = "id, at_ms, clock_trusted, lane, direction, verdict, reason, kinds, pseudonym"  # of a Row
Row = tuple[bytes, int, int, str, str, str, str, str, bytes | None]

_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # kebab-case: reasons and kinds are codes, never free text


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Hold one check-in; one that breaks a bound cannot be made.

    `at_ms` is in milliseconds since the epoch, UTC. `pseudonym` is `PSEUDONYM_BYTES` long, or None where
    nothing was decoded.

    Raises: ValueError naming the field, never its content.
    """

    id: UUID
    at_ms: int
    clock_trusted: bool
    lane: str
    direction: Direction
    verdict: VerdictName
    reason: str
    kinds: tuple[str, ...] = ()
    pseudonym: bytes | None = None

    def __post_init__(self) -> None:
        """Check every bound."""
        if self.id.version != 7:  # noqa: PLR2004 - the version's own number
            raise ValueError("id is no UUIDv7")
        if not 0 <= self.at_ms <= MAX_AT_MS:
            raise ValueError("at_ms is out of range")
        if not (self.lane and self.lane.isprintable() and _utf8_length(self.lane) <= MAX_LANE_BYTES):
            raise ValueError("lane is empty, too long or not printable")
        if self.direction not in DIRECTIONS or self.verdict not in VERDICTS:
            raise ValueError("direction or verdict is unknown")
        if not _is_code(self.reason, MAX_REASON_CHARS):
            raise ValueError("reason is no code")
        if len(self.kinds) > MAX_KINDS or not all(_is_code(kind, MAX_KIND_CHARS) for kind in self.kinds):
            raise ValueError("kinds are no codes, or too many")
        if self.pseudonym is not None and len(self.pseudonym) != PSEUDONYM_BYTES:
            raise ValueError("pseudonym has a wrong length")

    @property
    def blank(self) -> bool:
        """Tell whether nothing that concerns the holder is in it (any more)."""
        return self.pseudonym is None and not self.kinds


def new_id(at_ms: int, draw: Callable[[int], bytes] = secrets.token_bytes) -> UUID:
    """Return a UUIDv7 for a time in milliseconds since the epoch, `draw` giving the random bytes.

    Source: RFC 9562, section 5.7. Raises: ValueError for a time that it cannot hold.
    """
    if not 0 <= at_ms <= MAX_AT_MS:
        raise ValueError("at_ms is out of range")
    value = at_ms << 80 | int.from_bytes(draw(10))
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant of RFC 9562
    return UUID(int=value)


def milliseconds(at: datetime) -> int:
    """Return the milliseconds since the epoch, 0 for a clock that stands before it."""
    return min(max(0, int(at.timestamp() * 1000)), MAX_AT_MS)


def to_row(checkin: CheckIn) -> Row:
    """Return a check-in as a row of a database, the values of `COLUMNS`."""
    return (
        checkin.id.bytes,
        checkin.at_ms,
        checkin.clock_trusted,
        checkin.lane,
        checkin.direction,
        checkin.verdict,
        checkin.reason,
        " ".join(checkin.kinds),
        checkin.pseudonym,
    )


def from_row(row: Row) -> CheckIn:
    """Return the check-in of a row.

    Raises: ValueError, TypeError for values that no check-in has.
    """
    identifier, at_ms, clock_trusted, lane, direction, verdict, reason, kinds, pseudonym = row
    return CheckIn(
        id=UUID(bytes=identifier),
        at_ms=at_ms,
        clock_trusted=bool(clock_trusted),
        lane=lane,
        direction=cast(Direction, direction),  # CheckIn checks both
        verdict=cast(VerdictName, verdict),
        reason=reason,
        kinds=tuple(kinds.split()),
        pseudonym=pseudonym,
    )


class Pseudonyms:
    """Turn identities into pseudonyms that hold for one local day and one run of the gate.

    The key lives in memory only; on another local day (Viet Nam's) a new one is drawn and the old one
    overwritten, so that nobody can link check-ins of two days, or a pseudonym to a pass seen later.
    """

    def __init__(self, draw: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._draw = draw
        self._key = bytearray(KEY_BYTES)
        self._day: date | None = None

    def of(self, identity: bytes | None, at: datetime) -> bytes | None:
        """Return the pseudonym of an identity (the hash of a signed payload), None of None."""
        day = at.astimezone(VIET_NAM).date()
        if day != self._day:
            self._key[:] = self._draw(KEY_BYTES)
            self._day = day
        if identity is None:
            return None
        return hmac.digest(self._key, identity, "sha256")[:PSEUDONYM_BYTES]


def _is_code(text: str, max_chars: int) -> bool:
    return len(text) <= max_chars and _CODE.fullmatch(text) is not None


def _utf8_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))  # isprintable() has refused surrogates before
