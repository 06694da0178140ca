"""Is the clock to be trusted? (pure) Without that, no pass can be judged."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

BUILD_DATE = datetime(2026, 11, 1, tzinfo=UTC)  # raised at each release; no true clock can be before it
LONGEST_USE = timedelta(days=3 * 365)  # ours, until signed trust metadata say when they were issued
STEP_MAX = timedelta(minutes=1)  # ours: a clock that is disciplined moves by less; one that is set moves by more
STEADY_NS = 3600 * 1_000_000_000  # ours: an hour


class Span(NamedTuple):
    """The times that a clock may show, both included."""

    floor: datetime
    ceiling: datetime


def clock_is_trusted(now: datetime, *, synchronised: bool, span: Span) -> bool:
    """Return whether a clock that shows `now` (UTC) may be used to judge passes."""
    return synchronised and span.floor <= now <= span.ceiling


def span_of(kind: Literal["system", "assumed"]) -> Span:
    """Return the times outside of which a clock is wrong; one that is assumed to be right (a desk's) has none."""
    if kind == "assumed":
        return Span(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    return Span(BUILD_DATE, BUILD_DATE + LONGEST_USE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment on the wall clock and on the monotonic one, from which on the two are compared."""

    at: datetime
    monotonic_ns: int

    def seen(self, now: datetime, now_ns: int) -> "Anchor":
        """Return the anchor after another look at both clocks: a new one where the wall clock was set meanwhile."""
        went = timedelta(microseconds=(now_ns - self.monotonic_ns) // 1000)
        return self if abs(now - self.at - went) <= STEP_MAX else Anchor(now, now_ns)

    def steady(self, now_ns: int) -> bool:
        """Return whether the wall clock was not set for so long that it may decide what is to be deleted."""
        return now_ns - self.monotonic_ns >= STEADY_NS
