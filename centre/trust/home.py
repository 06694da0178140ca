"""Where a centre's trust lies: HOME/trust, its folders, and the lock of those who change them.

keys/               private keys, `<role>-<n>.pem`; some may be carried away (`--keys DIR`)
draft/              what the next publication makes
staged.json         a publication that waits for signatures
revocations.db      what is revoked
sets/               compiled sets of revocations
settings.json       for how long each role's metadata is signed
repo/               what is published
provinces/<code>/   a province's own: role.json, staged.json, repo/
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from centre.files import belong, make_folder
from centre.output import EX_CANNOT_WRITE, EX_CONFIG, EX_NO_INPUT, EX_TRY_AGAIN, EX_USAGE
from verifier.areas import is_province


class TrustError(Exception):
    """Something about the trust repository that cannot be done: what and the cure, on one line, with an exit code."""

    def __init__(self, why: str, code: int = EX_CONFIG) -> None:
        """Say why, and with which code the command ends."""
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class TrustHome:
    """The trust part of a centre's home."""

    home: Path

    @property
    def folder(self) -> Path:
        """Return where all of it lies."""
        return self.home / "trust"

    @property
    def keys(self) -> Path:
        """Return where private keys lie that were not carried away."""
        return self.folder / "keys"

    @property
    def draft(self) -> Path:
        """Return where the next publication's files lie."""
        return self.folder / "draft"

    @property
    def settings(self) -> Path:
        """Return the file that says for how long each role's metadata is signed."""
        return self.folder / "settings.json"

    @property
    def sets(self) -> Path:
        """Return where compiled sets lie."""
        return self.folder / "sets"

    @property
    def staged(self) -> Path:
        """Return the file of a publication that waits for signatures."""
        return self.folder / "staged.json"

    @property
    def repo(self) -> Path:
        """Return what is published."""
        return self.folder / "repo"

    def province(self, code: str) -> Path:
        """Return the folder of a province whose own machine this is."""
        return self.folder / "provinces" / code

    def there(self) -> None:
        """Refuse a home without a nation's repository.

        Raises: TrustError.
        """
        if not (self.repo / "root.json").exists():
            raise TrustError(f"{self.home} has no trust repository: run greengate-centre trust init --home {self.home}")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other command that changes this home out; the lock ends with the process, whatever ends it.

        Raises: TrustError where another one is at work.
        """
        with writing(self.folder):
            make_folder(self.folder, 0o755)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with writing(self.folder):
                belong(lock, self.folder)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrustError(f"{self.home}: another command works on its trust: try again", EX_TRY_AGAIN) from None
            yield
        finally:
            os.close(lock)


def checked_code(code: str) -> str:
    """Return a province's code in small letters.

    Raises: TrustError.
    """
    small = code.lower()
    if not is_province(small):
        raise TrustError(f"{code[:64]!a} is no province's code: give it as ISO 3166-2 does, such as vn-sg", EX_USAGE)
    return small


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Tell what a disk refuses.

    Raises: TrustError.
    """
    try:
        yield
    except OSError as error:
        raise TrustError(
            f"{error.filename or where}: {error.strerror}: check the folder, its disk and rights", EX_CANNOT_WRITE
        ) from error


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file: a stick may hold links, pipes and folders in the place of one.

    Raises: TrustError.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}: name a file that can be read", EX_NO_INPUT) from None
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise TrustError(f"{path} is no file: name one", EX_NO_INPUT)
    return os.fdopen(opened, "rb")


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return a plain file's content.

    Raises: TrustError where it cannot be read, is no plain file, or is too large.
    """
    with open_plain(path) as file:
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:  # a stick that is pulled out
            raise TrustError(f"{path}: {error.strerror}: name a file that can be read", EX_NO_INPUT) from None
    if len(data) > max_bytes:
        raise TrustError(f"{path} is larger than {max_bytes} bytes: this cannot be what was meant", EX_NO_INPUT)
    return data
