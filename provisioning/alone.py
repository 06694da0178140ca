"""One technician at a time: a command that changes something holds a lock while it does."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.talk import Talk

_CURED_ELSEWHERE = {  # what deleting the lock's file does not mend
    errno.ENOSPC: (Exit.CANNOT_WRITE, "lock-full"),
    errno.EDQUOT: (Exit.CANNOT_WRITE, "lock-full"),
    errno.EROFS: (Exit.CANNOT_WRITE, "lock-read-only"),
}


class BusyError(Exception):
    """Another command is at work: which process, as far as is known."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"process {pid}")
        self.pid = pid


@contextlib.contextmanager
def alone(layout: Layout, talk: Talk) -> Iterator[None]:
    """Hold the technicians' lock.

    Raises: typer.Exit(75) where another command holds it, (73) where its disk is full or read-only, (77) where it is
    not ours.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(layout))
        except BusyError as error:
            talk.fail(Exit.TRY_AGAIN, "busy", pid=error.pid)
        except OSError as error:
            exit_, code = _CURED_ELSEWHERE.get(error.errno or 0, (Exit.NO_PERMISSION, "lock-unusable"))
            if exit_ is Exit.NO_PERMISSION:
                talk.need_root()
            talk.fail(exit_, code, file=str(layout.lock), why=error.strerror)
        yield


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold the technicians' lock, for a command that says by itself why it cannot. Raises: BusyError, OSError."""
    layout.lock.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO there would be waited for
    lock = os.open(layout.lock, flags, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(os.read(lock, 20).decode("ascii", "replace").strip() or "?") from None
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)
