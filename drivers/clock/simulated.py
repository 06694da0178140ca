"""A clock that moves only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SimulatedClock:
    """A synchronised clock that stands still at `start` until it is advanced or set."""

    def __init__(self, start: datetime) -> None:
        """Start at a moment that names its zone.

        Raises:
            ValueError: `start` has no zone.
        """
        self._now = _in_utc(start)
        self._monotonic_ns = 1_000_000_000  # not 0: a machine has run for a while when a program starts
        self._synchronised = True

    def now(self) -> datetime:
        """Give the simulated time in UTC."""
        return self._now

    def monotonic_ns(self) -> int:
        """Give the simulated nanoseconds, which only `advance` moves."""
        return self._monotonic_ns

    def synchronised(self) -> bool:
        """Say whether the clock is synchronised now."""
        return self._synchronised

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is negative.
        """
        if not seconds >= 0:
            raise ValueError(f"time does not pass by {seconds} s")
        self._now += timedelta(seconds=seconds)
        self._monotonic_ns += round(seconds * 1e9)

    def jump(self, to: datetime) -> None:
        """Set the clock, as a time daemon or an attacker would: no time passes.

        Raises:
            ValueError: `to` has no zone.
        """
        self._now = _in_utc(to)

    def lose_sync(self) -> None:
        """Stop being synchronised, as after a power cut."""
        self._synchronised = False

    def regain_sync(self) -> None:
        """Be synchronised again."""
        self._synchronised = True


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is no moment")
    return moment.astimezone(UTC)
