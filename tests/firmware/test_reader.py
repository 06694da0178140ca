"""The reader's loop with a camera that stalls, is lost and comes back, and frames that are none."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from drivers.camera import Abilities, Box, Camera, Frame
from drivers.errors import CameraLostError, CameraStalledError, DeviceMissingError, SoftwareMissingError
from drivers.symbols import Hint, Seen, Symbol
from drivers.symbols.region import Region
from firmware.events import CameraBack, CameraFault, LogEvent, RescueFault
from firmware.messages import (
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Heartbeat,
    Hinted,
    ReaderMessage,
    Reading,
)
from firmware.reader import GLANCE_S, IDLE_S, PATIENCE_S, READ_TIMEOUT_S, SIGNED, Ports, Reader, main, texts_of
from tests.firmware.site import make_site
from verifier.formats import FORMATS
from verifier.recognise import recognise

FRAME = Frame(np.zeros((4, 4), np.uint8), 5)
NO_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))
Step = Callable[[], Frame]


def _symbol(text: str) -> Symbol:
    return Symbol(text, "QRCode", NO_CORNERS)


def _stalled() -> Frame:
    raise CameraStalledError("no frame")


def _lost() -> Frame:
    raise CameraLostError("gone", cure="plug it in")


def _frame() -> Frame:
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def test_texts_go_to_the_gate_and_a_heartbeat_with_the_first_frame() -> None:
    desk = Desk([_frame, _frame], [_symbol("HC1:A")])
    reader = desk.reader()
    reader.turn()
    reader.turn()
    assert desk.sent == [Reading(("HC1:A",), 5, 0), Heartbeat(1), Reading(("HC1:A",), 5, 0)]
    assert desk.alive == 2


def test_a_heartbeat_comes_twice_a_second_while_frames_are_read() -> None:
    desk = Desk([_frame] * 20)
    reader = desk.reader()
    for _ in range(20):
        reader.turn()
        desk.now_ns += 100_000_000
    assert desk.sent == [Heartbeat(frames) for frames in (1, 6, 11, 16)]


def test_a_heartbeat_that_did_not_arrive_is_sent_at_the_next_frame() -> None:
    desk = Desk([_frame] * 2, gate_away=True)
    reader = desk.reader()
    reader.turn()
    desk.gate_away = False
    reader.turn()
    assert desk.sent == [Heartbeat(2)]


def test_frames_that_are_none_are_skipped_and_no_sign_of_life() -> None:
    desk = Desk([_frame] * 3, wrong_shape=True)
    reader = desk.reader()
    for _ in range(3):
        reader.turn()
        desk.now_ns += 1_000_000_000
    assert desk.sent == []
    assert (reader.frames, reader.skipped) == (0, 3)


@pytest.mark.parametrize(("fails", "fault"), [(_stalled, "camera-stalled"), (_lost, "no-camera")])
def test_a_camera_that_fails_is_closed_told_opened_again_and_told(fails: Step, fault: str) -> None:
    desk = Desk([_frame, fails, _frame])
    reader = desk.reader()
    reader.turn()
    reader.turn()
    assert desk.closed == 1
    assert desk.sent[-1] == Heartbeat(1, fault)  # type: ignore[arg-type] # one of the faults
    assert reader.turn() == IDLE_S
    assert desk.opened == 1
    desk.now_ns += 500_000_000
    reader.turn()
    assert desk.opened == 2
    assert desk.sent[-1] == Heartbeat(2)
    assert [type(event) for event in desk.logged] == [CameraFault, CameraBack]
    assert desk.forgotten == 1  # who stands there now, nobody knows


def test_a_camera_that_stays_away_is_tried_ever_more_rarely() -> None:
    desk = Desk([_lost])
    reader = desk.reader()
    reader.turn()
    desk.unplugged = DeviceMissingError("no /dev/video0")
    tried = []
    for _ in range(250):
        desk.now_ns += 100_000_000
        before = reader._reopen_ns
        reader.turn()
        if reader._reopen_ns != before:
            tried.append(desk.now_ns / 1e9)
    assert tried == [0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 22.5]
    assert len(desk.logged) == 1
    beats = [message for message in desk.sent if isinstance(message, Heartbeat)]
    assert len(beats) == 51


def test_a_camera_that_is_found_late_is_waited_for_and_the_gate_told_meanwhile() -> None:
    desk = Desk([_frame], unplugged=DeviceMissingError("no /dev/video0"))
    reader = desk.reader()
    for _ in range(99):
        reader.turn()
        desk.now_ns += 100_000_000
    assert not reader.found  # nor ready
    assert desk.sent[0] == Heartbeat(0, "no-camera")
    desk.unplugged = None
    for _ in range(5):
        reader.turn()
        desk.now_ns += 100_000_000
        if reader.found:
            break
    assert reader.found
    assert desk.sent[-1] == Heartbeat(1)
    assert [type(event) for event in desk.logged] == [CameraFault, CameraBack]


def test_a_camera_that_is_never_found_is_refused_after_a_while() -> None:
    desk = Desk(unplugged=DeviceMissingError("no /dev/video0"))
    reader = desk.reader()
    with pytest.raises(DeviceMissingError):  # noqa: PT012 - which turn it is, is what is tested
        while True:
            reader.turn()
            desk.now_ns += 100_000_000
            assert desk.now_ns <= PATIENCE_S * 1e9
    assert desk.now_ns == PATIENCE_S * 1e9


def test_software_that_is_not_installed_is_not_waited_for() -> None:
    with pytest.raises(SoftwareMissingError):
        Desk(unplugged=SoftwareMissingError("Picamera2 is not installed")).reader().turn()


def test_a_camera_that_fails_at_the_start_is_waited_for_as_later() -> None:
    desk = Desk(unplugged=CameraLostError("gone"))
    reader = desk.reader()
    reader.turn()
    assert desk.sent == [Heartbeat(0, "no-camera")]
    desk.unplugged = DeviceMissingError("no /dev/video0")
    desk.now_ns += round(2 * PATIENCE_S * 1e9)
    reader.turn()
    assert reader.found
    reader.close()


def test_a_reader_without_a_camera_is_one_line_and_78(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    site.pictures.rmdir()
    monkeypatch.setattr("firmware.reader.Reader", partial(Reader, patience_s=0.0))
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr("sys.argv", ["reader", "--config", str(site.config_path)])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main() == 78
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    (refused,) = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert refused["event"] == "start-refused"
    assert "there is no folder of pictures" in refused["why"]


def test_texts_are_distinct_bounded_and_passes_first() -> None:
    many = [_symbol(str(number)) for number in range(20)]
    assert texts_of([_symbol("b"), _symbol("HC1:a"), _symbol("b")]) == ("HC1:a", "b")
    assert texts_of([*many, _symbol("HC1:a")]) == ("HC1:a", *map(str, range(MAX_TEXTS - 1)))
    assert texts_of([_symbol("9" * (MAX_TEXT_CHARS + 1))]) == ()


@pytest.mark.parametrize("text", [*(prefix for prefix in SIGNED if prefix != "{"), '{"data":{},"sig":{}}'])
def test_what_comes_first_is_what_the_verifier_knows_as_signed(text: str) -> None:
    assert recognise(text).kind in FORMATS
    assert text.startswith(SIGNED)


def test_no_signed_format_is_left_out() -> None:
    assert len(SIGNED) == len(FORMATS)


def test_what_a_rescue_reads_goes_to_the_gate_before_the_next_frame_and_as_of_its_own() -> None:
    rescued = Seen([_symbol("HC1:HARD")], None, "rescue", None, 3)
    desk = Desk([_stalled, _stalled, _frame], rescued=[None, rescued], pending=True)
    desk.reader().turn()
    assert desk.sent == [Reading(("HC1:HARD",), 3, 0), Heartbeat(1)]
    assert desk.logged == []


def test_a_rescue_in_vain_tells_nothing() -> None:
    desk = Desk([_stalled, _frame], rescued=[Seen([], captured_ns=3)], pending=True)
    desk.reader().turn()
    assert desk.sent == [Heartbeat(1)]


def test_a_camera_that_stalls_while_a_rescue_works_is_told_as_late_as_without_one() -> None:
    desk = Desk([_stalled] * 200, rescued=[None] * 200, pending=True)
    desk.reader().turn()
    glances = 200 - len(desk.steps)
    assert glances * GLANCE_S == pytest.approx(READ_TIMEOUT_S)
    assert desk.sent == [Heartbeat(0, "camera-stalled")]


def test_a_code_that_is_no_text_is_not_sent() -> None:
    desk = Desk([_frame], [Symbol("", "QRCode", NO_CORNERS, b"\x00")])
    desk.reader().turn()
    assert desk.sent == [Heartbeat(1)]


def test_a_hint_that_stays_goes_to_the_gate() -> None:
    frames = [Frame(FRAME.luma, number * 100_000_000) for number in range(11)]
    desk = Desk([lambda frame=frame: frame for frame in frames], hint="too-far")
    reader = desk.reader()
    for _ in frames:
        reader.turn()
    assert [message for message in desk.sent if isinstance(message, Hinted)] == [
        Hinted("too-far", 400_000_000),
        Hinted("too-far", 900_000_000),
    ]


def test_the_camera_is_told_where_the_code_is_and_a_new_one_again() -> None:
    desk = Desk([_frame, _frame, _lost, _frame], region=Region(10, 20, 30, 40, 1.0))
    reader = desk.reader()
    for _ in range(3):
        reader.turn()
    desk.now_ns += 500_000_000
    reader.turn()
    assert desk.attended == [(10, 20, 30, 40)] * 2


def test_a_rescue_that_does_not_work_is_logged_once() -> None:
    desk = Desk([_frame] * 4)
    reader = desk.reader()
    for fault in ("it ended", "it ended", None, "it ended"):
        desk.rescue_fault = fault
        reader.turn()
    assert desk.logged == [RescueFault("it ended")] * 2
