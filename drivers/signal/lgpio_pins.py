"""gpiozero's lgpio pins without their flicker; importing this module needs lgpio and a writable folder."""

from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin, lgpio

LgpioError: type[Exception] = lgpio.error


class SteadyPin(LGPIOPin):  # type: ignore[misc] # gpiozero ships no types
    """A pin that is never driven to a level nobody asked for.

    gpiozero's own claims an output low and sets its level afterwards, which flashes an active-low lamp
    at each start, and lets a closed pin float, which leaves the lamp to its wiring.
    """

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - as gpiozero calls it
        """Drive the pin, at `state` from the first moment."""
        lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))  # noqa: SLF001 - as LGPIOPin does

    def close(self) -> None:
        """Keep the pin driven: closing the factory gives it back to the kernel at its last level."""


class SteadyFactory(LGPIOFactory):  # type: ignore[misc] # gpiozero ships no types
    """The pins of this machine's own GPIO chip."""

    def __init__(self) -> None:
        """Open the chip.

        Raises:
            gpiozero.exc.PinUnknownPi: not a Raspberry Pi.
            LgpioError: no chip, or no right to open it.
        """
        super().__init__()
        self.pin_class = SteadyPin
