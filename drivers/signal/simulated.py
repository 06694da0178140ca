"""Lamps, a buzzer and a heartbeat drawn in files: levels that outlive their program, as pins of a Raspberry Pi do."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.errors import DeviceError
from drivers.signal.history import History, entries_of, tail_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from drivers.signal.lease import Cause
    from drivers.signal.output import OutputCause

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lamps:
    """What the lamps show from `t_ns` on, and why."""

    t_ns: int  # time.monotonic_ns(): comparable between the processes of one boot
    red: bool
    green: bool
    lease_s: float  # of the green light; 0 where there is none
    by: Cause
    amber: bool = False  # written where an amber lamp is fitted


@dataclass(frozen=True, slots=True)
class Level:
    """What a buzzer or a heartbeat does from `t_ns` on, and why."""

    t_ns: int  # as of `Lamps`
    on: bool
    by: OutputCause


class SimulatedLamps:
    """A bank of lamps that appends each change to a file, as one JSON object a line.

    Opening, closing, darkening and each new lease are written always, other settings if a level changes.
    A file that has grown too large is kept as `NAME.1`, in place of the one before, and begun anew with its last line.
    """

    def __init__(self, history: Path, *, has_amber: bool = False) -> None:
        """Open the history to append to; nothing is written yet.

        Raises:
            DeviceMissingError: the file cannot be opened for writing.
        """
        self.has_amber = has_amber
        self._shown: tuple[bool, bool, bool] | None = None
        self._history = History(history, "simulated lamps")

    def put(self, *, red: bool, green: bool, amber: bool, lease_s: float, by: Cause) -> None:
        """Append the new levels; see `LampBank.put`."""
        if by in {"show", "lease"} and not green and self._shown == (red, green, amber):
            return
        lamps = asdict(Lamps(time.monotonic_ns(), red=red, green=green, lease_s=lease_s, by=by, amber=amber))
        if not self.has_amber:
            del lamps["amber"]
        self._history.append(lamps)
        self._shown = (red, green, amber)

    def close(self) -> None:
        """Close the file; the lamps stay as they are."""
        self._history.close()


class SimulatedOutput:
    """A buzzer's or a heartbeat's pin that appends each level to a file, as one JSON object a line."""

    def __init__(self, name: str, history: Path) -> None:
        """Open the history to append to; nothing is written yet.

        Raises:
            DeviceMissingError: the file cannot be opened for writing.
        """
        self._name = name
        self._history: History | None = History(history, f"simulated {name}")

    def put(self, *, on: bool, by: OutputCause) -> None:
        """Append the level; see `Output.put`."""
        if self._history is None:  # strict: a pin that was given back takes no level
            raise DeviceError(f"the {self._name} is closed", cure="open it again")
        self._history.append(asdict(Level(time.monotonic_ns(), on=on, by=by)))

    def close(self) -> None:
        """Close the file; the level stays as it is."""
        history, self._history = self._history, None
        if history:
            history.close()


def read_history(history: Path) -> list[Lamps]:
    """Read all that the lamps showed and is kept, oldest first; a torn line is left out.

    Raises:
        OSError: the file cannot be read.
    """
    return _whole(Lamps, entries_of(history))


def last_lamps(history: Path) -> Lamps:
    """Read what is shown now: dark where nothing was ever shown; reads only the end of the file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    shown = _whole(Lamps, tail_of(history))
    return shown[-1] if shown else Lamps(t_ns=0, red=False, green=False, lease_s=0.0, by="close")


def read_levels(history: Path) -> list[Level]:
    """Read all that a buzzer or a heartbeat did and is kept, oldest first; a torn line is left out.

    Raises:
        OSError: the file cannot be read.
    """
    return _whole(Level, entries_of(history))


def last_level(history: Path) -> Level:
    """Read what a buzzer or a heartbeat does now: off where it never did anything; reads only the end of the file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    levels = _whole(Level, tail_of(history))
    return levels[-1] if levels else Level(t_ns=0, on=False, by="close")


def _whole(kind: type[T], entries: Iterable[dict[str, Any]]) -> list[T]:
    found = []
    for entry in entries:
        try:
            found.append(kind(**entry))
        except TypeError:  # JSON that lacks fields, or has others
            continue
    return found
