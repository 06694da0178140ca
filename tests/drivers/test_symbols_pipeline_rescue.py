"""The pipeline and its rescue: when it is asked, when its answer is taken, and what it is told."""

from __future__ import annotations

import pytest

from drivers.symbols.course import FREE_FAILURES
from drivers.symbols.pipeline import Pipeline
from drivers.symbols.worker import Answer
from tests.drivers.pipeline_fakes import EMPTY, RESCUED, FakeClock, FakeRescue, hard, pipeline_with, room
from tests.drivers.symbol_pictures import qr


@pytest.fixture
def rescue() -> FakeRescue:
    return FakeRescue()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pipeline(rescue: FakeRescue, clock: FakeClock) -> Pipeline:
    return pipeline_with(rescue, clock)


def test_a_plain_code_is_read_whole_and_needs_no_rescue(pipeline: Pipeline, rescue: FakeRescue) -> None:
    seen = pipeline.read(room(qr("HC1:PLAIN")), 7)
    assert ([symbol.text for symbol in seen.symbols], seen.hint, seen.arm) == (["HC1:PLAIN"], None, "whole")
    assert seen.captured_ns == 7
    assert seen.region is not None
    assert seen.symbols[0].data == b"HC1:PLAIN"
    assert (rescue.offered, pipeline.pending) == ([], False)


def test_an_empty_frame_has_a_hint_and_no_rescue(pipeline: Pipeline, rescue: FakeRescue) -> None:
    for _ in range(12):
        seen = pipeline.read(EMPTY)
        assert (seen.symbols, seen.arm, seen.region) == ([], None, None)
        assert seen.hint is not None
    assert rescue.offered == []


def test_a_frame_in_vain_is_rescued_and_the_answer_is_as_of_that_frame(pipeline: Pipeline, rescue: FakeRescue) -> None:
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


def test_an_answer_between_two_frames_needs_no_frame(pipeline: Pipeline, rescue: FakeRescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([RESCUED])]
    answer = pipeline.poll(1)
    assert answer is not None
    assert (answer.symbols, answer.captured_ns) == ([RESCUED], 1)
    assert pipeline.poll(1) is None


def test_a_frame_that_reads_goes_before_a_rescue_s_answer(pipeline: Pipeline, rescue: FakeRescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([RESCUED])]
    seen = pipeline.read(room(qr("HC1:PLAIN")), 2)
    assert ([symbol.text for symbol in seen.symbols], seen.captured_ns) == (["HC1:PLAIN"], 2)


def test_a_rescue_in_vain_is_followed_by_another_of_the_newest_frame(pipeline: Pipeline, rescue: FakeRescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [Answer([])]
    answer = pipeline.poll(1)
    assert answer is not None
    assert (answer.symbols, answer.captured_ns) == ([], 1)
    pipeline.read(hard(), 2)
    assert len(rescue.offered) == 2


def test_a_picture_that_never_reads_is_rescued_ever_more_rarely(
    pipeline: Pipeline, rescue: FakeRescue, clock: FakeClock
) -> None:
    frame = hard()
    for _ in range(15 * 30):
        clock.now_ns += 66_000_000
        rescue.answers = [Answer([])] if rescue.busy else []
        pipeline.read(frame)
    assert FREE_FAILURES <= len(rescue.offered) <= FREE_FAILURES + 10


def test_what_is_forgotten_has_no_answer_and_another_presentation(pipeline: Pipeline, rescue: FakeRescue) -> None:
    pipeline.read(hard(), 1)
    pipeline.forget()
    assert not pipeline.pending
    rescue.answers = [Answer([RESCUED])]
    assert pipeline.read(hard(), 2).symbols == []
    assert [presentation for _, presentation in rescue.offered] == [0, 1]


def test_a_stream_s_rescues_are_over_by_the_next_frame_and_a_still_s_take_what_they_need(
    pipeline: Pipeline, rescue: FakeRescue, clock: FakeClock
) -> None:
    for still in (0, 0, 1):  # the last is a stream's first
        rescue.answers = [Answer([])]
        pipeline.read(hard(), still)
    for number in range(1, 4):
        clock.now_ns += 66_000_000
        rescue.answers = [Answer([])]
        pipeline.read(hard(), 1 + number * 66_000_000)
    assert rescue.limits_ms == [None, None, None, 63, 63, 63]


def test_an_answer_that_comes_while_arms_are_tried_is_this_frame_s(pipeline: Pipeline, rescue: FakeRescue) -> None:
    pipeline.read(hard(), 1)
    rescue.answers = [None, Answer([RESCUED])]
    assert pipeline.read(hard(), 2).symbols == [RESCUED]


def test_a_rescue_that_takes_nothing_is_not_waited_for(pipeline: Pipeline, rescue: FakeRescue) -> None:
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
