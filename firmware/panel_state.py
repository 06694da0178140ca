"""What the panel shows: the gate's last events, and out of service by itself when they cease (pure)."""

from dataclasses import dataclass, replace
from typing import assert_never

from firmware.messages import WAITING, Advised, Event, Health, Shown
from firmware.texts import Words

NO_ADVICE = Advised()
SILENT_NS = 3_000_000_000  # ours: the gate tells its health every second


@dataclass(frozen=True, slots=True)
class PanelState:
    """The latest of each kind of event, and when the gate was heard last (monotonic; None: not, or gone)."""

    away: Words
    shown: Shown | None = None
    health: Health | None = None
    advised: Advised = NO_ADVICE
    heard_ns: int | None = None

    def told(self, event: Event, at_ns: int) -> "PanelState":
        """Return the state after an event."""
        match event:
            case Shown():
                return replace(self, shown=event, heard_ns=at_ns)
            case Health():
                return replace(self, health=event, heard_ns=at_ns)
            case Advised():
                return replace(self, advised=event, heard_ns=at_ns)
            case _:
                assert_never(event)

    def lost(self) -> "PanelState":
        """Return the state after the gate went away: nothing that it said holds any more."""
        return PanelState(self.away)

    def present(self, now_ns: int) -> bool:
        """Return whether the gate is there and speaks."""
        return self.heard_ns is not None and now_ns - self.heard_ns <= SILENT_NS

    def to_show(self, now_ns: int) -> Shown:
        """Return what the screen shows."""
        if self.shown and self.present(now_ns):
            return self.shown
        return Shown("out-of-service", "gate-away", self.away.vi, self.away.en)

    def to_advise(self, now_ns: int) -> Advised:
        """Return the hint that the screen shows with that, if any: never beside an answer, whatever comes first."""
        return self.advised if self.to_show(now_ns).aspect in WAITING else NO_ADVICE

    def to_tell(self, now_ns: int) -> Health | None:
        """Return the device's health, None where nobody knows it."""
        return self.health if self.present(now_ns) else None
