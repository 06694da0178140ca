"""Is the clock to be trusted? (pure) Without that, no pass can be judged."""

from datetime import UTC, datetime
from typing import Literal

BUILD_DATE = datetime(2026, 11, 1, tzinfo=UTC)  # raised at each release; no true clock can be before it


def clock_is_trusted(now: datetime, *, synchronised: bool, floor: datetime) -> bool:
    """Return whether a clock that shows `now` (UTC) may be used to judge passes."""
    return synchronised and now >= floor


def floor_of(kind: Literal["system", "assumed"]) -> datetime:
    """Return the time before which a clock is wrong; a clock that is assumed to be right (a desk's) has none."""
    return BUILD_DATE if kind == "system" else datetime.min.replace(tzinfo=UTC)
