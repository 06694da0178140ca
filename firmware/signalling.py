"""From an aspect to lamps and tones (pure): which lamp is lit when, when that changes next, and what sounds first.

The table is that of the words and aspects on the device: accepted green steady for the lease, refused red steady,
undecided red flashing slowly, out of service a short red flash every 3 s, ready dark; a device that is looked for
flashes red twice a second. An active buzzer has one pitch, so that tones differ by how many beeps they have and how
long: accepted one long, refused two, undecided three short, a device that is looked for one long and one short.
"""

from dataclasses import dataclass
from typing import NamedTuple

from drivers.signal.output import Tone
from firmware.messages import Aspect

_S = 1_000_000_000  # nanoseconds


class Lamps(NamedTuple):
    """Which lamps are lit."""

    red: bool
    green: bool


class Step(NamedTuple):
    """Lamps, and for how long; None = as long as the aspect lasts."""

    lamps: Lamps
    lasts_ns: int | None


DARK = Lamps(red=False, green=False)
RED = Lamps(red=True, green=False)
GREEN = Lamps(red=False, green=True)

PATTERNS: dict[Aspect, tuple[Step, ...]] = {
    "ready": (Step(DARK, None),),
    "accepted": (Step(GREEN, None),),
    "refused": (Step(RED, None),),
    "undecided": (Step(RED, _S // 2), Step(DARK, _S // 2)),
    "identify": (
        *(Step(RED, _S // 10), Step(DARK, _S // 10)),
        *(Step(RED, _S // 10), Step(DARK, _S * 7 // 10)),
    ),
    "out-of-service": (Step(RED, _S * 15 // 100), Step(DARK, _S * 285 // 100)),
}

TONES: dict[Aspect, Tone] = {  # seconds on, then off, by turns; what is not here is silent
    "accepted": ((0.6, 0.0),),
    "refused": ((0.25, 0.15), (0.25, 0.0)),
    "undecided": ((0.1, 0.1), (0.1, 0.1), (0.1, 0.0)),
    "identify": ((0.5, 0.2), (0.1, 0.0)),
}
RESTING: tuple[Aspect, ...] = ("ready", "identify", "out-of-service")  # nobody is being answered


@dataclass(frozen=True, slots=True)
class Light:
    """An aspect from `since_ns` on (monotonic), until `until_ns`; None = until another one."""

    aspect: Aspect
    since_ns: int
    until_ns: int | None = None

    def ended(self, now_ns: int) -> bool:
        """Return whether its time is over."""
        return self.until_ns is not None and now_ns >= self.until_ns


def lamps_at(light: Light, now_ns: int) -> Lamps:
    """Return which lamps are lit; all dark once the light's time is over."""
    return DARK if light.ended(now_ns) else _step(light, now_ns)[0]


def next_change_ns(light: Light, now_ns: int) -> int | None:
    """Return when the lamps may change next (monotonic), None = not by themselves."""
    if light.ended(now_ns):
        return None
    ends = [end for end in (light.until_ns, _step(light, now_ns)[1]) if end is not None]
    return min(ends, default=None)


def _step(light: Light, now_ns: int) -> tuple[Lamps, int | None]:
    """Return the lamps at a time, and when that step ends."""
    pattern = PATTERNS[light.aspect]
    start_ns = now_ns
    cycle_ns = sum(step.lasts_ns or 0 for step in pattern)
    if cycle_ns:
        start_ns = now_ns - (now_ns - light.since_ns) % cycle_ns
    for lamps, lasts_ns in pattern:
        if lasts_ns is None:
            return lamps, None
        if now_ns < start_ns + lasts_ns:
            return lamps, start_ns + lasts_ns
        start_ns += lasts_ns
    raise AssertionError("a pattern covers its cycle")  # pragma: no cover - by construction
