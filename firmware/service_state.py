"""Service state: a technician works on the device, so the gate judges nobody.

A marker file says so, with the end of its time. It counts only where nobody but root (or, on a desk, this program's own
user) can have made it, and never for longer than half an hour: a marker left behind puts no checkpoint out of
service for good. On an appliance its folder is root's, in memory, so that it ends with a reboot too.
"""

import contextlib
import os
import stat
import time
from datetime import datetime
from pathlib import Path

import msgspec

from firmware.small_files import read_small_json, write_small

LONGEST_S = 1800.0  # ours: time for a repair; one that takes longer is said to go on
MARKER_MAX_BYTES = 1024  # ours: the marker has two short fields
MARKER_MODE = 0o644  # the gate, a user of its own, reads root's marker
FOLDER_MODE = 0o755
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Marker(msgspec.Struct, frozen=True):
    """What the marker holds: since when (ISO 8601, to be read by people), and until when on the monotonic clock."""

    since: datetime
    until_monotonic_s: float


def in_service_state(path: Path, monotonic_s: float | None = None) -> bool:
    """Tell whether the device is in service state at a time (monotonic; None: now)."""
    return left_s(path, monotonic_s) > 0


def left_s(path: Path, monotonic_s: float | None = None) -> float:
    """Return how long service state goes on from a time (monotonic; None: now), 0 where there is none.

    A marker that is a link, another user's, writable by others, malformed or over age is none.
    """
    try:
        marker, about = read_small_json(path, Marker, MARKER_MAX_BYTES)
    except OSError:
        return 0.0
    if about.st_uid not in {0, os.geteuid()} or about.st_mode & OTHERS_WRITE:
        return 0.0
    left = marker.until_monotonic_s - (time.monotonic() if monotonic_s is None else monotonic_s)
    return left if 0 < left <= LONGEST_S else 0.0


def begin(path: Path, now: datetime, monotonic_s: float | None = None) -> None:
    """Begin service state, or let it go on for another half an hour.

    Raises: OSError.
    """
    if not path.parent.is_dir():
        path.parent.mkdir()
        path.parent.chmod(FOLDER_MODE)  # whatever the umask: the gate must find the marker
    until_s = (time.monotonic() if monotonic_s is None else monotonic_s) + LONGEST_S
    write_small(path, msgspec.json.encode(Marker(now, until_s)), MARKER_MODE)


def end(path: Path) -> None:
    """End service state; a second call does nothing.

    Raises: OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
