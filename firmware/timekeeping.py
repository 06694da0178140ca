"""Is the clock to be trusted? (pure) Without that, no pass can be judged.

A clock is believed when somebody vouches for it (network time, a real-time clock) and all of this holds:

1. It is not before the floor: a time that has passed for certain. The floor is the latest of the build, the signed
   `issued` of the trust data, and what the device has counted by itself since, which is kept over power cuts. No clock
   raises it, so that no false one can poison it.
2. It is not after the ceiling: as long after `issued` as the nation lets a device be without newer trust data.
3. It did not jump, nor stand before what a steady clock showed before the last power cut: else it is believed again
   when it is back where it was, or after it went steadily for an hour.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

BUILD_DATE = datetime(2026, 11, 1, tzinfo=UTC)  # raised at each release; no true clock can be before it
LONGEST_USE = timedelta(days=3 * 365)  # ours, where no signed trust data say when they were issued
STEP_MAX = timedelta(minutes=5)  # ours: a real-time clock (20 ppm) is off by less after half a year, and is corrected
STEADY_NS = 3600 * 1_000_000_000  # ours: an hour
SURE_NS, SURE_OF_NS = 9, 10  # so much of what was counted is certain: chrony may slew by 8 % (maxslewrate)

ClockFault = Literal["clock-not-synchronised", "clock-behind", "clock-ahead", "clock-jumped"]
ClockKind = Literal["system", "assumed"]


class Span(NamedTuple):
    """The times that a clock may show, both included."""

    floor: datetime
    ceiling: datetime


def clock_fault(now: datetime, *, synchronised: bool, span: Span) -> ClockFault | None:
    """Return what is wrong with a clock that shows `now` (UTC), as one look shows it; None where nothing is."""
    if now < span.floor:
        return "clock-behind"
    if now > span.ceiling:
        return "clock-ahead"
    return None if synchronised else "clock-not-synchronised"


def span_of(kind: ClockKind, issued: datetime | None = None, offline_max: timedelta = LONGEST_USE) -> Span:
    """Return the times outside of which a clock is wrong; one that is assumed to be right (a desk's) has none.

    `issued` is when the trust data were, None where they do not say; `offline_max` how long a device may do with them.
    """
    if kind == "assumed":
        return Span(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    return Span(max(BUILD_DATE, issued or BUILD_DATE), (issued or BUILD_DATE) + offline_max)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment on the wall clock and on the monotonic one, from which on the two are compared."""

    at: datetime
    monotonic_ns: int

    def seen(self, now: datetime, now_ns: int) -> "Anchor":
        """Return the anchor after another look at both clocks: a new one where the wall clock was set meanwhile."""
        return self if self.agrees(now, now_ns) else Anchor(now, now_ns)

    def agrees(self, now: datetime, now_ns: int) -> bool:
        """Return whether the wall clock was not set since."""
        went = timedelta(microseconds=(now_ns - self.monotonic_ns) // 1000)
        return abs(now - self.at - went) <= STEP_MAX

    def steady(self, now_ns: int) -> bool:
        """Return whether the wall clock was not set for so long that it may decide what is to be deleted."""
        return now_ns - self.monotonic_ns >= STEADY_NS


class Kept(NamedTuple):
    """What outlives a power cut: the floor, and the last time that a trusted and steady clock showed; UTC.

    `issued` is when the trust data in use were, None where they do not say.
    """

    floor: datetime
    shown: datetime | None = None
    issued: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a clock from one look to the next.

    `floor` is a time that had passed for certain; `line` since when the clock goes without a jump and without another
    fault; `believed` where it was when it was trusted last, since the program's start; `shown` as in `Kept`.
    """

    floor: Anchor
    fault: ClockFault | None = "clock-not-synchronised"
    line: Anchor | None = None
    believed: Anchor | None = None
    shown: datetime | None = None

    @classmethod
    def begun(cls, now_ns: int, kept: Kept | None = None) -> "Watch":
        """Return a watch at the start of a program (monotonic); `kept` is from before it."""
        return cls(Anchor(max(BUILD_DATE, kept.floor) if kept else BUILD_DATE, now_ns), shown=kept and kept.shown)

    def looked(self, now: datetime, now_ns: int, *, synchronised: bool, span: Span) -> "Watch":
        """Return the watch after another look at both clocks."""
        floor = self._risen(span.floor, now_ns)
        fault = clock_fault(now, synchronised=synchronised, span=Span(floor.at, span.ceiling))
        if fault:
            return replace(self, floor=floor, fault=fault, line=None)
        line = self.line.seen(now, now_ns) if self.line else Anchor(now, now_ns)
        steady = line.steady(now_ns)
        if not (steady or self._expects(now, now_ns)):
            return replace(self, floor=floor, fault="clock-jumped" if self.believed else "clock-behind", line=line)
        believed = self.believed
        if believed is None or not believed.agrees(now, now_ns) or believed.steady(now_ns):
            believed = Anchor(now, now_ns)  # each hour anew: what disciplines a clock by seconds adds up
        return Watch(floor, None, line, believed, now if steady else self.shown)

    def lowered(self, least: datetime, now_ns: int) -> "Watch":
        """Return the watch after trust data were replaced by earlier ones: what the former said was no floor."""
        return replace(self, floor=Anchor(least, now_ns))

    @property
    def kept(self) -> Kept:
        """Return what of the clock is to outlive a power cut."""
        return Kept(self.floor.at, self.shown)

    def _risen(self, least: datetime, now_ns: int) -> Anchor:
        """Return the floor now: it rises by what was counted for certain, and to `least`."""
        counted = timedelta(microseconds=(now_ns - self.floor.monotonic_ns) * SURE_NS // SURE_OF_NS // 1000)
        return Anchor(max(self.floor.at + counted, least), now_ns)

    def _expects(self, now: datetime, now_ns: int) -> bool:
        """Return whether the clock is where it was left; before it was trusted for the first time, not before that."""
        if self.believed:
            return self.believed.agrees(now, now_ns)
        return self.shown is None or now >= self.shown - STEP_MAX
