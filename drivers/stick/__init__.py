"""A stick that people carry files on: a FAT or exFAT block device that is mounted for a moment, or a folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from drivers.errors import DeviceError

if TYPE_CHECKING:
    from types import TracebackType


class StickError(DeviceError):
    """A stick, or a file on it, that cannot be read now."""


class StickMissingError(StickError):
    """There is no such stick, or no such file on it."""


class StickRefusedError(StickError):
    """What was named is no stick to touch: a disk of the system, another file system, in use."""


class StickPermissionError(StickError):
    """This user may not do it."""


class StickWriteError(StickError):
    """The stick is full, write-protected, failing or was pulled out; nothing half-written counts as a file on it."""


class StickFileTooLargeError(StickError):
    """A file is larger than its reader takes."""


class Stick(Protocol):
    """The files right on a stick, folders and links left aside. Every method raises StickError.

    A name is 1 to 120 letters, digits, dots, dashes and underlines, and begins with a letter or digit: others on
    the stick are not seen, and asking for one is a ValueError.
    """

    @property
    def where(self) -> str:
        """What it is, for people."""
        ...

    def names(self) -> list[str]:
        """Return the names of its files, in order."""
        ...

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return a file's content; StickFileTooLargeError for more than `max_bytes`."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, or in the place of one; when this returns it is on the stick, before that none of it."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        ...

    def fileno(self) -> int:
        """Return the descriptor of its folder, open as long as the stick is, for who looks into folders below it."""
        ...

    def close(self) -> None:
        """Let go of the stick, everything on it; a second call does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the stick itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


def open_stick(path: Path, *, write: bool) -> Stick:
    """Open a stick to read it, or to write to it as well.

    A block device (a partition, or a disk with just one) is mounted for as long as the stick is open: read-only
    unless `write`, and never so that anything on it could be run or followed. A folder is taken as it is.

    Raises: StickError.
    """
    try:
        mode = (path.stat() if _is_device(path) else path.lstat()).st_mode
    except PermissionError as error:
        raise StickPermissionError(f"{path}: {error.strerror}", cure="run the same command with sudo") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        raise StickMissingError(
            f"{path}: {why}", cure="plug the stick in, and name its device as lsblk does, or a folder"
        ) from None
    if stat.S_ISBLK(mode):
        from drivers.stick.mounted import MountedStick  # noqa: PLC0415 - a folder needs nothing of it

        return MountedStick(Path(os.path.realpath(path)), write=write)
    if not stat.S_ISDIR(mode):
        raise StickRefusedError(f"{path}: neither a block device nor a folder", cure="name the stick as lsblk does")
    from drivers.stick.folder import FolderStick  # noqa: PLC0415 - as above

    return FolderStick(path, write=write)


def _is_device(path: Path) -> bool:
    """Tell whether a path is in /dev, where links such as /dev/disk/by-id/... are the system's own."""
    return path.absolute().parts[:2] == ("/", "dev")
