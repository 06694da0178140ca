"""The pipeline with a rescue that does as the test says, and a clock that the test moves."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols import FrameReader, FrameReaderKind, Symbol, open_frame_reader
from drivers.symbols.arms import IN_TURN
from drivers.symbols.bounds import SYMBOLS_MAX
from drivers.symbols.course import FREE_FAILURES
from drivers.symbols.frame import WHOLE_MAX_PIXELS, WHOLE_MIN_PIXELS, frame_of
from drivers.symbols.pipeline import Pipeline
from drivers.symbols.worker import Answer
from tests.drivers.symbol_pictures import aztec, luma_of, qr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.symbols.region import Region

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
class _Rescue:
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
class _Clock:
    now_ns: int = 0
    step_ns: int = 0

    def __call__(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


@pytest.fixture
def rescue() -> _Rescue:
    return _Rescue()


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def pipeline(rescue: _Rescue, clock: _Clock) -> Pipeline:
    return Pipeline(rescue, 16.0, monotonic_ns=clock, cpu_ns=lambda: 0)


def test_a_plain_code_is_read_whole_and_needs_no_rescue(pipeline: Pipeline, rescue: _Rescue) -> None:
    seen = pipeline.read(room(qr("HC1:PLAIN")), 7)
    assert ([symbol.text for symbol in seen.symbols], seen.hint, seen.arm) == (["HC1:PLAIN"], None, "whole")
    assert seen.captured_ns == 7
    assert seen.region is not None
    assert seen.symbols[0].data == b"HC1:PLAIN"
    assert (rescue.offered, pipeline.pending) == ([], False)


def test_an_empty_frame_has_a_hint_and_no_rescue(pipeline: Pipeline, rescue: _Rescue) -> None:
    for _ in range(12):
        seen = pipeline.read(EMPTY)
        assert (seen.symbols, seen.arm, seen.region) == ([], None, None)
        assert seen.hint is not None
    assert rescue.offered == []


def test_an_inverted_code_is_read_by_its_arm(pipeline: Pipeline) -> None:
    seen = pipeline.read(room(255 - qr(TEXT, scale=3)))
    assert ([symbol.text for symbol in seen.symbols], seen.arm) == ([TEXT], "inverted")


def test_an_aztec_code_has_its_turn(pipeline: Pipeline) -> None:
    arms = [pipeline.read(room(aztec(TEXT[:60]))).arm for _ in range(len(IN_TURN) + 6)]
    assert "aztec" in arms
    assert arms[arms.index("aztec") + 1] == "aztec", "what read last is tried first"


def test_large_modules_are_read_too(pipeline: Pipeline) -> None:
    large = cv2.resize(qr("HC1:LARGE", scale=40), (1160, 1160), interpolation=cv2.INTER_AREA)
    assert "HC1:LARGE" in {symbol.text for _ in range(12) for symbol in pipeline.read(large).symbols}


def test_a_frame_in_vain_is_rescued_and_the_answer_is_as_of_that_frame(pipeline: Pipeline, rescue: _Rescue) -> None:
    frame = hard()
    seen = pipeline.read(frame, 1)
    assert (seen.symbols, seen.region is not None, pipeline.pending) == ([], True, True)
    assert pipeline.poll(0) is None
    pipeline.read(frame, 2)
    rescue.answers = [Answer([RESCUED])]
    seen = pipeline.read(frame, 3)
    assert (seen.symbols, seen.arm, seen.captured_ns, seen.hint) == ([RESCUED], "rescue", 1, None)
    assert len(rescue.offered) == 1
    assert not pipeline.pending


def test_an_answer_between_two_frames_needs_no_frame(pipeline: Pipeline, rescue: _Rescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([RESCUED])]
    answer = pipeline.poll(1)
    assert answer is not None
    assert (answer.symbols, answer.captured_ns) == ([RESCUED], 1)
    assert pipeline.poll(1) is None


def test_a_frame_that_reads_goes_before_a_rescue_s_answer(pipeline: Pipeline, rescue: _Rescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([RESCUED])]
    seen = pipeline.read(room(qr("HC1:PLAIN")), 2)
    assert ([symbol.text for symbol in seen.symbols], seen.captured_ns) == (["HC1:PLAIN"], 2)


def test_a_rescue_in_vain_is_followed_by_another_of_the_newest_frame(pipeline: Pipeline, rescue: _Rescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([])]
    answer = pipeline.poll(1)
    assert answer is not None
    assert (answer.symbols, answer.captured_ns) == ([], 1)
    pipeline.read(hard(), 2)
    assert len(rescue.offered) == 2


def test_a_picture_that_never_reads_is_rescued_ever_more_rarely(
    pipeline: Pipeline, rescue: _Rescue, clock: _Clock
) -> None:
    frame = hard()
    for _ in range(15 * 30):
        clock.now_ns += 66_000_000
        rescue.answers = [Answer([])] if rescue.busy else []
        pipeline.read(frame)
    assert FREE_FAILURES <= len(rescue.offered) <= FREE_FAILURES + 10


def test_what_is_forgotten_has_no_answer_and_another_presentation(pipeline: Pipeline, rescue: _Rescue) -> None:
    pipeline.read(hard(), 1)
    pipeline.forget()
    assert not pipeline.pending
    rescue.answers = [Answer([RESCUED])]
    assert pipeline.read(hard(), 2).symbols == []
    assert [presentation for _, presentation in rescue.offered] == [0, 1]


def test_a_stream_s_rescues_are_over_by_the_next_frame_and_a_still_s_take_what_they_need(
    pipeline: Pipeline, rescue: _Rescue, clock: _Clock
) -> None:
    for still in (0, 0, 1):  # the last is a stream's first
        rescue.answers = [Answer([])]
        pipeline.read(hard(), still)
    for number in range(1, 4):
        clock.now_ns += 66_000_000
        rescue.answers = [Answer([])]
        pipeline.read(hard(), 1 + number * 66_000_000)
    assert rescue.limits_ms == [None, None, None, 63, 63, 63]


def test_an_answer_that_comes_while_arms_are_tried_is_this_frame_s(pipeline: Pipeline, rescue: _Rescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [None, Answer([RESCUED])]
    assert pipeline.read(hard(), 2).symbols == [RESCUED]


def test_a_rescue_that_takes_nothing_is_not_waited_for(pipeline: Pipeline, rescue: _Rescue) -> None:
    rescue.takes, rescue.fault = False, "it ended"
    pipeline.read(hard())
    assert (pipeline.pending, pipeline.ready(0), pipeline.fault) == (False, False, "it ended")
    pipeline.close()
    assert rescue.closed == 1


def test_without_a_rescue_all_else_works() -> None:
    pipeline = Pipeline(None, 16.0)
    assert pipeline.read(hard()).symbols == []
    assert (pipeline.pending, pipeline.poll(0), pipeline.fault, pipeline.ready(0)) == (False, None, None, True)
    pipeline.close()


def test_nothing_begins_that_the_budget_does_not_hold(rescue: _Rescue) -> None:
    clock = _Clock(step_ns=20_000_000)  # each look at it takes longer than a frame may
    pipeline = Pipeline(rescue, 16.0, monotonic_ns=clock, cpu_ns=lambda: 0)
    assert pipeline.read(room(255 - qr(TEXT, scale=3))).symbols == []
    pipeline = Pipeline(rescue, 1000.0, monotonic_ns=clock, cpu_ns=lambda: 0)
    assert pipeline.read(room(255 - qr(TEXT, scale=3))).arm == "inverted"


def test_frames_that_are_dear_to_read_are_reduced() -> None:
    now_ns = 0

    def slow() -> int:
        nonlocal now_ns
        now_ns += 200_000_000
        return now_ns

    pipeline = Pipeline(None, 16.0, monotonic_ns=lambda: 0, cpu_ns=slow)
    frame = np.full((720, 1280), 255, np.uint8)
    code = qr("HC1:PLAIN", scale=8)
    frame[100 : 100 + code.shape[0], 200 : 200 + code.shape[1]] = code
    before = pipeline.read(frame).symbols[0].corners
    after = pipeline.read(frame).symbols[0].corners
    assert pipeline._course.costs.expected_ns("whole", 1) * frame.size > 16e6
    assert np.abs(np.array(before) - np.array(after)).max() <= 6


@pytest.mark.parametrize(("pixels_max", "reduction"), [(1e9, 1), (400_000, 2), (1.0, 3)])
def test_a_frame_is_reduced_to_what_the_machine_can_but_not_to_nothing(pixels_max: float, reduction: int) -> None:
    frame = frame_of(np.zeros((720, 1280), np.uint8), pixels_max)
    assert frame.reduction == reduction
    assert frame.small.size <= max(WHOLE_MIN_PIXELS, min(pixels_max, WHOLE_MAX_PIXELS))


def test_a_small_code_in_a_large_photograph_is_read_where_there_is_time() -> None:
    photograph = np.full((3000, 4000), 160, np.uint8)
    code = qr("HC1:SMALL", scale=3)
    photograph[2000 : 2000 + code.shape[0], 3000 : 3000 + code.shape[1]] = code
    pipeline = Pipeline(None, 2000.0)
    (symbol,) = pipeline.read(photograph).symbols
    assert symbol.text == "HC1:SMALL"
    assert symbol.corners[0] == pytest.approx((3012, 2012), abs=8)


def test_bytes_that_are_no_text_and_codes_in_numbers_are_told(pipeline: Pipeline) -> None:
    content = bytes(range(256))
    (symbol,) = pipeline.read(luma_of(segno.make(content, mode="byte", micro=False))).symbols
    assert (symbol.text, symbol.data) == ("", content)
    sheet = np.vstack([np.hstack([qr(f"HC1:{row}{column}", 3) for column in range(10)]) for row in range(10)])
    assert len(pipeline.read(sheet).symbols) == SYMBOLS_MAX


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 90), data=st.binary(min_size=1, max_size=4000), looks=st.integers(1, 3))
def test_no_pixels_raise_anything(width: int, data: bytes, looks: int) -> None:
    pixels, pipeline = np.frombuffer(data * width, np.uint8).reshape(-1, width), Pipeline(_Rescue(), 50.0)
    for _ in range(looks):
        assert isinstance(pipeline.read(pixels).symbols, list)


@pytest.mark.parametrize("kind", ["pipeline", "zxing", "pyzbar"])
def test_every_kind_is_a_reader_of_frames(kind: FrameReaderKind) -> None:
    with closing(open_frame_reader(kind, budget_ms=16, rescue_limit_ms=0)) as reader:
        assert reader.ready(0)
        seen = reader.read(room(qr("HC1:PLAIN")), 3)
        assert ([symbol.text for symbol in seen.symbols], seen.captured_ns) == (["HC1:PLAIN"], 3)
        assert seen.region is not None
        reader.forget()
        assert reader.read(EMPTY).hint is not None
        assert (reader.pending, reader.fault, reader.poll(0)) == (False, None, None)
        _refuses(reader)
        reader.close()


def _refuses(reader: FrameReader) -> None:
    for wrong in (np.zeros((0, 4), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32)):
        with pytest.raises(ValueError, match="a picture"):
            reader.read(wrong)


def test_the_pipeline_starts_its_rescue_and_ends_it() -> None:
    reader = open_frame_reader("pipeline", budget_ms=16, rescue_limit_ms=300)
    with closing(reader):
        assert reader.ready(30), "its process has loaded what it needs"
        assert reader.fault is None
    assert not reader.ready(0)
