"""What the pipeline reads in a frame: arms in turn, budgets, sizes, any pixels; and every kind of reader of frames."""

from __future__ import annotations

from contextlib import closing

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols import FrameReader, FrameReaderKind, open_frame_reader
from drivers.symbols.arms import IN_TURN
from drivers.symbols.bounds import SYMBOLS_MAX
from drivers.symbols.frame import WHOLE_MAX_PIXELS, WHOLE_MIN_PIXELS, frame_of
from drivers.symbols.pipeline import Pipeline
from tests.drivers.pipeline_fakes import EMPTY, TEXT, FakeClock, FakeRescue, pipeline_with, room
from tests.drivers.symbol_pictures import aztec, luma_of, qr


@pytest.fixture
def pipeline() -> Pipeline:
    return pipeline_with(FakeRescue(), FakeClock())


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


def test_nothing_begins_that_the_budget_does_not_hold() -> None:
    rescue, clock = FakeRescue(), FakeClock(step_ns=20_000_000)  # each look at it takes longer than a frame may
    pipeline = pipeline_with(rescue, clock)
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
    pixels, pipeline = np.frombuffer(data * width, np.uint8).reshape(-1, width), Pipeline(FakeRescue(), 50.0)
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
