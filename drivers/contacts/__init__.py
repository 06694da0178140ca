"""Contacts that people close: the staff's button, and what closes when somebody passes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

ContactsKind = Literal["simulated", "gpio"]
ContactName = Literal["override", "passage"]
QUEUE_MAX = 64  # ours: closings that nobody has asked for; more are a fault of the wiring, and are dropped


class Closing(NamedTuple):
    """Which contact closed, and when."""

    name: ContactName
    at_ns: int  # of the clock given at opening: time.monotonic_ns()


class Contacts(Protocol):
    """A staff's button and a passage sensor; either may not be fitted.

    A contact that stays closed, or bounces, has closed once. One that is closed already at the start has not: it
    counts after it was open. A wire that is cut cannot be told from a contact that nobody closes.
    """

    def fileno(self) -> int:
        """Return a descriptor that becomes readable as soon as `closings` has something to tell."""
        ...

    def closings(self) -> list[Closing]:
        """Return what has closed since the last call, oldest first; never waits, and raises nothing."""
        ...

    def close(self) -> None:
        """Release the contacts; a second call does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the contacts themselves."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        ...


def open_contacts(
    kind: ContactsKind,
    *,
    override_pin: int | None = None,
    passage_pin: int | None = None,
    active_high: bool = False,
    pipe: Path | None = None,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
) -> Contacts:
    """Open the contacts.

    Args:
        kind: "gpio": a Raspberry Pi's pins; "simulated": a named pipe that takes a word for each closing.
        override_pin: the staff's button's pin, in Broadcom's numbering; None: not fitted ("gpio" only).
        passage_pin: the passage sensor's pin, likewise.
        active_high: whether a closed contact gives a high level (to 3.3 V) or a low one (to ground); the pin is pulled
            to the other one.
        pipe: the named pipe, made where it is missing ("simulated" only).
        monotonic_ns: what tells when a contact closed.

    Raises:
        ValueError: the arguments do not fit the kind.
        DeviceMissingError: there are no such contacts; the cure says what to install or connect.
    """
    match kind:
        case "simulated":
            from drivers.contacts.simulated import SimulatedContacts  # noqa: PLC0415 - only what is configured

            if pipe is None:
                raise ValueError("simulated contacts need a named pipe")
            return SimulatedContacts(pipe, monotonic_ns)
        case "gpio":
            from drivers.contacts.gpio import open_gpio_contacts  # noqa: PLC0415 - gpiozero costs 9 MiB

            fitted: dict[ContactName, int | None] = {"override": override_pin, "passage": passage_pin}
            pins = {name: pin for name, pin in fitted.items() if pin is not None}
            if not pins:
                raise ValueError("gpio contacts need the pin of one of them")
            return open_gpio_contacts(pins, active_high=active_high, monotonic_ns=monotonic_ns)
        case _:
            assert_never(kind)
