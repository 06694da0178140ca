"""Power that goes at any moment: each change of the file system is counted, and at one of them the process is gone.

What was not brought to the disk by then is lost: files that were not synced become empty, as they do where a file
system has noted their names, and not yet their contents.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

GONE, ENDED = 9, 3  # exit status of a process without power, and of one that ended before its change
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"}


class Changes:
    """Counts the changes below a folder in this process, which it is to end or to hinder: it cannot be taken out."""

    def __init__(self, folder: Path, at: int, then: Callable[[], None]) -> None:
        """At change number `at`, from 1 on and before it is made, do something."""
        self.count = 0
        self.synced: set[int] = set()
        self._folder = str(folder)
        self._at, self._then = at, then
        self._busy = False
        self.known = {path.lstat().st_ino for path in folder.rglob("*")} if folder.exists() else set()
        self._write, self._fsync = os.write, os.fsync
        os.write, os.fsync = self._writing, self._syncing  # type: ignore[assignment]
        sys.addaudithook(self._heard)

    def lose_what_is_not_synced(self) -> None:
        for path in Path(self._folder).rglob("*"):
            about = path.lstat()
            if stat.S_ISREG(about.st_mode) and about.st_ino not in self.synced | self.known:
                os.truncate(path, 0)

    def unsynced(self, folder: Path) -> Iterator[Path]:
        """Yield what in a folder would be lost now."""
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink() and path.stat().st_ino not in self.synced | self.known:
                yield path

    def _writing(self, descriptor: int, data: bytes | memoryview) -> int:
        self._counted()
        return self._write(descriptor, data)

    def _syncing(self, descriptor: int) -> None:
        self._counted()
        self._fsync(descriptor)
        self.synced.add(os.fstat(descriptor).st_ino)

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        changes = event in _CHANGES or (event == "open" and isinstance(args[2], int) and args[2] & _WRITES)
        if changes and any(self._folder in str(arg) for arg in args[:2]):
            self._counted()

    def _counted(self) -> None:
        if self._busy:
            return
        self.count += 1
        if self.count == self._at:
            self._busy = True
            self._then()
            self._busy = False


def in_child(work: Callable[[], object]) -> int:
    """Do something in a child process; return its exit status, 0 where it came to its end."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        work()
    except BaseException:  # noqa: BLE001 - the child must not go on with the tests
        os._exit(1)
    os._exit(0)


def cut_at(folder: Path, number: int, work: Callable[[], object]) -> int:
    """Work in a child whose power goes at a change; return `GONE`, or 0 where it ended before."""

    def child() -> None:
        def gone() -> None:
            changes.lose_what_is_not_synced()
            os._exit(GONE)

        changes = Changes(folder, number, gone)
        work()

    return in_child(child)


def full_at(folder: Path, number: int, code: int, work: Callable[[], object]) -> int:
    """Work in a child for which a change fails, once; return `ENDED` where it ended before that."""

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    def child() -> None:
        changes = Changes(folder, number, fail)
        work()
        if changes.count < number:
            os._exit(ENDED)

    return in_child(child)
