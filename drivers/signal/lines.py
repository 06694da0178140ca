"""Who uses which GPIO line, and at what level it stands: as the kernel tells, without claiming anything."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CHIP_INFO, CHIP_BYTES = 0x8044B401, 68  # linux/gpio.h: GPIO_GET_CHIPINFO_IOCTL, struct gpiochip_info
LINE_INFO, LINE_BYTES = 0xC100B405, 256  # linux/gpio.h: GPIO_V2_GET_LINEINFO_IOCTL, struct gpio_v2_line_info
OFFSET_AT, FLAGS_AT = 64, 72  # in struct gpio_v2_line_info
FLAG_USED = 1
NAME_BYTES = 32
LEVELS_MAX_BYTES = 64 * 1024
HEADER = "pinctrl-"  # begins the label of the chip whose lines are on a Raspberry Pi's 40 pins
_CHIP = re.compile(r"(?P<chip>gpiochip\d+): GPIOs (?P<first>\d+)-\d+")  # gpiolib.c: gpiolib_seq_show
_LINE = re.compile(r"\s*gpio-(?P<number>\d+) .*\) (?:in|out)\s+(?P<level>hi|lo)\b")


class Line(NamedTuple):
    """One line: who uses it (None: nobody)."""

    used_by: str | None


def header_chip(dev: Path = Path("/dev"), ioctl: Callable[[int, int, bytearray], int] = fcntl.ioctl) -> Path | None:
    """Return the chip of the 40 pins, or the first one that answers; None where there is none to be opened."""
    chips = sorted(dev.glob("gpiochip*"))
    labels = {chip: label for chip in chips if (label := _label(chip, ioctl)) is not None}
    on_header = [chip for chip, label in labels.items() if label.startswith(HEADER)]
    return next(iter([*on_header, *labels]), None)


def line(chip: Path, offset: int, ioctl: Callable[[int, int, bytearray], int] = fcntl.ioctl) -> Line | None:
    """Return what the kernel tells of a line, None where it does not (no such line, a kernel before 5.10).

    Raises: OSError where the chip cannot be opened.
    """
    info = bytearray(LINE_BYTES)
    struct.pack_into("=I", info, OFFSET_AT, offset)
    fd = os.open(chip, os.O_RDONLY | os.O_CLOEXEC)
    try:
        ioctl(fd, LINE_INFO, info)
    except OSError:
        return None
    finally:
        os.close(fd)
    (flags,) = struct.unpack_from("=Q", info, FLAGS_AT)
    return Line((_text(info[NAME_BYTES : 2 * NAME_BYTES]) or "?") if flags & FLAG_USED else None)


def levels(chip: str, debug: Path = Path("/sys/kernel/debug/gpio")) -> dict[int, bool] | None:
    """Return the levels of a chip's lines in use, by offset; None where the kernel does not tell (root only)."""
    try:
        with debug.open("rb") as file:
            text = file.read(LEVELS_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    found: dict[int, bool] | None = None
    first: int | None = None
    for row in text.splitlines():
        if match := _CHIP.match(row):
            first = int(match["first"]) if match["chip"] == chip else None
            found = {} if first is not None else found
        elif first is not None and found is not None and (match := _LINE.match(row)):
            found[int(match["number"]) - first] = match["level"] == "hi"
    return found


def _label(chip: Path, ioctl: Callable[[int, int, bytearray], int]) -> str | None:
    info = bytearray(CHIP_BYTES)
    try:
        fd = os.open(chip, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        ioctl(fd, CHIP_INFO, info)
    except OSError:
        return None
    finally:
        os.close(fd)
    return _text(info[NAME_BYTES : 2 * NAME_BYTES])


def _text(data: bytearray) -> str:
    return bytes(data).partition(b"\0")[0].decode("utf-8", "replace")
