"""A reader of frames that does what a test says, in simulated time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.clock.simulated import SimulatedClock
from drivers.symbols import Arm, Hint, Seen, Symbol
from drivers.symbols.region import Region
from provisioning import read

KEYS = ["file", "symbols", "hint", "ms", "arm"]  # of a line in JSON
SOMEWHERE = Region(1, 1, 2, 2, 1.0)


def seen(text: str, arm: Arm = "whole") -> Seen:
    return Seen([Symbol(text, "QRCode", ((0, 0), (1, 0), (1, 1), (0, 1)), text.encode())], arm=arm)


def unread(hint: Hint = "motion", region: Region | None = SOMEWHERE) -> Seen:
    return Seen([], hint=hint, region=region)


def new_clock() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 6, 1, tzinfo=UTC))


@dataclass
class ScriptedReader:
    """Frames show what `shows` says of their number; a rescue that one of them starts takes its time."""

    clock: SimulatedClock
    shows: dict[int, Seen] = field(default_factory=dict)
    rescues: dict[int, tuple[float, Seen | None]] = field(default_factory=dict)  # seconds, and what comes of it
    takes_s: dict[int, float] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    fault: str | None = None
    _working: tuple[int, Seen | None] | None = None

    def read(self, luma: NDArray[np.uint8], captured_ns: int = 0) -> Seen:  # noqa: ARG002 - the port's
        number = len(self.shapes)
        self.shapes.append(luma.shape)
        self.log.append("read")
        self.clock.advance(self.takes_s.get(number, 0.005))
        came = self._came()
        if number in self.rescues and self._working is None:
            after_s, answer = self.rescues[number]
            self._working = self.clock.monotonic_ns() + round(after_s * 1e9), answer
        return came or self.shows.get(number, unread())

    def poll(self, timeout_s: float) -> Seen | None:
        until_ns = self.clock.monotonic_ns() + round(timeout_s * 1e9)
        if self._working is not None:
            until_ns = max(self.clock.monotonic_ns(), min(until_ns, self._working[0]))
        self.clock.advance((until_ns - self.clock.monotonic_ns()) / 1e9)
        return self._came()

    @property
    def pending(self) -> bool:
        return self._working is not None

    def ready(self, timeout_s: float) -> bool:
        self.log.append("ready")
        return timeout_s > 0

    def forget(self) -> None:
        self.log.append("forget")
        self._working = None

    def close(self) -> None:
        self.log.append("close")

    def _came(self) -> Seen | None:
        if self._working is None or self.clock.monotonic_ns() < self._working[0]:
            return None
        answer, self._working = self._working[1], None
        return answer


def scripted(monkeypatch: pytest.MonkeyPatch, reader: ScriptedReader) -> list[dict[str, Any]]:
    """Let the command read by a script, in simulated time; give what it was opened with."""
    asked: list[dict[str, Any]] = []

    def opened(kind: str, **options: float) -> ScriptedReader:
        asked.append({"kind": kind, **options})
        return reader

    monkeypatch.setattr(read, "open_frame_reader", opened)
    monkeypatch.setattr(read, "open_clock", lambda _: reader.clock)
    monkeypatch.setattr(read.time, "sleep", reader.clock.advance)
    return asked
