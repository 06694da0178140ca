"""A check-in: what is recorded of one presentation at the checkpoint, and no more."""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, Literal, cast
from uuid import UUID

ID_BYTES = 16
PSEUDONYM_BYTES = 16  # HMAC-SHA-256 truncated to 128 bits (RFC 2104, section 5): enough against collisions
MAX_AT_MS = 2**48 - 1  # what a UUIDv7 holds (RFC 9562, section 5.7): the year 10889
MAX_LANE_BYTES = 256  # a configured lane is at most 64 characters
MAX_CODE_CHARS = 48  # of a reason or a profile
MAX_KINDS = 8
MAX_KIND_CHARS = 24
MAX_DETAILS_BYTES = 512  # ours: two names of 80 characters and a date, sealed
KEY_BYTES = 32
VIET_NAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # no summer time since 1945: no tz database needed

RecordType = Literal["check-in", "passage", "override"]
ClockTrust = Literal["synchronised", "rtc", "assumed", "untrusted"]
Direction = Literal["in", "out", "test"]  # test: a technician tried the device; nobody came
VerdictName = Literal["accepted", "refused", "undecided"]
TYPES: Final = ("check-in", "passage", "override")
CLOCKS: Final = ("synchronised", "rtc", "assumed", "untrusted")
DIRECTIONS: Final = ("in", "out", "test")
VERDICTS: Final = ("accepted", "refused", "undecided")

COLUMNS: Final = (  # of a Row
    "type, id, at_ms, clock, lane, direction, profile, verdict, reason, kinds, pseudonym, details, about"
)
FIELDS = 13
Row = tuple[str, bytes, int, str, str, str, str, str, str, str, bytes | None, bytes | None, bytes | None]

