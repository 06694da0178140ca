"""Whose rights a sync has: root lays its own down in another user's folder, where links may lie in wait for it.

A stick, or a folder of root's, is still read as who called.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.fetcher import Fetcher


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Have the rights of a folder's owner, where root writes to another user's. Raises: OSError."""
    about = folder.stat()
    if os.geteuid() != 0 or about.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    try:
        os.setgroups([])
        os.setegid(about.st_gid)
        os.seteuid(about.st_uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@contextmanager
def _as_caller() -> Iterator[None]:
    before, caller = os.geteuid(), os.getuid()
    if before == caller:  # a service without capabilities may not even ask for the rights that it has
        yield
        return
    os.seteuid(caller)
    try:
        yield
    finally:
        os.seteuid(before)


class FetchedAsCaller:
    """A `Fetcher` of another's files, each piece read with the rights that the command was called with."""

    def __init__(self, fetcher: Fetcher) -> None:
        """Take over a fetcher."""
        self._fetcher = fetcher
        self.where, self.local = fetcher.where, fetcher.local

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fetcher.__exit__(kind, error, trace)

    def close(self) -> None:
        """See `Fetcher.close`."""
        self._fetcher.close()

    def fetch(self, path: str, max_bytes: int) -> Iterator[bytes]:
        """See `Fetcher.fetch`."""
        pieces = self._fetcher.fetch(path, max_bytes)
        while True:
            with _as_caller():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece
