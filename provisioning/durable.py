"""Files that are whole after a power cut: written beside, synced, renamed, and the folder synced."""

import contextlib
import grp
import os
import stat
from pathlib import Path

DRAFT = ".new"  # what follows the name of a file that is being written
GROUP = "greengate"  # the programs' common group
READ_BYTES = 64 * 1024


class TooLargeError(OSError):
    """A file that is larger than anything that it may be."""


def sync_folder(folder: Path) -> None:
    """Have a folder's names outlast a power cut. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int = 0o600, group: str | None = None) -> None:
    """Write a file whole or not at all; it never has more rights than `mode`, not even while it is made.

    Raises: OSError; the file that was there before is there still.
    """
    draft = path.with_name(path.name + DRAFT)
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()  # what a power cut left
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            give_to_group(descriptor, group)
            with contextlib.suppress(PermissionError):  # FAT knows no rights
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def write_changed(path: Path, data: bytes, *, mode: int = 0o600, group: str | None = None) -> None:
    """Write a file as `write_durably` does, but only where it does not hold that already. Raises: OSError."""
    with contextlib.suppress(FileNotFoundError, TooLargeError):
        if read_bounded(path, len(data)) == data:
            return
    write_durably(path, data, mode=mode, group=group)


def give_to_group(target: int | Path, group: str | None) -> None:
    """Give a file or an open descriptor to a group, where there is such a group here and this is root."""
    if group is None or os.geteuid() != 0:
        return
    with contextlib.suppress(KeyError):
        os.chown(target, -1, grp.getgrnam(group).gr_gid)


def make_folder(path: Path, mode: int, group: str | None = None) -> None:
    """Make a folder with these rights, or give them to the one that is there. Raises: OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    give_to_group(path, group)
    path.chmod(mode)
    sync_folder(path.parent)


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return a regular file's content.

    Raises: OSError: it cannot be read; TooLargeError: it is larger than `max_bytes`, or no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise TooLargeError(f"{path}: no regular file")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLargeError(f"{path}: over {max_bytes} bytes")
    return data


def erase(path: Path) -> None:
    """Overwrite a file where it lies and delete it; a second call does nothing. One with another name is only unlinked.

    A flash card may keep the old content in cells that nothing reads any more. Raises: OSError.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        about = os.fstat(descriptor)
        if about.st_nlink == 1:
            overwrite(descriptor, about.st_size)
    finally:
        os.close(descriptor)
    path.unlink()
    sync_folder(path.parent)


def overwrite(descriptor: int, size: int, begin: int = 0) -> None:
    """Write zeros over a part of a file, and bring them to the disk. Raises: OSError."""
    for offset in range(0, size, READ_BYTES):
        os.pwrite(descriptor, bytes(min(READ_BYTES, size - offset)), begin + offset)
    os.fsync(descriptor)
