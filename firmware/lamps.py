"""The gate's lamps, opened when they can be: a failing lamp is out of service, not a restart.

And its voice: a buzzer and a heartbeat that may be missing or fail, and are then a notice and nothing more.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import Signal
from drivers.signal.output import Buzzer, Heartbeat
from firmware.signalling import TONES, Sound


class LampsOnDemand:
    """A `Signal` that may fail to open at the start, and is opened again with each `show` until it does."""

    def __init__(self, open_: Callable[[], Signal]) -> None:
        """Open the lamps, dark, if they obey. Raises: DeviceMissingError where there are none."""
        self._open = open_
        self._signal: Signal | None = None
        try:
            self._signal = open_()
        except DeviceMissingError:
            raise
        except DeviceError:
            return

    @property
    def has_amber(self) -> bool:
        """Return whether an amber lamp is fitted; not known, and so no, while the lamps cannot be opened."""
        return self._signal is not None and self._signal.has_amber

    def show(self, *, red: bool, green: bool, amber: bool = False, lease_s: float = 0.0) -> None:
        """Set all lamps; see `Signal.show`."""
        if self._signal is None:
            self._signal = self._open()
        self._signal.show(red=red, green=green, amber=amber, lease_s=lease_s)

    def close(self) -> None:
        """Leave all lamps dark and release them; see `Signal.close`."""
        signal, self._signal = self._signal, None
        if signal:
            signal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Voice:
    """What a gate has beside its lamps: tones for its answers, and a heartbeat; either may not be fitted."""

    def __init__(self, buzzer: Buzzer | None = None, heartbeat: Heartbeat | None = None, *, hints: bool = True) -> None:
        """Take over both; `hints` have a sound too, or none."""
        self._buzzer = buzzer
        self._heartbeat = heartbeat
        self._hints = hints

    @property
    def faults(self) -> tuple[str, ...]:
        """Return the codes of the notices that technicians should see."""
        parts = {"buzzer-fault": self._buzzer, "heartbeat-fault": self._heartbeat}
        return tuple(code for code, part in parts.items() if part is not None and part.fault is not None)

    def sound(self, what: Sound) -> None:
        """Sound an aspect's tone, or a hint's, without waiting."""
        if self._buzzer is not None and (tone := TONES.get(what)) and (self._hints or what != "hint"):
            self._buzzer.sound(tone)

    def beat(self) -> None:
        """Show the heartbeat's relay that the gate's loop has turned."""
        if self._heartbeat is not None:
            self._heartbeat.beat()

    def close(self) -> None:
        """Leave the buzzer silent and the heartbeat low; a second call does nothing."""
        for part in (self._heartbeat, self._buzzer):
            if part is not None:
                part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
