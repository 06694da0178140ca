"""What the kernel tells of GPIO lines: its answers are played, byte by byte."""

import struct
from pathlib import Path

import pytest

from drivers.signal.lines import CHIP_BYTES, CHIP_INFO, LINE_BYTES, LINE_INFO, Line, header_chip, levels, line

DEBUG = """\
gpiochip0: GPIOs 512-569, parent: platform/fe200000.gpio, pinctrl-bcm2711:
 gpio-514 (SDA1                )
 gpio-529 (GPIO17              |lg                  ) out hi
 gpio-539 (GPIO27              |lg                  ) out lo ACTIVE LOW
 gpio-540 (GPIO28              |button              ) in  hi

gpiochip1: GPIOs 570-577, parent: platform/soc:firmware:gpio, raspberrypi-exp-gpio, can sleep:
 gpio-570 (BT_ON               |shutdown            ) out hi
"""


class Kernel:
    """Answers as linux/gpio.h lays them out."""

    def __init__(self, labels: dict[str, str], used: dict[int, str]) -> None:
        self.labels, self.used = labels, used

    def ioctl(self, fd: int, request: int, data: bytearray) -> int:
        chip = Path(f"/proc/self/fd/{fd}").readlink().name
        if request == CHIP_INFO:
            assert len(data) == CHIP_BYTES
            label = self.labels[chip]
            if not label:
                raise OSError(25, "not a typewriter")
            struct.pack_into("=32s32sI", data, 0, chip.encode(), label.encode(), 58)
            return 0
        assert request == LINE_INFO
        assert len(data) == LINE_BYTES
        (offset,) = struct.unpack_from("=I", data, 64)
        if offset > 57:
            raise OSError(22, "invalid")
        user = self.used.get(offset)
        struct.pack_into("=32s32sIIQ", data, 0, b"", (user or "").encode(), offset, 0, 0 if user is None else 1)
        return 0


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    for number in range(3):
        (tmp_path / f"gpiochip{number}").touch()
    return tmp_path


def test_the_chip_of_the_header_is_known_by_its_label(dev: Path) -> None:
    kernel = Kernel({"gpiochip0": "brcmvirt-gpio", "gpiochip1": "", "gpiochip2": "pinctrl-rp1"}, {})
    assert header_chip(dev, kernel.ioctl) == dev / "gpiochip2"


def test_without_such_a_label_the_first_that_answers_is_it(dev: Path) -> None:
    kernel = Kernel({"gpiochip0": "", "gpiochip1": "gpio-sim", "gpiochip2": "gpio-sim"}, {})
    assert header_chip(dev, kernel.ioctl) == dev / "gpiochip1"
    assert header_chip(dev / "nowhere", kernel.ioctl) is None


def test_a_line_is_used_or_free_or_not_there(dev: Path) -> None:
    kernel = Kernel({}, {17: "lg", 5: ""})
    chip = dev / "gpiochip0"
    assert line(chip, 17, kernel.ioctl) == Line("lg")
    assert line(chip, 5, kernel.ioctl) == Line("?")
    assert line(chip, 4, kernel.ioctl) == Line(None)
    assert line(chip, 99, kernel.ioctl) is None


def test_levels_are_read_by_offset_of_one_chip(tmp_path: Path) -> None:
    debug = tmp_path / "gpio"
    debug.write_text(DEBUG)
    assert levels("gpiochip0", debug) == {17: True, 27: False, 28: True}
    assert levels("gpiochip1", debug) == {0: True}
    assert levels("gpiochip7", debug) is None
    assert levels("gpiochip0", tmp_path / "nowhere") is None


def test_a_file_that_is_no_chip_is_none(dev: Path) -> None:
    assert header_chip(dev) is None  # the real ioctl, on files
