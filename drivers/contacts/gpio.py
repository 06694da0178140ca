"""Contacts on a Raspberry Pi's pins, by gpiozero over lgpio; a level counts once it is steady."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from gpiozero import DigitalInputDevice, GPIOZeroError

from drivers.contacts import QUEUE_MAX, Closing
from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal.gpio import open_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from drivers.contacts import ContactName
    from drivers.signal.gpio import Faults

STEADY_S = 0.01  # ours: lgpio reports a level that stayed so long: a relay's spark on a long wire is no button
OPEN_NS = 100_000_000  # ours: contacts bounce for some 10 ms, worn ones for longer; nobody presses 10 times a second


def open_gpio_contacts(
    pins: Mapping[ContactName, int], *, active_high: bool, monotonic_ns: Callable[[], int]
) -> GpioContacts:
    """Open contacts on this Raspberry Pi's own pins (Broadcom's numbering).

    Raises:
        ValueError: both are on one pin.
        DeviceMissingError: no lgpio, no Raspberry Pi, no access to its pins, no such pin, or a pin in use.
    """
    factory, faults = open_factory("contacts")
    return GpioContacts(pins, active_high=active_high, factory=factory, faults=faults, monotonic_ns=monotonic_ns)


class GpioContacts:
    """Contacts on the pins of one gpiozero factory, which it owns; lgpio's thread reports them."""

    def __init__(
        self,
        pins: Mapping[ContactName, int],
        *,
        active_high: bool,
        factory: Any,  # noqa: ANN401 - gpiozero ships no types
        faults: Faults = (GPIOZeroError, OSError),
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Claim the pins; `faults` are what the factory's pins may raise.

        Raises:
            ValueError: both contacts are on one pin.
            DeviceMissingError: no such pin, or a pin in use.
        """
        self._factory, self._monotonic_ns = factory, monotonic_ns
        self._found: deque[Closing] = deque(maxlen=QUEUE_MAX)
        self._opened_ns: dict[ContactName, int] = {}
        self._devices: list[Any] = []
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            if len(set(pins.values())) < len(pins):
                raise ValueError("two contacts are on one pin")  # noqa: TRY301 - frees the factory
            for name, pin in pins.items():
                self._devices.append(_claim(name, pin, active_high=active_high, factory=factory, faults=faults))
                self._listen(name, self._devices[-1])
        except (ValueError, DeviceError):
            self.close()
            raise

    def fileno(self) -> int:
        """Return what wakes who waits; see `Contacts.fileno`."""
        if self._wake is None:  # strict: what was given back has none
            raise DeviceError("the contacts are closed", cure="open them again")
        return self._wake

    def closings(self) -> list[Closing]:
        """Return what has closed; see `Contacts.closings`."""
        if self._wake is not None:
            try:
                os.eventfd_read(self._wake)
            except BlockingIOError:
                return []
        return [self._found.popleft() for _ in range(len(self._found))]

    def close(self) -> None:
        """Release the pins."""
        for device in self._devices:
            device.pin.when_changed = None  # ends lgpio's reports: the pin itself stays claimed until its factory goes
            device.close()
        self._devices.clear()
        self._factory.close()
        wake, self._wake = self._wake, None
        if wake is not None:
            os.close(wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self, name: ContactName, device: Any) -> None:  # noqa: ANN401 - gpiozero ships no types
        device.when_activated = lambda: self._closed(name)
        device.when_deactivated = lambda: self._opened_ns.__setitem__(name, self._monotonic_ns())

    def _closed(self, name: ContactName) -> None:
        """Take a closing, unless the contact was open for a moment only."""
        at_ns = self._monotonic_ns()
        opened_ns = self._opened_ns.get(name)
        if self._wake is not None and (opened_ns is None or at_ns - opened_ns >= OPEN_NS):
            self._found.append(Closing(name, at_ns))
            os.eventfd_write(self._wake, 1)


def _claim(name: ContactName, pin: int, *, active_high: bool, factory: Any, faults: Faults) -> Any:  # noqa: ANN401 - gpiozero ships no types
    try:
        return DigitalInputDevice(pin, pull_up=not active_high, bounce_time=STEADY_S, pin_factory=factory)
    except faults as error:
        raise DeviceMissingError(
            f"the {name} contact's pin {pin!r} cannot be used: {error}",
            cure="choose a free pin (Broadcom's numbering) and stop any other program that holds it",
        ) from error
