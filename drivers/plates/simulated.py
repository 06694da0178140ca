"""Plates that a test enters, without a socket."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from drivers.errors import DeviceError
from drivers.plates import SEEN_MAX, PlateSeen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class SimulatedPlates:
    """Plates as if somebody beside the lane typed them."""

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Begin with none."""
        self._monotonic_ns = monotonic_ns
        self._found: deque[PlateSeen] = deque(maxlen=SEEN_MAX)
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def enter(self, text: str) -> None:
        """Type a plate."""
        self._found.append(PlateSeen(text, self._monotonic_ns()))
        os.eventfd_write(self.fileno(), 1)

    def fileno(self) -> int:
        """Return what wakes who waits; see `Plates.fileno`."""
        if self._wake is None:  # strict: what was given back has none
            raise DeviceError("the plates are closed", cure="open them again")
        return self._wake

    def seen(self) -> list[PlateSeen]:
        """Return what was typed; see `Plates.seen`."""
        if self._wake is None or not self._found:
            return []
        os.eventfd_read(self._wake)
        return [self._found.popleft() for _ in range(len(self._found))]

    def close(self) -> None:
        """Take no more plates; see `Plates.close`."""
        wake, self._wake = self._wake, None
        if wake is not None:
            os.close(wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
