"""The reader's desk: a camera, a symbol reader and a link that do as the test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from drivers.camera import Abilities, Box, Camera, Frame
from drivers.errors import CameraLostError, CameraStalledError
from drivers.symbols import Hint, Seen, Symbol
from drivers.symbols.region import Region
from firmware.events import LogEvent
from firmware.messages import ReaderMessage
from firmware.reader import Ports, Reader

FRAME = Frame(np.zeros((4, 4), np.uint8), 5)
NO_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))
Step = Callable[[], Frame]


def symbol(text: str) -> Symbol:
    return Symbol(text, "QRCode", NO_CORNERS)


def stalled() -> Frame:
    raise CameraStalledError("no frame")


def lost() -> Frame:
    raise CameraLostError("gone", cure="plug it in")


def frame() -> Frame:
    return FRAME


@dataclass
class Desk:
    """A camera, a symbol reader and a link that do as the test says."""

    steps: list[Step] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    hint: Hint | None = None
    region: Region | None = None
    rescued: list[Seen | None] = field(default_factory=list)  # what it says at each poll
    pending: bool = False
    rescue_fault: str | None = None
    forgotten: int = 0
    attended: list[Box | None] = field(default_factory=list)
    wrong_shape: bool = False
    unplugged: Exception | None = None
    gate_away: bool = False
    sent: list[ReaderMessage] = field(default_factory=list)
    logged: list[LogEvent] = field(default_factory=list)
    now_ns: int = 0
    opened: int = 0
    closed: int = 0
    alive: int = 0

    def reader(self) -> Reader:
        return Reader(Ports(self.open, _Symbols(self), self, self.logged.append, self.feed, lambda: self.now_ns))

    def open(self) -> Camera:
        if self.unplugged:
            raise self.unplugged
        self.opened += 1
        return _Camera(self)

    def feed(self) -> None:
        self.alive += 1

    def send(self, message: ReaderMessage) -> bool:
        if not self.gate_away:
            self.sent.append(message)
        return not self.gate_away


@dataclass
class _Symbols:
    desk: Desk

    def read(self, luma: object, captured_ns: int = 0) -> Seen:
        assert luma is FRAME.luma
        if self.desk.wrong_shape:
            raise ValueError("a frame of no size")
        return Seen(self.desk.symbols, self.desk.hint, None, self.desk.region, captured_ns)

    @property
    def pending(self) -> bool:
        return self.desk.pending

    @property
    def fault(self) -> str | None:
        return self.desk.rescue_fault

    def ready(self, timeout_s: float) -> bool:
        return timeout_s >= 0

    def poll(self, timeout_s: float) -> Seen | None:
        assert timeout_s == 0, "frames are waited for, not the rescue"
        answer = self.desk.rescued.pop(0)
        self.desk.pending = answer is None
        return answer

    def forget(self) -> None:
        self.desk.forgotten += 1

    def close(self) -> None:
        raise AssertionError("who opened it closes it")


@dataclass
class _Camera:
    desk: Desk

    def read(self, timeout_s: float) -> Frame:
        assert timeout_s > 0
        return self.desk.steps.pop(0)()

    def attend(self, region: Box | None) -> None:
        self.desk.attended.append(region)

    def focus_at(self, lens_position: float) -> None:
        raise AssertionError(f"nobody asked for {lens_position}")

    @property
    def abilities(self) -> Abilities:
        return Abilities()

    def close(self) -> None:
        self.desk.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
