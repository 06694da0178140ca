"""What looks at the lamps during a self-test: their history, the pins' levels, or a person afterwards."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from drivers.signal.lines import header_chip, levels
from drivers.signal.simulated import read_history
from firmware.config import Config

Levels = Callable[[], dict[int, bool] | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the lamps showed from `t_ns` on (monotonic)."""

    t_ns: int
    red: bool
    green: bool
    amber: bool = False

    @property
    def dark(self) -> bool:
        """Return whether none was lit."""
        return not (self.red or self.green or self.amber)


class Eyes(Protocol):
    """Somebody who looks at the lamps."""

    def look(self) -> None:
        """Look once; called many times a second."""
        ...

    def seen(self) -> list[Seen] | None:
        """Return what was seen, oldest first; None where this cannot be told without asking."""
        ...


class HistoryEyes:
    """Read what simulated lamps have written of themselves."""

    def __init__(self, config: Config) -> None:
        """Look from now on."""
        self._path = config.lamp_history
        self._since_ns = time.monotonic_ns()

    def look(self) -> None:
        """Do nothing: the history keeps all."""

    def seen(self) -> list[Seen] | None:
        """Return what was shown since."""
        try:
            shown = read_history(self._path)
        except OSError:
            return []
        since = (lamps for lamps in shown if lamps.t_ns >= self._since_ns)
        return [Seen(lamps.t_ns, lamps.red, lamps.green, lamps.amber) for lamps in since]


@dataclass
class PinEyes:
    """Sample the levels of the lamps' pins, as the kernel tells them."""

    red_pin: int
    green_pin: int
    amber_pin: int | None
    active_high: bool
    read: Levels
    _seen: list[Seen] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample; pins that nobody drives tell nothing."""
        found = self.read() or {}
        pins = [pin for pin in (self.red_pin, self.green_pin, self.amber_pin) if pin is not None]
        if found.keys() >= set(pins):
            lit = [found[pin] == self.active_high for pin in pins]
            seen = Seen(time.monotonic_ns(), *lit)
            if not self._seen or replace(self._seen[-1], t_ns=seen.t_ns) != seen:
                self._seen.append(seen)

    def seen(self) -> list[Seen] | None:
        """Return the changes."""
        return list(self._seen)


class NoEyes:
    """Leave the lamps to a person, who is asked afterwards."""

    def look(self) -> None:
        """Do nothing."""

    def seen(self) -> list[Seen] | None:
        """Return None: ask."""
        return None


def eyes_for(config: Config, *, ask: bool) -> Eyes:
    """Return who looks at the configured lamps."""
    signal = config.signal
    if signal.kind == "simulated":
        return HistoryEyes(config)
    if ask or signal.red_pin is None or signal.green_pin is None:
        return NoEyes()
    return PinEyes(signal.red_pin, signal.green_pin, signal.amber_pin, signal.active_high, header_levels())


def header_levels() -> Levels:
    """Return what reads the levels of the 40 pins; nothing where the kernel does not tell."""
    chip = header_chip()
    return lambda: None if chip is None else levels(chip.name)
