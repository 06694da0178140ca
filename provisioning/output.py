"""Standard output that may be stalled (a full pipe, a frozen terminal), and the log of a drawn terminal."""

import contextlib
import io
import os
import select
import shutil
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from firmware.events import write_now

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LOOK_S = 0.1
LOG_MAX_BYTES = 5 * 1024 * 1024  # ours: days of a desk


class PatientOutput(io.RawIOBase):
    """A descriptor for writing: a write waits until somebody reads, but no longer than until `give_up`."""

    def __init__(self, fd: int) -> None:
        """Write to a descriptor of somebody else's."""
        self._fd = fd
        self._given_up = False

    def give_up(self) -> None:
        """Let the write that waits, and all later ones, write nothing; from any thread."""
        self._given_up = True

    def write(self, data: "ReadableBuffer") -> int:
        """Write all of it, or nothing any more; return its length in bytes."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and not self._given_up:
                if select.select([], [self._fd], [], _LOOK_S)[1]:
                    rest = rest[self._write_some(rest[: select.PIPE_BUF]) :]
        except OSError:  # nobody will ever read it; the appliance runs on without
            self._given_up = True
        return size

    def _write_some(self, data: memoryview) -> int:
        try:
            return write_now(self._fd, data)
        except BlockingIOError:  # a terminal is called writable that has no room for a whole character
            time.sleep(_LOOK_S)
            return 0

    def writable(self) -> bool:
        """Return true."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Return whether somebody may look on."""
        return os.isatty(self._fd)


class LogFile:
    """A file to which several programs append; what is over the size is moved to `NAME.1`, the one before is lost."""

    def __init__(self, path: Path) -> None:
        """Open it for appending. Raises: OSError."""
        self._path = path
        self.stream: IO[bytes] = path.open("ab")

    def turn(self) -> None:
        """Begin anew where it has grown too large; lines that come just then may be lost."""
        if os.fstat(self.stream.fileno()).st_size > LOG_MAX_BYTES:
            with contextlib.suppress(OSError):  # no room for the old one: bounded all the same
                shutil.copyfile(self._path, self._path.with_name(self._path.name + ".1"))
            self.stream.truncate(0)  # the programs hold this very file open, so that it cannot be renamed

    def close(self) -> None:
        """Close it."""
        self.stream.close()
