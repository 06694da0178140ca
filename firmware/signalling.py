"""From an aspect to lamps and tones (pure): which lamp is lit when, when that changes next, and what sounds first.

The table is that of the words and aspects on the device: accepted green steady for the lease, refused red steady,
undecided red flashing slowly, out of service a short red flash every 3 s, ready dark; a device that is looked for
flashes red twice a second. Recorded attendance is two short flashes of green, each with a lease of its own, and dark
after them. Where an amber lamp is fitted, undecided, out of service and the next document are amber instead of red.

With two lamps the next document is two quick red flashes and a pause, and no green at all: half a second of green
is taken for a yes.

An active buzzer has one pitch, so that tones differ by how many beeps they have and how long: accepted one long,
refused two, undecided three short, the next document one short and one long, attendance one short, a device that is
looked for one long and one short. A tick says that the screen has a hint.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from drivers.signal.output import Tone
from firmware.messages import Aspect

Sound = Aspect | Literal["hint"]
_MS = 1_000_000  # nanoseconds


class Lamps(NamedTuple):
    """Which lamps are lit."""

    red: bool
    green: bool
    amber: bool = False


class Step(NamedTuple):
    """Lamps, and for how long; None = as long as the aspect lasts."""

    lamps: Lamps
    lasts_ns: int | None


Pattern = tuple[Step, ...]  # gone through again and again, unless its last step has no end

DARK = Lamps(red=False, green=False)
RED = Lamps(red=True, green=False)
GREEN = Lamps(red=False, green=True)
AMBER = Lamps(red=False, green=False, amber=True)


def _flashes(lamps: Lamps, *, twice: bool = False, lit_ms: int, cycle_ms: int) -> Pattern:
    """Return one flash a cycle, or two of them as long as the dark between."""
    lit, between = Step(lamps, lit_ms * _MS), Step(DARK, lit_ms * _MS)
    flash = (lit, between, lit) if twice else (lit,)
    return (*flash, Step(DARK, (cycle_ms - len(flash) * lit_ms) * _MS))


PATTERNS: dict[Aspect, Pattern] = {
    "ready": (Step(DARK, None),),
    "accepted": (Step(GREEN, None),),
    "refused": (Step(RED, None),),
    "undecided": _flashes(RED, lit_ms=500, cycle_ms=1_000),
    "next-document": _flashes(RED, twice=True, lit_ms=150, cycle_ms=1_500),
    "attendance": (Step(GREEN, 200 * _MS), Step(DARK, 200 * _MS), Step(GREEN, 200 * _MS), Step(DARK, None)),
    "identify": _flashes(RED, twice=True, lit_ms=100, cycle_ms=1_000),
    "out-of-service": _flashes(RED, lit_ms=150, cycle_ms=3_000),
}
WITH_AMBER: dict[Aspect, Pattern] = {  # where an amber lamp is fitted, instead of those above
    "undecided": (Step(AMBER, None),),
    "next-document": _flashes(AMBER, lit_ms=500, cycle_ms=1_000),
    "out-of-service": _flashes(AMBER, lit_ms=150, cycle_ms=3_000),
}

TONES: dict[Sound, Tone] = {  # seconds on, then off, by turns; what is not here is silent
    "accepted": ((0.6, 0.0),),
    "refused": ((0.25, 0.15), (0.25, 0.0)),
    "undecided": ((0.1, 0.1), (0.1, 0.1), (0.1, 0.0)),
    "next-document": ((0.1, 0.15), (0.4, 0.0)),
    "attendance": ((0.1, 0.0),),
    "identify": ((0.5, 0.2), (0.1, 0.0)),
    "hint": ((0.03, 0.0),),
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


def lamps_at(light: Light, now_ns: int, *, has_amber: bool = False) -> Lamps:
    """Return which lamps are lit; all dark once the light's time is over."""
    return DARK if light.ended(now_ns) else _step(light, now_ns, has_amber=has_amber)[0]


def next_change_ns(light: Light, now_ns: int, *, has_amber: bool = False) -> int | None:
    """Return when the lamps may change next (monotonic), None = not by themselves."""
    if light.ended(now_ns):
        return None
    ends = [end for end in (light.until_ns, _step(light, now_ns, has_amber=has_amber)[1]) if end is not None]
    return min(ends, default=None)


def _step(light: Light, now_ns: int, *, has_amber: bool) -> tuple[Lamps, int | None]:
    """Return the lamps at a time, and when that step ends."""
    pattern = WITH_AMBER.get(light.aspect, PATTERNS[light.aspect]) if has_amber else PATTERNS[light.aspect]
    start_ns = light.since_ns
    if pattern[-1].lasts_ns is not None:
        cycle_ns = sum(step.lasts_ns or 0 for step in pattern)
        start_ns = now_ns - (now_ns - light.since_ns) % cycle_ns
    for lamps, lasts_ns in pattern:
        if lasts_ns is None:
            return lamps, None
        if now_ns < start_ns + lasts_ns:
            return lamps, start_ns + lasts_ns
        start_ns += lasts_ns
    raise AssertionError("a pattern covers its cycle")  # pragma: no cover - by construction
