"""Files that survive a power cut: whole or not at all, and never for others to read unless they are meant to."""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
PUBLIC = 0o644


def write_whole(path: Path, data: bytes, mode: int = PRIVATE, *, replace: bool = True) -> None:
    """Write a file so that it is there whole or not at all, synced; `mode` is its mode from its first byte on.

    Raises: OSError; FileExistsError where it is there and is not to be replaced.
    """
    with staged(path, data, mode) as put:
        put(replace=replace)


@contextlib.contextmanager
def staged(path: Path, data: bytes, mode: int = PRIVATE) -> Iterator[Callable[..., None]]:
    """Write a file under another name, synced; what it gives puts it in its place. Not put there, it is removed.

    Raises: OSError.
    """
    with staging(path, mode) as (file, put):
        file.write(data)
        _sync(file)
        yield put


@contextlib.contextmanager
def staging(path: Path, mode: int = PRIVATE) -> Iterator[tuple[BinaryIO, Callable[..., None]]]:
    """Give a file under another name to write to, and what syncs it and puts it in its place; else it is removed.

    Raises: OSError.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        made = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(made, "wb") as file:
            belong(file.fileno(), path.parent)
            os.fchmod(file.fileno(), mode)  # whatever the umask is

            def put(*, replace: bool) -> None:
                _sync(file)
                _put(part, path, replace=replace)

            yield file, put
    finally:
        part.unlink(missing_ok=True)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder and those above it, synced; one that is there is left as it is.

    Raises: OSError.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent, 0o755)
    with contextlib.suppress(FileExistsError):  # somebody else made it just now
        path.mkdir(mode)
        belong(path, path.parent)
        path.chmod(mode)
    sync_folder(path.parent)


def belong(made: int | Path, folder: Path) -> None:
    """Give what root makes to whom its folder belongs: a centre's services are not root, and have to read it.

    Raises: OSError.
    """
    if os.geteuid() == 0:
        about = folder.stat()
        with contextlib.suppress(PermissionError):  # a network's or a stick's file system
            os.chown(made, about.st_uid, about.st_gid)


def sync_folder(path: Path) -> None:
    """Bring a folder's entries to the disk.

    Raises: OSError.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put(part: Path, path: Path, *, replace: bool) -> None:
    if replace:
        part.replace(path)
    else:
        _put_new(part, path)
    sync_folder(path.parent)


def _put_new(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # no links there, as on FAT: a moment in which somebody else's file could be replaced is left
        if path.exists():
            raise FileExistsError(errno.EEXIST, "File exists", str(path)) from None
        part.replace(path)