_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # kebab-case: reasons, profiles and kinds are codes, never free text
_KNOWN_MAX = 4096  # ours: combinations of texts found good before; a device has some dozens
_known: set[tuple[str, ...]] = set()


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Hold one record of the journal; one that breaks a bound cannot be made.

    A record is a check-in, or says later of one (`about`) that its holder passed, or that staff let them (`override`).

    `at_ms` is in milliseconds since the epoch, UTC; `clock` is how far that was trusted. `pseudonym` is
    `PSEUDONYM_BYTES` long, or None where nothing was decoded. `details` are sealed to the centre, where the profile
    asks for any. `pseudonym`, `kinds` and `details` are what concerns the holder.

    Raises: ValueError naming the field, never its content.
    """

    id: UUID
    at_ms: int
    clock: ClockTrust
    lane: str
    direction: Direction
    verdict: VerdictName
    reason: str
    kinds: tuple[str, ...] = ()
    pseudonym: bytes | None = None
    profile: str = "default"
    details: bytes | None = None
    type: RecordType = "check-in"
    about: UUID | None = None

    def __post_init__(self) -> None:
        """Check every bound."""
        if problem := row_problem(to_row(self)):
            raise ValueError(problem)
        if tuple(" ".join(self.kinds).split()) != self.kinds:
            raise ValueError("kinds are no codes: one is empty, or of two words")

    @property
    def clock_trusted(self) -> bool:
        """Tell whether the device trusted its clock."""
        return self.clock != "untrusted"

    @property
    def blank(self) -> bool:
        """Tell whether nothing that concerns the holder is in it (any more)."""
        return self.pseudonym is None and not self.kinds and self.details is None


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
    """Return a check-in as a row of a database, and as a record on the wire: the values of `COLUMNS`."""
    return (
        checkin.type,
        checkin.id.bytes,
        checkin.at_ms,
        checkin.clock,
        checkin.lane,
        checkin.direction,
        checkin.profile,
        checkin.verdict,
        checkin.reason,
        " ".join(checkin.kinds),
        checkin.pseudonym,
        checkin.details,
        None if checkin.about is None else checkin.about.bytes,
    )


def from_row(row: Row) -> CheckIn:
    """Return the check-in of a row.

    Raises: ValueError, TypeError for values that no check-in has.
    """
    kind, identifier, at_ms, clock, lane, direction, profile, verdict, reason, kinds, pseudonym, details, about = row
    return CheckIn(
        type=cast(RecordType, kind),  # CheckIn checks all of these
        id=UUID(bytes=identifier),
        at_ms=at_ms,
        clock=cast(ClockTrust, clock),
        lane=lane,
        direction=cast(Direction, direction),
        profile=profile,
        verdict=cast(VerdictName, verdict),
        reason=reason,
        kinds=tuple(kinds.split()),
        pseudonym=pseudonym,
        details=details,
        about=None if about is None else UUID(bytes=about),
    )


def row_problem(row: tuple[Any, ...]) -> str | None:
    """Return what keeps `FIELDS` values from being a row, whoever sent them; None where nothing does.

    It names the field, never its content. Values are compared by their exact types: True is no number here.
    """
    kind, identifier, at_ms, clock, lane, direction, profile, verdict, reason, kinds, pseudonym, details, about = row
    if not _is_id(identifier):
        return "id is no UUIDv7"
    if type(at_ms) is not int or not 0 <= at_ms <= MAX_AT_MS:
        return "at_ms is out of range"
    if (about is not None and not _is_id(about)) or (about is None) != (kind == "check-in"):
        return "about is no check-in's id, or stands in a check-in"
    texts = (kind, clock, lane, direction, profile, verdict, reason, kinds)
    return _holder_problem(pseudonym, details) or _texts_problem(texts)


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


def is_code(text: str, max_chars: int = MAX_CODE_CHARS) -> bool:
    """Tell whether a text is a code: words of a-z and 0-9 with - between them."""
    return len(text) <= max_chars and _CODE.fullmatch(text) is not None


def _holder_problem(pseudonym: object, details: object) -> str | None:
    if pseudonym is not None and (type(pseudonym) is not bytes or len(pseudonym) != PSEUDONYM_BYTES):
        return "pseudonym has a wrong length"
    if details is not None and (type(details) is not bytes or not 0 < len(details) <= MAX_DETAILS_BYTES):
        return "details have a wrong length"
    return None


def _texts_problem(texts: tuple[Any, ...]) -> str | None:
    """Return what is wrong with a row's texts; combinations found good are remembered, as a lane has few."""
    try:
        known = texts in _known  # first, for each record of a fleet: nothing but a text equals a text
    except TypeError:  # what cannot be looked up
        known = False
    if known:
        return None
    if not all(type(text) is str for text in texts):
        return "a text is none"
    problem = _text_problem(*texts)
    if problem is None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        _known.add(texts)
    return problem


def _text_problem(
    kind: str, clock: str, lane: str, direction: str, profile: str, verdict: str, reason: str, kinds: str
) -> str | None:
    if kind not in TYPES or clock not in CLOCKS:
        return "type or clock is unknown"
    if not (lane and lane.isprintable() and len(lane.encode("utf-8", "surrogatepass")) <= MAX_LANE_BYTES):
        return "lane is empty, too long or not printable"  # isprintable() has refused surrogates before
    if direction not in DIRECTIONS or verdict not in VERDICTS:
        return "direction or verdict is unknown"
    if not is_code(profile) or not is_code(reason):
        return "profile or reason is no code"
    codes = kinds.split(" ") if kinds else []
    if len(codes) > MAX_KINDS or not all(is_code(code, MAX_KIND_CHARS) for code in codes):
        return "kinds are no codes, or too many"
    return None


def _is_id(value: object) -> bool:
    """Tell whether it is a UUIDv7's bytes: version in the high half of byte 6, variant on top of byte 8 (RFC 9562)."""
    return type(value) is bytes and len(value) == ID_BYTES and value[6] >> 4 == 7 and value[8] >> 6 == 2  # noqa: PLR2004
