"""A file of what simulated outputs did: one JSON object a line, bounded, and whole again after a torn line."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from pathlib import Path

HISTORY_MAX_BYTES = 1024 * 1024  # ours: a day out of service flashes 6 MB; two such files are kept
READ_MAX_BYTES = 2 * HISTORY_MAX_BYTES  # ours: guards against a device in the file's place
OLD = ".1"  # behind the name of the history before
TAIL_BYTES = 4096  # where the last whole line is looked for; a line has about 100 bytes


class History:
    """A file to append to; one that has grown too large is kept as `NAME.1` and begun anew with its last line."""

    def __init__(self, path: Path, what: str) -> None:
        """Open the file of `what` ("simulated lamps") to append to; nothing is written yet.

        Raises:
            DeviceMissingError: the file cannot be opened for writing.
        """
        self._path, self._what = path, what
        try:
            self._fd = _open_to_append(path)
        except OSError as error:
            raise DeviceMissingError(
                f"the history of the {what} cannot be written: {path}: {error.strerror}",
                cure="name a file in a folder that exists and is writable",
            ) from error
        self._torn = _ends_torn(self._fd)

    def append(self, entry: dict[str, Any]) -> None:
        """Append one object.

        Raises:
            DeviceError: it was not written, or in part only.
        """
        line = json.dumps(entry).encode() + b"\n"
        if self._torn:
            line = b"\n" + line
        if os.fstat(self._fd).st_size > HISTORY_MAX_BYTES:
            with contextlib.suppress(OSError):  # a full disk: the next line says so, or tries again
                self._begin_anew()
        try:
            written = os.write(self._fd, line)  # one write: lines of two processes never mix
        except OSError as error:
            raise DeviceError(f"the history of the {self._what} cannot be written: {error.strerror}") from error
        self._torn = written != len(line)
        if self._torn:
            raise DeviceError(f"the history of the {self._what} was written in part only", cure="free some disk space")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _begin_anew(self) -> None:
        """Put a new file in the old one's place at once, so that nobody ever finds none."""
        draft, old = beside(self._path, ".new"), beside(self._path, OLD)
        draft.write_bytes(b"".join(json.dumps(entry).encode() + b"\n" for entry in tail_of(self._path)[-1:]))
        old.unlink(missing_ok=True)
        os.link(self._path, old)
        draft.replace(self._path)
        fd = _open_to_append(self._path)
        os.close(self._fd)
        self._fd = fd


def entries_of(path: Path) -> list[dict[str, Any]]:
    """Read all that is kept, oldest first; a torn line (a process killed, a full disk) is left out.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        before = _parse(_read(beside(path, OLD)))
    except FileNotFoundError:
        before = []
    now = _parse(_read(path))
    return before + (now[1:] if before and now[:1] == before[-1:] else now)


def tail_of(path: Path) -> list[dict[str, Any]]:
    """Read the last entries, reading only the end of the file; none where there is no file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return _parse(file.read())
    except FileNotFoundError:
        return []


def beside(path: Path, suffix: str) -> Path:
    """Return the file beside one, of its name with something behind it."""
    return path.with_name(path.name + suffix)


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(READ_MAX_BYTES)


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"


def _parse(content: bytes) -> list[dict[str, Any]]:
    found = []
    for line in content.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # torn
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
