"""Files that are on the disk when they are said to be, and readable by every program, whatever the umask."""

import contextlib
import errno
import hashlib
import mmap
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o755, 0o644  # trust is public; who may write is its owner's matter
COPY_BYTES = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINK = (errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK)  # EPERM: of another user, or exFAT

Write = Callable[[bytes], object]


@contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[Write]:
    """Give what writes a new file; when the block ends well it is on the disk (if `durable`), else there is none."""
    descriptor = os.open(path, _NEW, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
        yield lambda data: _write_all(descriptor, data)
        if durable:
            os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_file(path: Path, data: bytes) -> None:
    """Write a small new file, to the disk."""
    with new_file(path) as write:
        write(data)


def replace_file(path: Path, data: bytes) -> None:
    """Put a small file in the place of another, or of none: at any moment there is the one or the other, whole."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    write_file(draft, data)
    draft.replace(path)
    sync_folder(path.parent)


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return a regular file's content. Raises: OSError, also for anything else and for more than so many bytes."""
    descriptor = os.open(path, _READ)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EINVAL, f"over {max_bytes} bytes", str(path))
    return data


def mapped(path: Path) -> mmap.mmap | bytes:
    """Return a file's bytes without reading them all into memory."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(path: Path, length: int, sha256: str) -> bool:
    """Tell whether a regular file is there that has just this content."""
    try:
        about = path.lstat()
        return stat.S_ISREG(about.st_mode) and about.st_size == length and sha256_of(path) == sha256
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where there is none."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(FOLDER_MODE, exist_ok=True)
        path.chmod(FOLDER_MODE)


def take(known: Path, to: Path) -> None:
    """Have a file that is on the disk under another name too: linked, or copied where links are not to be had."""
    make_folder(to.parent)
    try:
        os.link(known, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        with known.open("rb") as file, new_file(to) as write:
            while data := file.read(COPY_BYTES):
                write(data)


def regular_files(folder: Path) -> Iterator[Path]:
    """Yield the regular files right in a folder, in order, drafts left aside; none where there is no such folder."""
    if folder.is_dir():
        files = (path for path in folder.iterdir() if stat.S_ISREG(path.lstat().st_mode))
        yield from sorted(path for path in files if not path.name.startswith("."))


def sync_tree(folder: Path) -> None:
    """Bring all that is in a folder to the disk, readable by all; what is there already costs next to nothing."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            sync_tree(path)
        elif stat.S_ISREG(mode):
            _sync_file(path, mode)
    sync_folder(folder)


def _sync_file(path: Path, mode: int) -> None:
    if stat.S_IMODE(mode) != FILE_MODE:  # python-tuf makes its files for their owner alone
        path.chmod(FILE_MODE)
    descriptor = os.open(path, _READ)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring a folder's own entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Take a folder away, or what can be of it: the next sync tries again."""
    shutil.rmtree(path, ignore_errors=True)


def remove(path: Path) -> None:
    """Take away whatever is there. Raises: OSError."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def free_bytes(folder: Path) -> int:
    """Return how much room there is for this user."""
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize
