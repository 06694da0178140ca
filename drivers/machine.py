"""How the machine itself is: heat, power, watchdog, wear, room; read from /sys, /proc and /dev below a root folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TEXT_MAX_BYTES = 64 * 1024  # ours: a file of the kernel's has one page, the largest read here a few
NUMBER_MAX_CHARS = 20  # of 64 bits
MILLI = 1000
COLDEST_C, HOTTEST_C = -60.0, 200.0  # beyond, a sensor is broken
WEAR_STEP_PERCENT = 10  # JEDEC eMMC 5.1, 7.4.45: each step of the life time estimate is a tenth
WEAR_LAST_STEP = 11  # "exceeded its maximum estimated device life time"
PRE_EOL = {1: "normal", 2: "warning", 3: "urgent"}  # JEDEC eMMC 5.1, 7.4.43


class Wear(NamedTuple):
    """What a card or an eMMC says of itself; None where it says nothing."""

    device: str
    used_percent: int | None
    pre_eol: str | None


class Watchdog(NamedTuple):
    """A hardware watchdog, and whether anything feeds it."""

    device: str
    active: bool


class Room(NamedTuple):
    """A file system: bytes free for a program, bytes of all, and whether it can be written."""

    free_bytes: int
    total_bytes: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """Readings of one machine; each is None or empty where the machine does not tell, and none ever raises."""

    root: Path = Path("/")

    def model(self) -> str | None:
        """Return the board's name, as its device tree or firmware has it."""
        for place in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
            if text := self.text(place):
                return text.rstrip("\0").strip()
        return None

    def temperature_c(self) -> float | None:
        """Return the hottest zone's temperature in degrees Celsius (Documentation/ABI/testing/sysfs-class-thermal)."""
        zones = (self._number(path / "temp") for path in self.listed("sys/class/thermal", "thermal_zone*"))
        sane = [value / MILLI for value in zones if value is not None and COLDEST_C < value / MILLI < HOTTEST_C]
        return max(sane, default=None)

    def undervoltage(self) -> bool | None:
        """Tell whether the supply was too low, as a Raspberry Pi's firmware saw it (hwmon rpi_volt)."""
        for path in self.listed("sys/class/hwmon", "hwmon*"):
            if self.text(path / "name") == "rpi_volt":
                alarm = self._number(path / "in0_lcrit_alarm")
                return None if alarm is None else bool(alarm)
        return None

    def rtcs(self) -> tuple[str, ...]:
        """Return the real-time clocks that show a time; one that stopped (an empty battery) gives none."""
        found = self.listed("sys/class/rtc", "rtc*")
        return tuple(path.name for path in found if self._number(path / "since_epoch") is not None)

    def watchdog(self) -> Watchdog | None:
        """Return the hardware watchdog, a fed one before others (Documentation/ABI/testing/sysfs-class-watchdog)."""
        found = [
            Watchdog(path.name, active=self.text(path / "state") == "active")
            for path in self.listed("sys/class/watchdog", "watchdog*")
            if self.text(path / "identity") != "Software Watchdog"  # it stops with the kernel that it should watch
        ]
        return max(found, key=lambda watchdog: watchdog.active, default=None)

    def wear(self) -> tuple[Wear, ...]:
        """Return what each MMC or SD device says of its wear; SD cards usually say nothing."""
        return tuple(
            Wear(path.name, _used_percent(self.text(path / "device/life_time")), _pre_eol(self._pre_eol(path)))
            for path in self.listed("sys/block", "mmcblk*")
            if "boot" not in path.name and "rpmb" not in path.name
        )

    def room(self, folder: Path) -> Room | None:
        """Return how much room there is in a folder's file system."""
        try:
            found = os.statvfs(folder)
        except OSError:
            return None
        size = found.f_frsize
        return Room(found.f_bavail * size, found.f_blocks * size, bool(found.f_flag & os.ST_RDONLY))

    def memory(self) -> dict[str, int]:
        """Return the main figures of /proc/meminfo, in KiB."""
        rows = (line.split() for line in (self.text("proc/meminfo") or "").splitlines())
        wanted = {"MemTotal:", "MemAvailable:", "SwapTotal:", "SwapFree:"}
        numbers = {row[0]: _whole(row[1]) for row in rows if len(row) > 1 and row[0] in wanted}
        return {name.rstrip(":"): number for name, number in numbers.items() if number is not None}

    def uptime_s(self) -> float | None:
        """Return the seconds since the start."""
        try:
            return float((self.text("proc/uptime") or "").split()[0])
        except (IndexError, ValueError):
            return None

    def cameras(self) -> tuple[str, ...]:
        """Return the names that the video devices give themselves, each once."""
        found = self.listed("sys/class/video4linux", "video*")
        return tuple(dict.fromkeys(name for path in found if (name := self.text(path / "name"))))

    def boot_config(self) -> str:
        """Return a Raspberry Pi's config.txt, empty where there is none."""
        return self.text("boot/firmware/config.txt") or self.text("boot/config.txt") or ""

    def listed(self, folder: str, pattern: str) -> list[Path]:
        """Return what is in a folder below the root, in order."""
        try:
            return sorted((self.root / folder).glob(pattern))
        except OSError:
            return []

    def text(self, path: str | Path) -> str | None:
        """Return a file's text without the space around it, None where there is none that can be read."""
        try:
            with open(self.root / path, "rb", opener=_unwaited) as file:
                return file.read(TEXT_MAX_BYTES).decode("utf-8", "replace").strip()
        except OSError:
            return None

    def _number(self, path: Path) -> int | None:
        return _whole(self.text(path) or "")

    def _pre_eol(self, path: Path) -> int | None:
        return self._number(path / "device/pre_eol_info")


def _unwaited(path: str, flags: int) -> int:
    """Open a file of a mounted card, which may be a FIFO there: nobody waits for who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def _whole(text: str) -> int | None:
    """Return a whole number of 64 bits, as the kernel writes them."""
    try:
        return int(text, 0) if len(text) <= NUMBER_MAX_CHARS else None
    except ValueError:
        return None


def _used_percent(life_time: str | None) -> int | None:
    """Return how much of its life is used at most: "0x02 0x01" are the steps of its two kinds of memory."""
    try:
        step = max(int(word, 16) for word in (life_time or "").split())
    except ValueError:
        return None
    return step * WEAR_STEP_PERCENT if 1 <= step <= WEAR_LAST_STEP else None


def _pre_eol(value: int | None) -> str | None:
    return PRE_EOL.get(value) if value is not None else None
