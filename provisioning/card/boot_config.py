"""Raspberry Pi's config.txt: what a kiosk needs of the boot loader, in a block of our own at its end."""

import re
from collections.abc import Sequence

BEGIN, END = "# greengate: begin (written by greengate prepare)", "# greengate: end"
RTCS = ("ds1307", "ds3231", "pcf8523", "pcf85063a", "rv3028")  # overlay i2c-rtc's chips; "on-board" is a Pi 5's own
_BLOCK = re.compile(f"\n*{re.escape(BEGIN)}.*?(?:{re.escape(END)}\n|\\Z)", re.DOTALL)


def with_block(text: str, *, dark: Sequence[int], rtc: str | None) -> str:
    """Return config.txt's text with our block, in place of the one that was there.

    Args:
        text: The file's present text.
        dark: The lamps' pins (BCM): driven low before any program runs.
        rtc: A clock chip on I2C, one of `RTCS`.
    """
    lines = [BEGIN, "[all]", "camera_auto_detect=1", "dtparam=watchdog=on"]
    if dark:
        lines.append(f"gpio={','.join(map(str, sorted(dark)))}=op,dl")
    if rtc:
        lines += ["dtparam=i2c_arm=on", f"dtoverlay=i2c-rtc,{rtc}"]
    kept = _BLOCK.sub("", text).rstrip("\n")
    return "\n".join([*([kept, ""] if kept else []), *lines, END]) + "\n"
