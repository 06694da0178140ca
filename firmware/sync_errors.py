"""Why a sync does not end with newer trust: one line, and the exit status that says which kind of reason it is."""

import errno
import os
from pathlib import Path
from typing import ClassVar

TEXT_MAX_CHARS = 1000  # ours: of a log's line; what strangers have published may be cited in it
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def one_line(text: str) -> str:
    """Return a text as one line that does nothing to a terminal, whoever wrote it."""
    line = " ".join(text.split())[:TEXT_MAX_CHARS]
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


class SyncError(Exception):
    """The store in use stays in use; the text says why, and what to do. Statuses are those of sysexits.h."""

    status: ClassVar[int] = 70

    def __init__(self, why: str) -> None:
        """Say why."""
        super().__init__(one_line(why))


class RefusedError(SyncError):
    """What was published is not to be taken: signed wrongly, older, expired, or not what its hash says."""

    status = 65


class NoSourceError(SyncError):
    """There is no such folder or stick, or no first root to begin with."""

    status = 66


class AwayError(SyncError):
    """The server, the network or the stick went away; the same sync goes on where it ended."""

    status = 69


class AbsentError(SyncError):
    """A file is not there, where all else is well: a stick lacks it for good, a server perhaps for a moment."""

    def __init__(self, why: str, *, local: bool) -> None:
        """Say what is absent, and whether from a stick or folder."""
        super().__init__(why)
        self.local = local

    @property
    def status(self) -> int:  # type: ignore[override]
        """Return that of a missing source, or of one that is away."""
        return NoSourceError.status if self.local else AwayError.status


class CannotWriteError(SyncError):
    """The disk is full, or the store is not this user's to write."""

    status = 73

    @classmethod
    def of(cls, error: OSError, folder: Path) -> "CannotWriteError":
        """Say what the system said."""
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else folder
        if error.errno in _FULL:
            return cls(f"{folder}: the disk is full: make room there; the sync goes on where it ended")
        return cls(f"{name}: {error.strerror or error}: run it as the user that owns {folder}")


class BusyError(SyncError):
    """Another sync runs."""

    status = 75
