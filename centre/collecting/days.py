"""Days: to which of them a check-in belongs, whatever its device's clock says (UTC, counted from 1970-01-01)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from firmware.checkin import Row

DAY_MS = 86_400_000
PAST_DAYS = 366  # ours: how long a device may have been without a network; with the next, bounds the days there are
FUTURE_DAYS = 1
EPOCH = date(1970, 1, 1)


def day_of(row: Row, received_ms: int) -> int:
    """Return the day by a row's own clock, or the day when it came where that clock is not to be believed."""
    received, day = received_ms // DAY_MS, row[2] // DAY_MS  # at_ms and clock, in the order of COLUMNS
    believed = row[3] != "untrusted" and received - PAST_DAYS <= day <= received + FUTURE_DAYS
    return day if believed else received


def days_of(rows: Iterable[Row], received_ms: int) -> set[int]:
    """Return the days of some rows, looking at each day and clock once."""
    found = {(row[2] // DAY_MS, row[3]): row for row in rows}
    return {day_of(row, received_ms) for row in found.values()}


def to_date(day: int) -> date:
    """Return a day as a date."""
    return EPOCH + timedelta(days=day)


def to_day(at: date) -> int:
    """Return a date as a day."""
    return (at - EPOCH).days


def to_ms(at: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return int(at.astimezone(UTC).timestamp() * 1000)
