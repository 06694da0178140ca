"""Lamps drawn in a file: a level that outlives its program, as a Raspberry Pi keeps a dead program's pins."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.signal.lease import Cause

HISTORY_MAX_BYTES = 1024 * 1024  # ours: a day out of service flashes 6 MB; two such files are kept
OLD = ".1"  # behind the name of the history before
TAIL_BYTES = 4096  # where the last whole line is looked for; a line has about 100 bytes


@dataclass(frozen=True, slots=True)
class Lamps:
    """What both lamps show from `t_ns` on, and why."""

    t_ns: int  # time.monotonic_ns(): comparable between the processes of one boot
    red: bool
    green: bool
    lease_s: float  # of the green light; 0 where there is none
    by: Cause


class SimulatedLamps:
    """A bank of lamps that appends each change to a file, as one JSON object a line.

    Opening, closing, darkening and each new lease are written always, other settings if a level changes.
    A file that has grown too large is kept as `NAME.1`, in place of the one before, and begun anew with its last line.
    """

    def __init__(self, history: Path) -> None:
        """Open the history to append to; nothing is written yet.

        Raises:
            DeviceMissingError: the file cannot be opened for writing.
        """
        self._shown: tuple[bool, bool] | None = None
        self._history = history
        try:
            self._fd = _open_to_append(history)
        except OSError as error:
            raise DeviceMissingError(
                f"the history of the simulated lamps cannot be written: {history}: {error.strerror}",
                cure="name a file in a folder that exists and is writable",
            ) from error
        self._torn = _ends_torn(self._fd)

    def put(self, *, red: bool, green: bool, lease_s: float, by: Cause) -> None:
        """Append the new levels; see `LampBank.put`."""
        if by in {"show", "lease"} and not green and self._shown == (red, green):
            return
        lamps = Lamps(t_ns=time.monotonic_ns(), red=red, green=green, lease_s=lease_s, by=by)
        line = json.dumps(asdict(lamps)).encode() + b"\n"
        self._append(b"\n" + line if self._torn else line)
        self._shown = (red, green)

    def close(self) -> None:
        """Close the file; the lamps stay as they are."""
        os.close(self._fd)

    def _append(self, line: bytes) -> None:
        if os.fstat(self._fd).st_size > HISTORY_MAX_BYTES:
            with contextlib.suppress(OSError):  # a full disk: the next line says so, or tries again
                self._begin_anew()
        try:
            written = os.write(self._fd, line)  # one write: lines of two processes never mix
        except OSError as error:
            raise DeviceError(f"the lamps' history cannot be written: {error.strerror}") from error
        self._torn = written != len(line)
        if self._torn:
            raise DeviceError("the lamps' history was written in part only", cure="free some disk space")

    def _begin_anew(self) -> None:
        """Put a new file in the old one's place at once, so that nobody ever finds none."""
        draft, old = _beside(self._history, ".new"), _beside(self._history, OLD)
        draft.write_bytes(json.dumps(asdict(last_lamps(self._history))).encode() + b"\n")
        old.unlink(missing_ok=True)
        os.link(self._history, old)
        draft.replace(self._history)
        fd = _open_to_append(self._history)
        os.close(self._fd)
        self._fd = fd


def read_history(history: Path) -> list[Lamps]:
    """Read all that was shown and is kept, oldest first; a torn line (a process killed, a full disk) is left out.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        before = _parse(_beside(history, OLD).read_bytes())
    except FileNotFoundError:
        before = []
    shown = _parse(history.read_bytes())
    return before + (shown[1:] if before and shown[:1] == before[-1:] else shown)


def last_lamps(history: Path) -> Lamps:
    """Read what is shown now: dark where nothing was ever shown; reads only the end of the file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    dark = Lamps(t_ns=0, red=False, green=False, lease_s=0.0, by="close")
    try:
        with history.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            shown = _parse(file.read())
    except FileNotFoundError:
        return dark
    return shown[-1] if shown else dark


def _open_to_append(history: Path) -> int:
    return os.open(history, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _beside(history: Path, suffix: str) -> Path:
    return history.with_name(history.name + suffix)


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"


def _parse(content: bytes) -> list[Lamps]:
    shown = []
    for line in content.splitlines():
        try:
            shown.append(Lamps(**json.loads(line)))
        except (ValueError, TypeError):  # torn: no JSON, or JSON that lacks fields
            continue
    return shown
