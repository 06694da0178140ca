"""The lamps: what a person at the gate sees, and the promise that a green one goes out by itself.

Beside them, where they are fitted: a buzzer, whose tones end by themselves, and a heartbeat for a relay.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, Protocol, Self, assert_never

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from drivers.signal.lease import LampBank
    from drivers.signal.output import Buzzer, Heartbeat, Output

SignalKind = Literal["simulated", "gpio"]
OutputName = Literal["buzzer", "heartbeat"]
HISTORIES: dict[OutputName, str] = {"buzzer": "buzzer.jsonl", "heartbeat": "heartbeat.jsonl"}  # beside the lamps' own


class Signal(Protocol):
    """A red and a green lamp, and an amber one where it is fitted.

    Opening and closing leave all dark. A green lamp has an end when it is lit and goes out at that end
    even if the program never calls again, so that a stuck gate shows no green.
    """

    @property
    def has_amber(self) -> bool:
        """Return whether an amber lamp is fitted."""
        ...

    def show(self, *, red: bool, green: bool, amber: bool = False, lease_s: float = 0.0) -> None:
        """Set all lamps; green for `lease_s` seconds (above 0, at most 60), replacing any earlier lease.

        Raises:
            ValueError: green without a lease in that range, or amber where none is fitted.
            DeviceError: a lamp could not be set; all are then darkened as soon as that is possible.
        """
        ...

    def close(self) -> None:
        """Leave all lamps dark and release them; a second call does nothing.

        Raises:
            DeviceError: the lamps could not be darkened.
        """
        ...

    def __enter__(self) -> Self:
        """Give the signal itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the signal."""
        ...


def open_signal(
    kind: SignalKind,
    *,
    red_pin: int | None = None,
    green_pin: int | None = None,
    amber_pin: int | None = None,
    active_high: bool = True,
    history: Path | None = None,
) -> Signal:
    """Open the lamps, dark.

    Args:
        kind: "gpio": a Raspberry Pi's pins; "simulated": a file that keeps what was shown.
        red_pin: the red lamp's pin, in Broadcom's numbering ("gpio" only).
        green_pin: the green lamp's pin, likewise.
        amber_pin: the amber lamp's pin; None: none is fitted, whatever the kind.
        active_high: whether a lamp is lit by a high level.
        history: the file to which changes are appended ("simulated" only).

    Raises:
        ValueError: the arguments do not fit the kind.
        DeviceMissingError: there are no such lamps; the cure says what to install or connect.
        DeviceError: the lamps could not be darkened.
    """
    from drivers.signal.lease import LeasedSignal  # noqa: PLC0415 - `darken` needs no threads

    return LeasedSignal(_open_lamps(kind, (red_pin, green_pin, amber_pin), active_high=active_high, history=history))


def open_buzzer(kind: SignalKind, *, pin: int, active_high: bool = True, history: Path | None = None) -> Buzzer:
    """Open an active buzzer, silent, in a thread of its own; what is wrong with it is its `fault`, never an error.

    Args:
        kind: as of the lamps.
        pin: its pin, in Broadcom's numbering ("gpio" only).
        active_high: whether it sounds at a high level.
        history: the *lamps'* history, beside which its own is kept ("simulated" only).
    """
    from drivers.signal.output import Buzzer  # noqa: PLC0415 - only where one is fitted

    return Buzzer(lambda: _open_output(kind, "buzzer", pin, active_high=active_high, history=history))


def open_heartbeat(kind: SignalKind, *, pin: int, history: Path | None = None) -> Heartbeat:
    """Open a heartbeat's pin, low; takes what `open_buzzer` does, and raises as little."""
    from drivers.signal.output import Heartbeat  # noqa: PLC0415 - only where one is fitted

    return Heartbeat(lambda: _open_output(kind, "heartbeat", pin, active_high=True, history=history))


def darken(
    kind: SignalKind,
    *,
    red_pin: int | None = None,
    green_pin: int | None = None,
    amber_pin: int | None = None,
    active_high: bool = True,
    history: Path | None = None,
    buzzer_pin: int | None = None,
    heartbeat_pin: int | None = None,
) -> None:
    """Put all lamps out after their program died, then silence the buzzer and put the heartbeat low, where fitted.

    Takes and raises what `open_signal` does, once everything was tried.
    """
    with contextlib.ExitStack() as later:  # each is tried, whatever became of those before
        if heartbeat_pin is not None:
            later.callback(_put_off, kind, "heartbeat", heartbeat_pin, active_high=True, history=history)
        if buzzer_pin is not None:
            later.callback(_put_off, kind, "buzzer", buzzer_pin, active_high=active_high, history=history)
        lamps = _open_lamps(kind, (red_pin, green_pin, amber_pin), active_high=active_high, history=history)
        try:
            lamps.put(red=False, green=False, amber=False, lease_s=0.0, by="darken")
        finally:
            lamps.close()


def _put_off(kind: SignalKind, name: OutputName, pin: int, *, active_high: bool, history: Path | None) -> None:
    output = _open_output(kind, name, pin, active_high=active_high, history=history)
    try:
        output.put(on=False, by="darken")
    finally:
        output.close()


def _open_output(kind: SignalKind, name: OutputName, pin: int, *, active_high: bool, history: Path | None) -> Output:
    match kind:
        case "simulated":
            from drivers.signal.simulated import SimulatedOutput  # noqa: PLC0415 - only what is configured

            if history is None:
                raise ValueError(f"a simulated {name} needs a history file")
            return SimulatedOutput(name, history.with_name(HISTORIES[name]))
        case "gpio":
            from drivers.signal.gpio import open_gpio_output  # noqa: PLC0415 - gpiozero costs 9 MiB

            return open_gpio_output(name, pin, active_high=active_high)
        case _:
            assert_never(kind)


def _open_lamps(
    kind: SignalKind, pins: tuple[int | None, int | None, int | None], *, active_high: bool, history: Path | None
) -> LampBank:
    red_pin, green_pin, amber_pin = pins
    match kind:
        case "simulated":
            from drivers.signal.simulated import SimulatedLamps  # noqa: PLC0415 - only what is configured

            if history is None:
                raise ValueError("a simulated signal needs a history file")
            return SimulatedLamps(history, has_amber=amber_pin is not None)
        case "gpio":
            from drivers.signal.gpio import open_gpio_lamps  # noqa: PLC0415 - gpiozero costs 9 MiB

            if red_pin is None or green_pin is None:
                raise ValueError("a gpio signal needs a red pin and a green pin")
            return open_gpio_lamps(red_pin, green_pin, amber_pin, active_high=active_high)
        case _:
            assert_never(kind)
