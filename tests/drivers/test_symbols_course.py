"""What is carried from frame to frame: places, presentations, how often a thing is tried in vain."""

from __future__ import annotations

import pytest

from drivers.symbols import Symbol
from drivers.symbols.course import (
    ABSENT_FRAMES,
    BEGINS_FRAMES,
    DOUBTED_FRAMES,
    FREE_FAILURES,
    HASTY_RESCUES,
    PATIENT_FRAMES,
    PAUSE_NS,
    RARELY,
    STAYS_FRAMES,
    THOROUGH_EVERY,
    Costs,
    Course,
    around,
    same_place,
)
from drivers.symbols.region import Region

SURE, DOUBTED = Region(100, 100, 200, 200, 300.0), Region(100, 100, 200, 200, 90.0)
ELSEWHERE = Region(600, 300, 200, 200, 300.0)


def symbol(text: str) -> Symbol:
    return Symbol(text, "QRCode", ((10, 20), (50, 20), (50, 70), (10, 70)))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (SURE, True),
        (SURE._replace(x=130, y=120), True),
        (SURE._replace(x=250), False),
        (SURE._replace(width=500, height=500), False),
        (ELSEWHERE, False),
    ],
)
def test_two_boxes_are_one_place_where_they_have_most_in_common(other: Region, *, same: bool) -> None:
    assert same_place(SURE, other) is same
    assert same_place(other, SURE) is same


def test_the_box_around_a_code_lies_in_the_frame() -> None:
    assert around(symbol("a"))[:4] == (10, 20, 40, 50)
    point = Symbol("a", "QRCode", ((-5, -5),) * 4)
    assert around(point)[:4] == (0, 0, 1, 1)


def test_where_the_code_was_comes_first() -> None:
    course = Course()
    assert course.tracked([ELSEWHERE, SURE]) == [ELSEWHERE, SURE]
    course.read([symbol("a")], "whole")
    course.region = SURE
    assert course.tracked([ELSEWHERE, SURE]) == [SURE, ELSEWHERE]


def test_another_text_and_a_while_of_nothing_are_other_presentations() -> None:
    course = Course()
    course.read([symbol("a")], "sharpened")
    course.read([symbol("a"), symbol("b")], "sharpened")
    assert (course.presentation, course.liked) == (0, "sharpened")
    course.read([symbol("c")], "whole")
    assert course.presentation == 1
    for _ in range(ABSENT_FRAMES - 1):
        course.tracked([])
    assert course.presentation == 1
    course.tracked([])
    assert (course.presentation, course.liked, course.region) == (2, None, None)
    course.forget()
    assert course.presentation == 3


def due(course: Course, region: Region | None, frames: int) -> list[int]:
    """Show a region in vain; return in which frames the arms were due."""
    found = []
    for number in range(frames):
        course.tracked([region] if region else [])
        if course.arms_due(region):
            found.append(number)
    return found


def test_a_code_is_tried_in_each_frame_until_it_is_in_vain() -> None:
    tried = due(Course(), SURE, 200)
    assert tried[: PATIENT_FRAMES + 1] == list(range(PATIENT_FRAMES + 1))
    assert len(tried) - PATIENT_FRAMES <= (200 - PATIENT_FRAMES) / RARELY + 2


def test_what_may_be_lettering_is_tried_once_it_stays() -> None:
    tried = due(Course(), DOUBTED, 100)
    assert tried[:3] == [STAYS_FRAMES[0], STAYS_FRAMES[0] + 1, STAYS_FRAMES[0] + 2]
    assert len(tried) <= DOUBTED_FRAMES + (100 - DOUBTED_FRAMES) / RARELY


def test_an_empty_room_is_looked_at_whole_by_arms_at_first_and_then_rarely() -> None:
    tried = due(Course(), None, 40)
    assert tried[:BEGINS_FRAMES] == list(range(BEGINS_FRAMES))
    assert len(tried) <= BEGINS_FRAMES + 40 / RARELY


def test_hints_are_looked_for_in_each_frame_of_a_code_and_rarely_in_an_empty_room() -> None:
    course, looked = Course(), 0
    for _ in range(40):
        course.tracked([])
        looked += course.hint_due()
        course.hint = "no-code"
    assert looked <= 1 + 40 / RARELY
    course.tracked([SURE])
    assert course.hint_due()


def rescues(region: Region, seconds: int) -> list[float]:
    """Rescue in vain whenever it is due, 15 frames a second and each in no time; return when."""
    course, at = Course(), []
    for frame in range(seconds * 15):
        now_ns = frame * 66_666_667
        course.tracked([region])
        if course.rescue_due(region, now_ns):
            at.append(now_ns / 1e9)
            course.failed(region, now_ns)
    return at


def test_a_code_that_stays_unread_is_rescued_ever_more_rarely() -> None:
    at = rescues(SURE, 120)
    assert at[FREE_FAILURES - 1] < 3
    assert at[-1] - at[-2] >= PAUSE_NS[1] / 1e9
    assert len(at) < FREE_FAILURES + 6 + 120 / (PAUSE_NS[1] / 1e9)


def test_what_may_be_lettering_is_rescued_after_a_while_and_hardly_again() -> None:
    at = rescues(DOUBTED, 30)
    assert at[0] >= STAYS_FRAMES[1] / 15
    assert at[1] - at[0] >= 2
    assert len(at) <= 6


def test_what_moved_or_was_read_is_rescued_at_once_again() -> None:
    course = Course()
    for _ in range(FREE_FAILURES + 3):
        course.tracked([SURE])
        course.failed(SURE, 0)
    assert not course.rescue_due(SURE, 0)
    assert course.rescue_due(ELSEWHERE, 0)
    for _ in range(FREE_FAILURES + 3):
        course.failed(SURE, 0)
    assert not course.rescue_due(SURE, 0)
    course.read([symbol("a")], "rescue")
    assert course.rescue_due(SURE, 0)


def test_costs_rise_fast_and_fall_slowly() -> None:
    costs = Costs()
    usual = costs.expected_ns("sharpened", 1)
    costs.learn("sharpened", 1000, round(usual * 11 * 1000))
    risen = costs.expected_ns("sharpened", 1)
    assert risen == pytest.approx(3 * usual, rel=0.01)
    costs.learn("sharpened", 1000, round(usual * 1000))
    assert 2.8 * usual < costs.expected_ns("sharpened", 1) < risen
    before = costs.expected_ns("sharpened", 1)
    costs.forgive("sharpened")
    assert 0.9 * before < costs.expected_ns("sharpened", 1) < before


def test_what_does_not_read_at_once_gets_a_thorough_rescue_now_and_then() -> None:
    course = Course()
    limits = [course.rescue_ns(60_000_000, 66_000_000) for _ in range(HASTY_RESCUES + 2 * THOROUGH_EVERY)]
    assert limits == [60_000_000] * HASTY_RESCUES + [60_000_000, 60_000_000, None] * 2
    course.forget()
    assert course.rescue_ns(60_000_000, 66_000_000) == 60_000_000


@pytest.mark.parametrize(
    ("left_ms", "period_ms", "given_ms"), [(45, 66, 45), (44, 66, 110), (30, 33, 63), (5, 10, 45), (-40, 66, 92)]
)
def test_a_hasty_rescue_has_whole_frames_enough_to_read(left_ms: int, period_ms: int, given_ms: int) -> None:
    assert Course().rescue_ns(left_ms * 10**6, period_ms * 10**6) == given_ms * 10**6


def test_a_still_s_rescue_has_no_next_frame() -> None:
    assert Course().rescue_ns(60_000_000, 0) is None
