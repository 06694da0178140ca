"""One technician at a time: a command that changes something holds a lock while it does."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.talk import Talk


@contextlib.contextmanager
def alone(layout: Layout, talk: Talk) -> Iterator[None]:
    """Hold the technicians' lock. Raises: typer.Exit(75) where another command holds it, (77) where it is not ours."""
    try:
        layout.lock.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        talk.fail(Exit.NO_PERMISSION, "root-needed")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            talk.fail(Exit.TRY_AGAIN, "busy", pid=os.read(lock, 20).decode("ascii", "replace").strip() or "?")
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)
