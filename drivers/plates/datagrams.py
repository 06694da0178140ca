"""Plates by a Unix socket, one datagram a plate: who may write to it is a matter of its folder's group.

A flood costs little: at most `SEEN_MAX` datagrams a call, then the socket is left alone for a moment, and its queue in
the kernel, which is bounded, makes who sends wait.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Self

from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates import SEEN_MAX
from drivers.plates.message import MESSAGE_MAX_BYTES, PlateMessageError, decode_plate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from drivers.plates import PlateSeen

QUIET_NS = 250_000_000  # ours: a turn of the gate; 256 plates a second are more than any camera reads
MEND_NS = 1_000_000_000  # ours: how often somebody looks whether the socket's file is still there
FOLDER_MODE = 0o750
SOCKET_MODE = 0o660  # staff and cameras are users of their own, in the folder's group


class DatagramPlates:
    """A bound socket behind a descriptor of its own, which stays while the socket is mended or left alone."""

    def __init__(
        self, path: Path, malformed: Callable[[], None], monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Listen, in place of a socket that a dead program left behind.

        Raises:
            DeviceMissingError: nothing can be bound there.
        """
        self._path, self._malformed, self._monotonic_ns = path, malformed, monotonic_ns
        self._quiet_until_ns: int | None = None
        self._mend_ns = monotonic_ns() + MEND_NS
        try:
            self._socket, self._inode = _bound(path)
            self._poll = select.epoll()
        except OSError as error:
            raise DeviceMissingError(
                f"nobody can enter plates: {path}: {error.strerror or error}",
                cure="name a run folder that exists and is writable",
            ) from error
        self._poll.register(self._socket, select.EPOLLIN)

    def fileno(self) -> int:
        """Return what wakes who waits; see `Plates.fileno`."""
        if self._poll.closed:  # strict: what was given back has none
            raise DeviceError("the plates are closed", cure="open them again")
        return self._poll.fileno()

    def seen(self) -> list[PlateSeen]:
        """Return what was entered; see `Plates.seen`."""
        if self._poll.closed:
            return []
        now_ns = self._monotonic_ns()
        if now_ns >= self._mend_ns:
            self._mend_ns = now_ns + MEND_NS
            self._mend()
        if self._quiet_until_ns is not None:
            if now_ns < self._quiet_until_ns:
                return []
            self._quiet_until_ns = None
            self._poll.modify(self._socket, select.EPOLLIN)
        return self._taken(now_ns)

    def close(self) -> None:
        """Take no more plates; see `Plates.close`."""
        self._poll.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self, now_ns: int) -> list[PlateSeen]:
        found: list[PlateSeen] = []
        for _ in range(SEEN_MAX):
            try:
                found.append(decode_plate(self._socket.recv(MESSAGE_MAX_BYTES + 1), now_ns))
            except PlateMessageError:
                self._malformed()
            except OSError:  # nothing is left
                return found
        self._quiet_until_ns = now_ns + QUIET_NS
        self._poll.modify(self._socket, 0)
        return found

    def _mend(self) -> None:
        """Listen anew where the socket's file was deleted or replaced: nobody would find us any more."""
        if _inode_of(self._path) == self._inode:
            return
        with contextlib.suppress(OSError):  # not yet: again in a second
            after, self._inode = _bound(self._path)
            self._poll.register(after, select.EPOLLIN)
            self._poll.unregister(self._socket)
            self._socket.close()
            self._socket, self._quiet_until_ns = after, None


def _bound(path: Path) -> tuple[socket.socket, int | None]:
    """Return a socket that takes datagrams, and its file's inode. Raises: OSError."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        bound.settimeout(0)
        bound.bind(os.fspath(path))
        path.chmod(SOCKET_MODE)
    except OSError:
        bound.close()
        raise
    return bound, _inode_of(path)


def _inode_of(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except OSError:
        return None
