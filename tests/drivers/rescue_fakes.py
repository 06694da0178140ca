"""Rescues for the worker's tests: named on its command line, run in its process."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from drivers.symbols import Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from drivers.symbols.region import Region
    from drivers.symbols.rescue.deadline import Deadline

HANGS, CRASHES, RAISES, LIES, TOO_LONG, BINARY = range(100, 106)  # by the frame's first pixel


def rescue(
    luma: NDArray[np.uint8], regions: Sequence[Region], memory: int | None, deadline: Deadline
) -> tuple[Symbol | None, int | None]:
    """Do what the first pixel says; else tell it, the region, how many frames the presentation has had, and threads."""
    first = int(luma[0, 0])
    if first == HANGS:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        while True:
            pass
    if first == CRASHES:
        os.kill(os.getpid(), signal.SIGSEGV)
    if first == RAISES:
        raise ArithmeticError("not for any log")
    if first == 0:
        return None, None
    x, y = regions[0].x, regions[0].y
    corners = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
    if first == LIES:
        return Symbol("HC1:LIE", "DataMatrix", corners), None
    if first == TOO_LONG:
        return Symbol("A" * 5000, "QRCode", corners), None
    if first == BINARY:
        return Symbol("a\x00b", "QRCode", corners, b"a\x00b"), None
    seen = (memory or 0) + 1
    text = f"{first} {luma.shape[1]}x{luma.shape[0]} {seen} {threading.active_count()} {not deadline.passed()}"
    return Symbol(text, "QRCode", corners, text.encode()), seen
