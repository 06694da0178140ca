"""Number plates: what staff type, or a camera beside the lane reads, of the vehicle that stands there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

PlatesKind = Literal["socket", "simulated"]
SEEN_MAX = 64  # ours: told at a time; no camera reads more plates in a turn of the gate


class PlateSeen(NamedTuple):
    """A plate as it was typed or read, and when: nothing is normalised here."""

    text: str
    at_ns: int  # of the clock given at opening: time.monotonic_ns()


class Plates(Protocol):
    """Where plates are entered; which one is believed, and for how long, is not decided here."""

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when `seen` has something to tell; quiet during a flood."""
        ...

    def seen(self) -> list[PlateSeen]:
        """Return what was entered since the last call, oldest first, at most `SEEN_MAX`; never waits, raises nothing.

        To be called once a turn as well: what the descriptor does not tell in a flood is told then.
        """
        ...

    def close(self) -> None:
        """Take no more plates; a second call does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the plates themselves."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        ...


def open_plates(
    kind: PlatesKind,
    *,
    socket: Path | None = None,
    malformed: Callable[[], None] = lambda: None,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
) -> Plates:
    """Open where plates are entered.

    Args:
        kind: "socket": a Unix socket that takes messages; "simulated": what a test enters.
        socket: its path; the folder is made where it is missing ("socket" only).
        malformed: called for each message that is none ("socket" only).
        monotonic_ns: what tells when a plate was entered.

    Raises:
        ValueError: the arguments do not fit the kind.
        DeviceMissingError: nobody can be listened to; the cure says what to do.
    """
    match kind:
        case "socket":
            from drivers.plates.datagrams import DatagramPlates  # noqa: PLC0415 - only what is configured

            if socket is None:
                raise ValueError("plates by messages need a socket")
            return DatagramPlates(socket, malformed, monotonic_ns)
        case "simulated":
            from drivers.plates.simulated import SimulatedPlates  # noqa: PLC0415 - only what is configured

            return SimulatedPlates(monotonic_ns)
        case _:
            assert_never(kind)
