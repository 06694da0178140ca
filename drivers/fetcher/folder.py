"""A folder to fetch from, a stick's or any: every step is taken from the folder before it, and no link is followed."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from drivers.fetcher import (
    CHUNK_BYTES,
    FetchError,
    FetchMissingError,
    FetchNoFileError,
    FetchTooLargeError,
    check_path,
)
from drivers.stick import StickError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from drivers.stick import Stick

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a pipe would be waited for


class FolderFetcher:
    """A `Fetcher` from an open stick, which it closes."""

    local = True

    def __init__(self, stick: Stick) -> None:
        """Take over a stick."""
        self._stick = stick
        self.where = stick.where

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stick.__exit__(kind, error, trace)

    def close(self) -> None:
        """See `Fetcher.close`."""
        self._stick.close()

    def fetch(self, path: str, max_bytes: int) -> Iterator[bytes]:
        """See `Fetcher.fetch`."""
        shown = f"{self.where}/{check_path(path)}"
        try:
            with self._opened(path) as file:
                yield from _pieces(file, shown, max_bytes)
        except OSError as error:
            raise _failed(error, shown) from None
        except StickError as error:  # it is closed
            raise FetchError(str(error)) from None

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """Open a file, one folder after another. Raises: OSError, StickError."""
        *folders, name = path.split("/")
        at = os.dup(self._stick.fileno())
        try:
            for folder in folders:
                at, before = os.open(folder, _STEP, dir_fd=at), at
                os.close(before)
            at, before = os.open(name, _FILE, dir_fd=at), at
            os.close(before)
            yield at
        finally:
            os.close(at)


def _pieces(file: int, shown: str, max_bytes: int) -> Iterator[bytes]:
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        raise FetchNoFileError(f"{shown}: not a file", cure="copy what was published anew")
    if about.st_size > max_bytes:
        raise _too_large(shown, max_bytes)
    taken = 0
    while piece := os.read(file, CHUNK_BYTES):
        taken += len(piece)
        if taken > max_bytes:  # it grew meanwhile
            raise _too_large(shown, max_bytes)
        yield piece


def _too_large(shown: str, max_bytes: int) -> FetchTooLargeError:
    return FetchTooLargeError(f"{shown}: over {max_bytes} bytes", cure="copy what was published anew")


def _failed(error: OSError, shown: str) -> FetchError:
    match error.errno:
        case errno.ENOENT:
            return FetchMissingError(f"{shown}: no such file", cure="copy what was published anew, whole")
        case errno.ELOOP | errno.ENOTDIR:  # open(2): a link to a folder, opened as one, is no folder
            return FetchNoFileError(
                f"{shown}: a link or no folder on the way", cure="links are not followed: copy the files"
            )
        case errno.EACCES | errno.EPERM:
            return FetchError(f"{shown}: {error.strerror}", cure="run the same command with sudo")
        case errno.EIO | errno.ENODEV | errno.ENXIO | errno.ESTALE | errno.ENOMEDIUM:
            return FetchError(f"{shown}: the stick was pulled out or is failing", cure="plug it in and try again")
        case _:
            return FetchError(f"{shown}: {error.strerror}", cure="try another stick")
