"""Date-times of CertLogic 1.3: the formats that it reads, partial dates, and offsets as JavaScript's `Date` has them.

Every date-time is in UTC, to the millisecond, in the years 1 to 9999; what is finer is cut off.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from verifier.certlogic_values import CertLogicError, Value, kind_of

UNITS = ("year", "month", "day", "hour")
AMOUNT_MAX = 100_000_000  # ours: from the year 1 to 9999 there are 88 million hours; no larger offset has a result

_DATE_CHARACTERS = len("YYYY-MM-DD")
_DATE_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})T(?P<time>([01]\d|2[0-3])(:[0-5]\d){2})(\.(?P<fraction>\d+))?"
    r"(Z|(?P<offset>(?P<sign>[+-])(?P<hours>\d{1,2})(:?(?P<minutes>[0-5]\d))?))?",
    re.ASCII,
)
_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_HOURS_OF_OFFSET_MAX = 23  # ISO 8601; no zone is farther than 14
_MONTHS = 12
_EVERY_MONTHS_DAYS = 28
_DATES_KEPT = 64  # ours: a date alone names nobody; it stays in memory until as many others were asked for


def time_of(value: Value) -> datetime:
    """Read a date or a date-time: a text in a format of the specification, or an aware time.

    Raises:
        CertLogicError: It is neither, is no date of the calendar, or lies outside the years 1 to 9999.
    """
    if isinstance(value, str):
        return _date(value) if len(value) <= _DATE_CHARACTERS else _date_time(value)
    if isinstance(value, datetime):
        return checked_time(value)
    raise CertLogicError(f"a date or date-time is wanted as a text, not {kind_of(value)}")


def date_of_birth(value: Value) -> datetime:
    """Return midnight of the last day that a date, possibly in part, can mean.

    Raises:
        CertLogicError: It is no text of the form YYYY, YYYY-MM or YYYY-MM-DD, or no date.
    """
    if not isinstance(value, str):
        raise CertLogicError(f"a date of birth is a text, not {kind_of(value)}")
    return _date(value)


def checked_time(value: Value) -> datetime:
    """Return a time in UTC, cut off to the millisecond.

    Raises:
        CertLogicError: It is none, or has no time zone.
    """
    if not isinstance(value, datetime):
        raise CertLogicError(f"{kind_of(value)} where a date-time is wanted; use plusTime to make one")
    time: datetime = value if value.tzinfo is UTC else _in_utc(value)
    beyond = time.microsecond % 1000
    return time.replace(microsecond=time.microsecond - beyond) if beyond else time


def mover(amount: int, unit: str) -> Callable[[datetime], datetime]:
    """Return what moves a time by an amount of a unit of `UNITS`: raises `CertLogicError` outside the years 1 to 9999.

    A day that the month does not have runs on into the next one: 29 February and a year is 1 March, as
    `setUTCFullYear` has it, to which the specification refers ("Leap days").
    """
    if unit in {"year", "month"}:
        months = amount * _MONTHS if unit == "year" else amount
        return lambda time: _by_months(time, months)
    delta = timedelta(days=amount) if unit == "day" else timedelta(hours=amount)
    return lambda time: _by(time, delta)


def _by(time: datetime, delta: timedelta) -> datetime:
    try:
        return time + delta
    except OverflowError:
        raise _outside() from None


def _by_months(time: datetime, months: int) -> datetime:
    year, month = divmod(time.year * _MONTHS + time.month - 1 + months, _MONTHS)
    try:
        if time.day <= _EVERY_MONTHS_DAYS:
            return time.replace(year=year, month=month + 1)
        first = time.replace(year=year, month=month + 1, day=1)
    except ValueError:
        raise _outside() from None
    return _by(first, timedelta(days=time.day - 1))


@lru_cache(_DATES_KEPT)
def _date(text: str) -> datetime:
    """Read a date of ten characters, or a partial one; each rule on a pass asks for the same few."""
    try:
        if len(text) == _DATE_CHARACTERS and text[4] == text[7] == "-":  # not 2021-W01-1, which Python reads too
            return datetime.fromisoformat(text + "T00:00:00Z")
        match = _PARTIAL_DATE.fullmatch(text)
        if match is not None:
            year, month = int(match[1]), int(match[2] or _MONTHS)
            return datetime(year, month, monthrange(year, month)[1], tzinfo=UTC)
    except ValueError:
        pass
    raise _unreadable()


def _date_time(text: str) -> datetime:
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise _unreadable()
    milliseconds = (match["fraction"] or "")[:3].ljust(3, "0")
    try:
        time = datetime.fromisoformat(f"{match['date']}T{match['time']}.{milliseconds}Z")
    except ValueError:
        raise _unreadable() from None
    return _by(time, -_offset(match)) if match["offset"] else time


def _offset(match: re.Match[str]) -> timedelta:
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    if hours > _HOURS_OF_OFFSET_MAX:
        raise _unreadable()
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if match["sign"] == "-" else offset


def _in_utc(time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise CertLogicError("a time without a zone; give it one")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise _outside() from None


def _unreadable() -> CertLogicError:
    return CertLogicError("a text that is no date or date-time, such as 2021-06-30 or 2021-06-30T12:00:00Z")


def _outside() -> CertLogicError:
    return CertLogicError("a date-time outside the years 1 to 9999")
