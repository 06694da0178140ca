"""When a clock is believed: 1970, 2038, an hour back, jumps and their return, with power cuts in between."""

from datetime import datetime, timedelta

import pytest

from firmware.timekeeping import (
    BUILD_DATE,
    LONGEST_USE,
    STEADY_NS,
    STEP_MAX,
    Anchor,
    Span,
    clock_fault,
    span_of,
)
from tests.firmware.clocks import DAY, IN_2038, ISSUED, MONTH, NEWER, SPAN


@pytest.mark.parametrize(
    ("now", "synchronised", "trusted"),
    [
        (NEWER, True, True),
        (BUILD_DATE, True, True),
        (BUILD_DATE - timedelta(microseconds=1), True, False),
        (NEWER, False, False),
        (BUILD_DATE + LONGEST_USE, True, True),
        (BUILD_DATE + LONGEST_USE + timedelta(microseconds=1), True, False),
        (IN_2038, True, False),
    ],
)
def test_a_clock_is_trusted_when_synchronised_and_within_its_span(
    now: datetime,
    synchronised: bool,  # noqa: FBT001 - a table of cases
    trusted: bool,  # noqa: FBT001 - likewise
) -> None:
    assert (clock_fault(now, synchronised=synchronised, span=span_of("system")) is None) is trusted


@pytest.mark.parametrize("year", [1970, 2038])
def test_a_clock_that_is_assumed_to_be_right_has_no_bounds(year: int) -> None:
    far_away = BUILD_DATE.replace(year=year)
    assert clock_fault(far_away, synchronised=True, span=span_of("assumed")) is None
    assert clock_fault(far_away, synchronised=True, span=span_of("system")) is not None


def test_signed_trust_data_set_floor_and_ceiling() -> None:
    assert Span(ISSUED, ISSUED + MONTH) == SPAN
    before_the_build = BUILD_DATE - DAY
    assert span_of("system", before_the_build, MONTH) == Span(BUILD_DATE, before_the_build + MONTH)


def test_a_clock_is_steady_after_an_hour_in_which_it_was_not_set() -> None:
    anchor = Anchor(NEWER, 5)
    slow = anchor.seen(NEWER + timedelta(hours=1) - STEP_MAX, 5 + STEADY_NS)
    assert slow is anchor
    assert not anchor.steady(4 + STEADY_NS)
    assert anchor.steady(5 + STEADY_NS)


@pytest.mark.parametrize("step", [STEP_MAX + timedelta(seconds=1), -STEP_MAX - timedelta(seconds=1)])
def test_a_clock_that_was_set_is_steady_only_an_hour_later(step: timedelta) -> None:
    later = Anchor(NEWER, 5).seen(NEWER + timedelta(hours=1) + step, 5 + STEADY_NS)
    assert not later.steady(5 + STEADY_NS)
    assert later.steady(5 + 2 * STEADY_NS)
