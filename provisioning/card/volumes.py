"""A boot partition to write to: a mounted folder, or the FAT inside a disk or an image, by mtools without mounting."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from provisioning.card.errors import CardError
from provisioning.card.fat import BOOT_SECTOR_BYTES, places
from provisioning.card.tools import ToolError, run
from provisioning.durable import erase, overwrite, write_durably
from provisioning.exits import Exit

READ_MAX_BYTES = 1024 * 1024  # ours: what is read from a card are short texts


class Volume(Protocol):
    """A boot partition. Names are relative, with `/`; every method raises CardError where the card fails."""

    def names(self, folder: str = "") -> set[str]:
        """Return the names in a folder, by default the top one, in lower case: FAT does not tell them apart."""
        ...

    def tree(self, folder: str) -> set[str]:
        """Return the names of all files below a folder, from the volume's top."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a short file's content, None where there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, making its folder."""
        ...

    def remove(self, name: str) -> None:
        """Overwrite a file where it lies and delete it, if it is there."""
        ...

    def free_bytes(self) -> int:
        """Return the room that is left."""
        ...

    def flush(self) -> None:
        """Make everything that was written durable."""
        ...


class FolderVolume:
    """A boot partition that is mounted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, folder: str = "") -> set[str]:
        """Return the names in a folder."""
        with _told(self._folder):
            try:
                return {path.name.lower() for path in (self._folder / folder).iterdir()}
            except FileNotFoundError:
                return set()

    def tree(self, folder: str) -> set[str]:
        """Return the names of the files below a folder."""
        with _told(self._folder):
            found = (self._folder / folder).rglob("*")
            return {path.relative_to(self._folder).as_posix() for path in found if not path.is_dir()}

    def read(self, name: str) -> bytes | None:
        """Return a file's content."""
        with _told(self._folder):
            try:
                with (self._folder / name).open("rb") as file:
                    return file.read(READ_MAX_BYTES)
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Write it durably: a card pulled midway holds the old file or the new one."""
        path = self._folder / name
        with _told(self._folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, data)

    def remove(self, name: str) -> None:
        """Overwrite and delete a file."""
        with _told(self._folder):
            erase(self._folder / name)

    def free_bytes(self) -> int:
        """Return the room that is left."""
        with _told(self._folder):
            system = os.statvfs(self._folder)
            return system.f_bavail * system.f_frsize

    def flush(self) -> None:
        """Sync the folder's names, and all that hangs on them."""
        with _told(self._folder):
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
                os.sync()  # FAT's own table belongs to no file
            finally:
                os.close(descriptor)


class FatVolume:
    """The FAT file system at an offset (bytes) in a disk or an image."""

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._drive = f"{path}@@{offset}"

    def names(self, folder: str = "") -> set[str]:
        """Return the names in a folder."""
        try:
            listed = run("mdir", "-i", self._drive, "-b", f"::/{folder}").decode("utf-8", "replace")
        except ToolError as error:
            if _absent(error):
                return set()
            raise _translated(self._path, str(error)) from None
        return {PurePosixPath(line.rstrip("/")).name.lower() for line in listed.splitlines() if line}

    def tree(self, folder: str) -> set[str]:
        """Return the names of the files below a folder."""
        try:
            listed = run("mdir", "-i", self._drive, "-b", "-/", f"::/{folder}").decode("utf-8", "replace")
        except ToolError as error:
            if _absent(error):
                return set()
            raise _translated(self._path, str(error)) from None
        return {line.removeprefix("::/") for line in listed.splitlines() if line and not line.endswith("/")}

    def read(self, name: str) -> bytes | None:
        """Return a file's content."""
        try:
            return run("mtype", "-i", self._drive, f"::/{name}")[:READ_MAX_BYTES]
        except ToolError as error:
            if _absent(error):
                return None
            raise _translated(self._path, str(error)) from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file over the one before."""
        for folder in reversed(PurePosixPath(name).parents[:-1]):
            if folder.name.lower() not in self.names(str(folder.parent)):
                self._mtools("mmd", f"::/{folder}")
        self._mtools("mcopy", "-o", "-", f"::/{name}", data=data)

    def remove(self, name: str) -> None:
        """Overwrite and delete a file; mtools itself writes a new content to other clusters and leaves the old."""
        if self.read(name) is not None:
            self._overwrite(name)
            self._mtools("mdel", f"::/{name}")

    def _overwrite(self, name: str) -> None:
        said = self._mtools("mshowfat", f"::/{name}")
        with _told(self._path), self._path.open("r+b", buffering=0) as disk:
            try:
                end = disk.seek(0, os.SEEK_END) - self._offset
                found = places(os.pread(disk.fileno(), BOOT_SECTOR_BYTES, self._offset), said, end)
            except ValueError:
                raise CardError(Exit.UNAVAILABLE, "tool-strange", tool="mshowfat") from None
            for place in found:
                overwrite(disk.fileno(), place.size, self._offset + place.offset)

    def free_bytes(self) -> int:
        """Return the room that is left."""
        said = self._mtools("mdir", "::/").decode("utf-8", "replace")
        match = re.search(r"([\d ]+) bytes free", said)
        if match is None:
            raise CardError(Exit.UNAVAILABLE, "tool-strange", tool="mdir")
        return int(match[1].replace(" ", ""))

    def flush(self) -> None:
        """Sync the disk or image."""
        with _told(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _mtools(self, name: str, *arguments: str, data: bytes = b"") -> bytes:
        try:
            return run(name, "-i", self._drive, *arguments, data=data)
        except ToolError as error:
            raise _translated(self._path, str(error)) from None


def _absent(error: ToolError) -> bool:
    return "not found" in str(error).lower()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _translated(path, error.strerror or str(error)) from None


def _translated(path: Path, said: str) -> CardError:
    """Return what to say for what the system or mtools said."""
    if re.search(r"disk full|no space left", said, re.IGNORECASE):
        return CardError(Exit.CANNOT_WRITE, "card-full", target=path)
    if re.search(r"permission denied|not permitted", said, re.IGNORECASE):
        return CardError(Exit.NO_PERMISSION, "card-not-ours", target=path)
    if re.search(r"read-only", said, re.IGNORECASE):
        return CardError(Exit.CANNOT_WRITE, "disk-read-only", disk=path)
    return CardError(Exit.CANNOT_WRITE, "card-gone", target=path, why=said)
