"""Lamps, a buzzer and a heartbeat on a Raspberry Pi's pins, by gpiozero over lgpio and over nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero import LED, GPIOZeroError
from gpiozero.exc import PinUnknownPi

from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from drivers.signal.lease import Cause
    from drivers.signal.output import OutputCause

Faults = tuple[type[Exception], ...]


def open_gpio_lamps(red_pin: int, green_pin: int, amber_pin: int | None, *, active_high: bool) -> GpioLamps:
    """Open the lamps, dark, on this Raspberry Pi's own pins (Broadcom's numbering); an amber one where it has a pin.

    Raises:
        ValueError: two lamps are on one pin.
        DeviceMissingError: no lgpio, no Raspberry Pi, no access to its pins, no such pin, or a pin in use.
    """
    factory, faults = open_factory()
    return GpioLamps(red_pin, green_pin, amber_pin, active_high=active_high, factory=factory, faults=faults)


def open_gpio_output(name: str, pin: int, *, active_high: bool) -> GpioOutput:
    """Open one pin for a buzzer or a heartbeat, off; takes and raises what `open_gpio_lamps` does."""
    factory, faults = open_factory()
    return GpioOutput(name, pin, active_high=active_high, factory=factory, faults=faults)


class GpioLamps:
    """A bank of two or three LEDs (or relays) on the pins of one gpiozero factory, which it owns."""

    def __init__(
        self,
        red_pin: int,
        green_pin: int,
        amber_pin: int | None = None,
        *,
        active_high: bool,
        factory: Any,  # noqa: ANN401 - gpiozero ships no types
        faults: Faults = (GPIOZeroError, OSError),
    ) -> None:
        """Claim the pins, dark; `faults` are what the factory's pins may raise.

        Raises:
            ValueError: two lamps are on one pin.
            DeviceMissingError: no such pin, or a pin in use.
        """
        self._factory, self._faults = factory, faults
        self._leds: dict[str, Any] = {}
        pins = {"green": green_pin, "red": red_pin} | ({} if amber_pin is None else {"amber": amber_pin})
        try:
            if len(set(pins.values())) < len(pins):
                raise ValueError(f"two lamps are on one pin: {pins}")  # noqa: TRY301 - frees the factory
            for name, pin in pins.items():
                self._leds[name] = _claim(f"{name} lamp", pin, active_high=active_high, factory=factory, faults=faults)
        except (ValueError, DeviceError):
            self.close()
            raise

    @property
    def has_amber(self) -> bool:
        """Return whether there is a third lamp."""
        return "amber" in self._leds

    def put(self, *, red: bool, green: bool, amber: bool, lease_s: float, by: Cause) -> None:  # noqa: ARG002 - as in the port
        """Set all lamps, the dark ones first so that no moment shows two; see `LampBank.put`."""
        levels = {"green": green, "red": red, "amber": amber}
        for name in sorted(self._leds, key=levels.__getitem__):
            try:
                self._leds[name].value = levels[name]
            except self._faults as error:
                raise DeviceError(
                    f"the {name} lamp cannot be set: {error}", cure="check the wiring of the lamps"
                ) from error

    def close(self) -> None:
        """Release the pins."""
        for led in self._leds.values():
            led.close()
        self._factory.close()


class GpioOutput:
    """One pin of a gpiozero factory, which it owns."""

    def __init__(
        self,
        name: str,
        pin: int,
        *,
        active_high: bool,
        factory: Any,  # noqa: ANN401 - gpiozero ships no types
        faults: Faults = (GPIOZeroError, OSError),
    ) -> None:
        """Claim the pin, off; `faults` are what the factory's pins may raise.

        Raises:
            DeviceMissingError: no such pin, or it is in use.
        """
        self._name, self._factory, self._faults = name, factory, faults
        try:
            self._device = _claim(name, pin, active_high=active_high, factory=factory, faults=faults)
        except DeviceError:
            factory.close()
            raise

    def put(self, *, on: bool, by: OutputCause) -> None:  # noqa: ARG002 - as in the port
        """Set the level; see `Output.put`."""
        try:
            self._device.value = on
        except self._faults as error:
            raise DeviceError(
                f"the {self._name} cannot be set: {error}", cure=f"check its wiring ({self._name})"
            ) from error

    def close(self) -> None:
        """Release the pin."""
        self._device.close()
        self._factory.close()


def _claim(name: str, pin: int, *, active_high: bool, factory: Any, faults: Faults) -> Any:  # noqa: ANN401 - gpiozero ships no types
    try:
        return LED(pin, active_high=active_high, initial_value=False, pin_factory=factory)
    except faults as error:
        raise DeviceMissingError(
            f"the {name}'s pin {pin!r} cannot be used: {error}",
            cure="choose a free pin (Broadcom's numbering) and stop any other program that holds it",
        ) from error


def open_factory(what: str = "lamps") -> tuple[Any, Faults]:
    """Open this machine's pins for the `what` on them, and say what they may raise.

    Raises:
        DeviceMissingError: no lgpio, no Raspberry Pi, or no access to its pins.
    """
    # Named here, because gpiozero's own choice silently falls back to whatever else is installed.
    try:
        from drivers.signal.lgpio_pins import LgpioError, SteadyFactory  # noqa: PLC0415 - lgpio may be missing
    except ImportError as error:
        raise DeviceMissingError(
            f"the {what} need lgpio: {error}", cure="install it: apt-get install python3-lgpio"
        ) from error
    except OSError as error:  # importing lgpio makes a pipe in the working folder
        raise DeviceMissingError(
            f"lgpio cannot make its pipe: {error}",
            cure="set LG_WD to a folder that this program may write to",
        ) from error
    faults: Faults = (GPIOZeroError, OSError, LgpioError)
    try:
        return SteadyFactory(), faults
    except PinUnknownPi as error:
        raise DeviceMissingError(
            "this machine is no Raspberry Pi",
            cure=f"connect the {what} to one, or configure simulated ones",
        ) from error
    except faults as error:
        raise DeviceMissingError(
            f"the pins cannot be opened: {error}",
            cure="enable GPIO, and put this program's user into the group gpio",
        ) from error
