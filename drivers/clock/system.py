"""The system's clock, and who vouches for it: the kernel, systemd-timesyncd or a real-time clock."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

TIMESYNC_MARKER = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd.service(8)
RTC_FOLDER = Path("/sys/class/rtc")  # Linux, Documentation/ABI/testing/sysfs-class-rtc
RTC_SINCE = datetime(2025, 1, 1, tzinfo=UTC)  # one without its battery starts at 1970 or 2000
RTC_DRIFT_MAX_S = 60  # far beyond a year of a DS3231 (2 ppm), far below any wrong setting
STA_UNSYNC = 0x0040  # linux/timex.h
TIME_ERROR = 5  # linux/timex.h


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)), and room for the rest of it."""

    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    ]


def kernel_synchronised() -> bool:
    """Ask the kernel whether a time daemon disciplines its clock (adjtimex(2)).

    False too where the question is forbidden, as under systemd's ProtectClock=.
    """
    timex = _Timex()  # modes 0: reads and changes nothing
    state: int = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return state not in {-1, TIME_ERROR} and not timex.status & STA_UNSYNC


class SystemClock:
    """The system's clock; the arguments are for tests."""

    def __init__(
        self,
        *,
        kernel: Callable[[], bool] = kernel_synchronised,
        timesync_marker: Path = TIMESYNC_MARKER,
        rtc_folder: Path = RTC_FOLDER,
    ) -> None:
        self._kernel = kernel
        self._timesync_marker = timesync_marker
        self._rtc_folder = rtc_folder

    def now(self) -> datetime:
        """Give the system's time in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Give CLOCK_MONOTONIC."""
        return time.monotonic_ns()

    def synchronised(self) -> bool:
        """Ask the kernel, then systemd-timesyncd, then the real-time clocks; see `Clock.synchronised`.

        timesyncd's marker stays for the boot once the time was set: without a network the clock then
        drifts by some seconds a day, which no document's validity notices.
        """
        return self._kernel() or _exists(self._timesync_marker) or self._rtc_agrees()

    def _rtc_agrees(self) -> bool:
        now_s = self.now().timestamp()
        return any(
            rtc_s >= RTC_SINCE.timestamp() and abs(rtc_s - now_s) <= RTC_DRIFT_MAX_S
            for rtc_s in map(_rtc_seconds, sorted(self._rtc_folder.glob("rtc*")))
            if rtc_s is not None
        )


class AssumedClock(SystemClock):
    """The system's clock taken as right: for a desk, never for a gate."""

    def synchronised(self) -> bool:
        """Say yes."""
        return True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be searched
        return False


def _rtc_seconds(rtc: Path) -> int | None:
    try:
        return int((rtc / "since_epoch").read_text("ascii"))
    except (OSError, ValueError):  # the kernel gives EINVAL for a clock that stopped
        return None
