"""A folder as a stick: what a mounted one is, and the simulator's."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from typing import TYPE_CHECKING, Self

from drivers.stick import (
    StickError,
    StickFileTooLargeError,
    StickMissingError,
    StickPermissionError,
    StickRefusedError,
    StickWriteError,
)

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

MAX_NAMES = 10_000  # ours: a stick of ours holds some; guards against a folder of millions
MODE = 0o600  # check-ins are personal data; FAT keeps no modes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_DRAFT = ".new"  # behind a dot and the name: never seen as a file of the stick
_NOT_HERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_PULLED = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOMEDIUM)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderStick:
    """The files in a folder, reached through one descriptor of it: whatever is put in its place is not followed."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        """Open the folder. Raises: StickError."""
        self.where = str(folder)
        self._write = write
        self._folder: int | None = None
        try:
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise _reading(error, self.where) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See `Stick.close`."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def names(self) -> list[str]:
        """See `Stick.names`."""
        found = []
        try:
            with os.scandir(self._opened()) as entries:
                for number, entry in enumerate(entries):
                    if number >= MAX_NAMES:
                        raise StickRefusedError(f"{self.where}: over {MAX_NAMES} files", cure="take another stick")
                    if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        found.append(entry.name)
        except OSError as error:
            raise _reading(error, self.where) from None
        return sorted(found)

    def read(self, name: str, max_bytes: int) -> bytes:
        """See `Stick.read`."""
        shown = self._shown(name)
        return _read(name, max_bytes, shown, self._opened())

    def write(self, name: str, data: bytes) -> None:
        """See `Stick.write`."""
        shown = self._shown(name)
        if not self._write:
            raise StickWriteError(f"{shown}: the stick was opened to be read only")
        draft = f".{name}{_DRAFT}"
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX)  # two commands may write one name, by one draft
            try:
                self._put(draft, data)
                os.rename(draft, name, src_dir_fd=self._opened(), dst_dir_fd=self._opened())
                os.fsync(self._opened())
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(draft, dir_fd=self._opened())
                raise
            finally:
                fcntl.flock(self._opened(), fcntl.LOCK_UN)
        except OSError as error:
            raise self._writing(error, shown) from None

    def remove(self, name: str) -> None:
        """See `Stick.remove`."""
        shown = self._shown(name)
        if not self._write:
            raise StickWriteError(f"{shown}: the stick was opened to be read only")
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._opened())
                os.fsync(self._opened())
        except OSError as error:
            raise self._writing(error, shown) from None

    def fileno(self) -> int:
        """See `Stick.fileno`."""
        return self._opened()

    def _put(self, draft: str, data: bytes) -> None:
        """Write a file of another name, to the disk."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=self._opened())  # of a stick that was pulled out
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, MODE, dir_fd=self._opened()), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _opened(self) -> int:
        if self._folder is None:
            raise StickError(f"{self.where}: closed")
        return self._folder

    def _shown(self, name: str) -> str:
        """Return how a file is named to people, after checking its name. Raises: ValueError."""
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of a file on a stick")
        return f"{self.where}/{name}"

    def _writing(self, error: OSError, shown: str) -> StickError:
        match error.errno:
            case code if code in _FULL:
                return StickWriteError(f"{shown}: the stick is full", cure="free some space on it, or take another")
            case errno.EROFS:
                return StickWriteError(f"{shown}: the stick is write-protected", cure="take another, or check it")
            case errno.EACCES | errno.EPERM:
                return StickPermissionError(f"{shown}: {error.strerror}", cure="run the same command with sudo")
            case code if code in _PULLED:
                return StickWriteError(
                    f"{shown}: the stick was pulled out or is failing", cure="plug it in and try again"
                )
            case _:
                return StickWriteError(f"{shown}: {error.strerror}", cure="try another stick")


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of one file that somebody named; links, pipes and devices are none. Raises: StickError."""
    return _read(str(path), max_bytes, str(path), None)


def _read(name: str, max_bytes: int, shown: str, folder: int | None) -> bytes:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe of that name would block
    try:
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StickRefusedError(f"{shown}: not a file", cure="take it off the stick")
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _reading(error, shown) from None
    if len(data) > max_bytes:
        raise StickFileTooLargeError(f"{shown}: over {max_bytes} bytes", cure="is it the right file?")
    return data


def _reading(error: OSError, shown: str) -> StickError:
    match error.errno:
        case errno.ELOOP:
            return StickRefusedError(
                f"{shown}: a link", cure="links on a stick are not followed: name what it leads to"
            )
        case code if code in _NOT_HERE:
            return StickMissingError(f"{shown}: {error.strerror}", cure="is it the right stick?")
        case errno.EACCES | errno.EPERM:
            return StickPermissionError(f"{shown}: {error.strerror}", cure="run the same command with sudo")
        case code if code in _PULLED:
            return StickError(f"{shown}: the stick was pulled out or is failing", cure="plug it in and try again")
        case _:
            return StickError(f"{shown}: {error.strerror}", cure="try another stick")
