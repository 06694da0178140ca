"""Ours and the peers: what each reads in a frame, and what that costs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray
from pyzbar import pyzbar
from pyzbar.pyzbar_error import PyZbarError

from drivers.symbols import FrameReader, Seen

QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
Luma = NDArray[np.uint8]
Peer = Callable[[Luma], list[str]]
TICKS_S = 0.01  # of the kernel's accounts: USER_HZ, proc(5)


def zxing(luma: Luma) -> list[str]:
    """Read by zxing-cpp as its users do today: QR, all it may try."""
    found = zxingcpp.read_barcodes(luma, formats=QR)
    return [code.text for code in found if code.text]


def zbar(luma: Luma) -> list[str]:
    """Read by pyzbar, QR only."""
    try:
        found = pyzbar.decode(luma, [pyzbar.ZBarSymbol.QRCODE])
    except (ValueError, PyZbarError):  # parts of a divided code
        return []
    return [code.data.decode("utf-8", "replace") for code in found]


def opencv(luma: Luma) -> list[str]:
    """Read by OpenCV's own detector."""
    try:
        text, _, _ = cv2.QRCodeDetector().detectAndDecode(luma)
    except (cv2.error, UnicodeDecodeError):  # faults of its own, and bytes that are no text
        return []
    return [text] if text else []


PEERS: dict[str, Peer] = {"zxing-cpp": zxing, "pyzbar": zbar, "OpenCV": opencv}


def timed(peer: Peer, luma: Luma) -> tuple[list[str], float]:
    """Read by a peer, and return also the milliseconds of CPU time."""
    began_ns = time.process_time_ns()
    texts = peer(luma)
    return texts, (time.process_time_ns() - began_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What the fast path took for a frame."""

    cpu_ms: float
    wall_ms: float


@dataclass
class Timed:
    """Our reader, with the costs of each frame and the number of rescues."""

    inner: FrameReader
    costs: list[Cost] = field(default_factory=list)
    rescues: int = 0
    rescued: int = 0  # of these, those that gave an answer
    _offered: bool = False

    def read(self, luma: Luma, captured_ns: int = 0) -> Seen:
        """Read a frame."""
        wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
        seen = self.inner.read(luma, captured_ns)
        cpu_ms, wall_ms = (time.process_time_ns() - cpu_ns) / 1e6, (time.perf_counter_ns() - wall_ns) / 1e6
        self.costs.append(Cost(cpu_ms, wall_ms))
        self._note(seen if seen.arm == "rescue" else None)
        return seen

    def poll(self, timeout_s: float) -> Seen | None:
        """Wait for the rescue."""
        seen = self.inner.poll(timeout_s)
        self._note(seen)
        return seen

    @property
    def pending(self) -> bool:
        """Tell whether the rescue works."""
        return self.inner.pending

    @property
    def fault(self) -> str | None:
        """Tell what keeps the rescue from working."""
        return self.inner.fault

    def ready(self, timeout_s: float) -> bool:
        """Wait for the rescue's process."""
        return self.inner.ready(timeout_s)

    def forget(self) -> None:
        """Begin another presentation."""
        self.inner.forget()
        self._offered = False

    def close(self) -> None:
        """End the rescue's processes."""
        self.inner.close()

    def _note(self, answer: Seen | None) -> None:
        if self._offered and (answer is not None or not self.inner.pending):
            self.rescues += 1
            self.rescued += bool(answer and answer.symbols)
            self._offered = False
        self._offered = self._offered or self.inner.pending


def descendants(pid: int) -> list[int]:
    """List a process's children and theirs."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text("ascii").split()):
            found += [child, *descendants(child)]
    return found


def cpu_s(pids: list[int]) -> float:
    """Return the CPU time that processes took, with that of their children that ended, in seconds."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5)
    return ticks * TICKS_S


def mean(values: list[float]) -> float:
    """Return the mean; that of nothing is no number."""
    return sum(values) / len(values) if values else math.nan
