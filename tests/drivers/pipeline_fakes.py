"""A rescue that does as the test says, a clock that the test moves, and the frames that the pipeline is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drivers.symbols import Symbol
from drivers.symbols.pipeline import Pipeline
from tests.drivers.symbol_pictures import qr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.symbols.region import Region
    from drivers.symbols.worker import Answer

TEXT = "HC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE" * 4
EMPTY = np.full((480, 640), 120, np.uint8)
RESCUED = Symbol("HC1:RESCUED", "QRCode", ((100, 100), (300, 100), (300, 300), (100, 300)))


def room(code: np.ndarray) -> np.ndarray:
    """Hold a code before a grey wall."""
    frame = EMPTY.copy()
    top, left = (frame.shape[0] - code.shape[0]) // 2, (frame.shape[1] - code.shape[1]) // 2
    frame[top : top + code.shape[0], left : left + code.shape[1]] = code
    return frame


def hard() -> np.ndarray:
    """Hold a code whose content is destroyed: it looks like one and reads by no means."""
    code = qr(TEXT, scale=4)
    modules = np.random.default_rng(5).integers(0, 2, (code.shape[0] // 4 - 26, code.shape[1] // 4 - 8)) * 255
    code[52:-52, 16:-16] = np.kron(modules, np.ones((4, 4)))
    return room(code)


@dataclass
class FakeRescue:
    answers: list[Answer | None] = field(default_factory=list)
    offered: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    limits_ms: list[float | None] = field(default_factory=list)
    busy: bool = False
    takes: bool = True
    closed: int = 0
    fault: str | None = None

    def ready(self, timeout_s: float) -> bool:
        return timeout_s >= 0 and self.takes

    def offer(
        self, luma: np.ndarray, regions: Sequence[Region], presentation: int, limit_ms: float | None = None
    ) -> bool:
        assert not self.busy, "nothing is queued"
        assert regions
        if self.takes:
            self.offered.append((luma.shape, presentation))
            self.limits_ms.append(limit_ms)
            self.busy = True
        return self.takes

    def poll(self, timeout_s: float) -> Answer | None:
        assert timeout_s >= 0
        answer = self.answers.pop(0) if self.answers else None
        self.busy = self.busy and answer is None
        return answer

    def close(self) -> None:
        self.closed += 1


@dataclass
class FakeClock:
    now_ns: int = 0
    step_ns: int = 0

    def __call__(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


def pipeline_with(rescue: FakeRescue, clock: FakeClock) -> Pipeline:
    """Open a pipeline to which its own work costs nothing."""
    return Pipeline(rescue, 16.0, monotonic_ns=clock, cpu_ns=lambda: 0)
