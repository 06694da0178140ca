"""Contacts that somebody closes by a word, from this process or another: `echo press > contacts`."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING, Self

from drivers.contacts import QUEUE_MAX, Closing
from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from drivers.contacts import ContactName

VERBS: dict[bytes, ContactName] = {b"press": "override", b"pass": "passage"}
READ_MAX_BYTES = 64 * 1024  # what a pipe holds (pipe(7))
MODE = 0o600  # who may write here may press the button


class SimulatedContacts:
    """A button and a passage sensor whose closings come through a named pipe; other words are nothing.

    A closing that waits has the moment at which it is read: whoever writes has no clock of ours.
    """

    def __init__(self, pipe: Path, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Open the pipe, and forget what was written before.

        Raises:
            DeviceMissingError: it can neither be made nor opened, or something else is in its place.
        """
        self._monotonic_ns = monotonic_ns
        self._rest = b""
        self._fd: int | None = _opened(pipe)
        self._read()

    def fileno(self) -> int:
        """Return the pipe's descriptor; see `Contacts.fileno`."""
        if self._fd is None:  # strict: what was given back has none
            raise DeviceError("the contacts are closed", cure="open them again")
        return self._fd

    def closings(self) -> list[Closing]:
        """Return what has closed; see `Contacts.closings`."""
        *lines, self._rest = (self._rest + self._read()).split(b"\n")
        self._rest = self._rest[:QUEUE_MAX]  # no verb is longer
        at_ns = self._monotonic_ns()
        return [Closing(VERBS[line], at_ns) for line in lines if line in VERBS][:QUEUE_MAX]

    def press(self) -> None:
        """Press the staff's button, and let go."""
        self._write(b"press\n")

    def pass_through(self) -> None:
        """Walk through the passage sensor."""
        self._write(b"pass\n")

    def close(self) -> None:
        """Close the pipe; it stays where it is."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> bytes:
        if self._fd is None:
            return b""
        try:
            return os.read(self._fd, READ_MAX_BYTES)
        except BlockingIOError:  # nothing was written
            return b""

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe: nobody has asked for so many
            os.write(self.fileno(), line)


def _opened(pipe: Path) -> int:
    """Open a pipe for reading and writing (fifo(7)), so that it never ends when those who wrote go away."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe, MODE)
        fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise DeviceMissingError(
            f"the simulated contacts' pipe cannot be opened: {pipe}: {error.strerror}",
            cure="name one in a folder that exists and is writable",
        ) from error
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise DeviceMissingError(f"{pipe} is no named pipe", cure="move it away: the simulated contacts make their own")
    return fd
