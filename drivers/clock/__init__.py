"""The time, and whether to believe it; the only place that asks the system for either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, assert_never

if TYPE_CHECKING:
    from datetime import datetime

ClockKind = Literal["system", "assumed"]


class Clock(Protocol):
    """A clock that says whether something outside this machine's own counting vouches for it."""

    def now(self) -> datetime:
        """Give the present moment, with the zone UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Give nanoseconds that never run backward and that processes of one boot may compare."""
        ...

    def synchronised(self) -> bool:
        """Say whether the network or a clock that survives a power cut vouches for the time; never raises."""
        ...


def open_clock(kind: ClockKind) -> Clock:
    """Open the clock: "system", or "assumed" where a desk's clock is to be taken as right."""
    from drivers.clock.system import AssumedClock, SystemClock  # noqa: PLC0415 - a simulated clock needs no ctypes

    match kind:
        case "system":
            return SystemClock()
        case "assumed":
            return AssumedClock()
        case _:
            assert_never(kind)
