"""Small files that another user's program may have written: read so that whatever lies there holds nobody up."""

import os
import stat
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a FIFO would be waited for


def inode_of(path: Path) -> int | None:
    """Return which file a path names now, None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def read_small(path: Path, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return the content of a regular file, and whose it is.

    Raises: OSError, also for a link, for anything but a file, and for one of over `max_bytes`.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError("not a regular file")
        data = os.read(descriptor, max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(data) > max_bytes:
        raise OSError("too large")
    return data, about


def read_small_json(path: Path, kind: type[T], max_bytes: int) -> tuple[T, os.stat_result]:
    """Return what a file says (JSON), and whose it is. Raises: OSError, as `read_small`, also where it says nothing."""
    data, about = read_small(path, max_bytes)
    try:
        return msgspec.json.decode(data, type=kind), about
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the latter two: not UTF-8, nested too deeply
        raise OSError("malformed") from None


def write_small(path: Path, data: bytes, mode: int) -> None:
    """Replace a file by one with these rights, whatever the umask; whoever reads it sees the one before or this one.

    Raises: OSError.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # of a program that died amid this
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
        os.fchmod(descriptor, mode)
        file.write(data)
    draft.replace(path)
