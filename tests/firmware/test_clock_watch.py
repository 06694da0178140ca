"""A clock from look to look, and over power cuts: jumps and their return, what is believed, what is kept."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.timekeeping import (
    BUILD_DATE,
    STEP_MAX,
    Anchor,
    ClockFault,
    Kept,
    Span,
    Watch,
    span_of,
)
from tests.firmware.clocks import DAY, HOUR, IN_1970, IN_2038, ISSUED, MINUTE, MONTH, NEWER, SPAN


@dataclass
class Device:
    """A clock that a test sets, and the true time beside it."""

    true: datetime = NEWER
    wrong_by: timedelta = timedelta(0)
    synchronised: bool = True
    span: Span = SPAN
    now_ns: int = 0
    watch: Watch = field(default_factory=lambda: Watch.begun(0))

    def look(self) -> ClockFault | None:
        shown = self.true + self.wrong_by
        self.watch = self.watch.looked(shown, self.now_ns, synchronised=self.synchronised, span=self.span)
        return self.watch.fault

    def wait(self, time: timedelta, step: timedelta = MINUTE) -> set[ClockFault | None]:
        """Let time pass with a look now and then; return what they said."""
        seen = set()
        end = self.true + time
        while self.true < end:
            self.true += step
            self.now_ns += round(step.total_seconds() * 1e9)
            seen.add(self.look())
        return seen

    def cut(self, off: timedelta = HOUR) -> None:
        """Cut the power for a while."""
        self.true += off
        self.now_ns = 0
        self.watch = Watch.begun(0, self.watch.kept)


def test_a_clock_is_believed_as_soon_as_it_is_right() -> None:
    device = Device(wrong_by=IN_1970 - NEWER, synchronised=False)
    assert device.look() == "clock-behind"
    assert device.wait(HOUR) == {"clock-behind"}
    device.synchronised = True
    assert device.look() == "clock-behind"
    device.wrong_by = timedelta(0)
    assert device.look() is None


def test_what_is_wrong_is_told_apart() -> None:
    for wrong_by, synchronised, fault in (
        (IN_1970 - NEWER, True, "clock-behind"),
        (IN_2038 - NEWER, True, "clock-ahead"),
        (timedelta(0), False, "clock-not-synchronised"),
    ):
        assert Device(wrong_by=wrong_by, synchronised=synchronised).look() == fault


@pytest.mark.parametrize("to", [IN_1970, IN_2038])
def test_a_jump_out_of_the_span_and_back_leaves_no_trace(to: datetime) -> None:
    device = Device()
    device.wait(2 * HOUR)
    kept = device.watch.kept
    device.wrong_by = to - device.true
    assert device.wait(3 * HOUR) == {"clock-behind" if to == IN_1970 else "clock-ahead"}
    assert device.watch.shown == kept.shown
    device.wrong_by = timedelta(0)
    assert device.look() is None


def test_a_real_time_clock_that_was_off_by_minutes_at_the_start_may_be_corrected_by_the_network() -> None:
    for wrong_by in (-4 * MINUTE, 4 * MINUTE):
        device = Device(wrong_by=wrong_by)
        assert device.wait(10 * MINUTE) == {None}
        device.wrong_by = timedelta(0)
        assert device.wait(2 * HOUR) == {None}


@pytest.mark.parametrize("jump", [-HOUR, 10 * DAY, STEP_MAX + timedelta(seconds=1), -STEP_MAX - timedelta(seconds=1)])
def test_a_jump_within_the_span_is_not_believed_until_it_is_back(jump: timedelta) -> None:
    device = Device()
    device.wait(2 * HOUR)
    device.wrong_by = jump
    assert device.look() == "clock-jumped"
    assert device.wait(HOUR - 2 * MINUTE) == {"clock-jumped"}
    device.wrong_by = timedelta(0)
    assert device.wait(MINUTE) == {None}


def test_a_clock_that_was_set_is_believed_when_it_was_steady_and_vouched_for_for_an_hour() -> None:
    device = Device()
    device.wait(2 * HOUR)
    device.wrong_by = -HOUR
    device.wait(50 * MINUTE)
    device.synchronised = False
    assert device.look() == "clock-not-synchronised"
    device.synchronised = True
    assert device.wait(60 * MINUTE) == {"clock-jumped"}
    assert device.wait(MINUTE) == {None}


def test_one_that_is_set_again_and_again_is_not() -> None:
    device = Device()
    device.wait(2 * HOUR)
    for _ in range(6):
        device.wrong_by += 2 * STEP_MAX
        assert device.wait(50 * MINUTE) == {"clock-jumped"}


def test_two_jumps_by_way_of_2038_are_no_way_around() -> None:
    device = Device()
    device.wait(2 * HOUR)
    device.wrong_by = IN_2038 - device.true
    assert device.look() == "clock-ahead"
    device.wrong_by = 10 * DAY
    assert device.look() == "clock-jumped"


def test_a_clock_that_is_disciplined_by_seconds_stays_trusted() -> None:
    device = Device()
    for _ in range(100):
        device.wrong_by += timedelta(seconds=20)
        assert device.wait(HOUR) == {None}


def test_what_adds_up_to_a_jump_within_an_hour_is_one() -> None:
    device = Device()
    device.look()
    seen = set()
    for _ in range(7):
        device.wrong_by += STEP_MAX / 6
        seen |= device.wait(MINUTE)
    assert seen == {None, "clock-jumped"}


def test_a_pause_without_anybody_who_vouches_changes_nothing() -> None:
    device = Device()
    device.wait(HOUR)
    device.synchronised = False
    assert device.wait(DAY) == {"clock-not-synchronised"}
    device.synchronised = True
    assert device.look() is None


def test_trust_data_raise_the_floor_and_the_ceiling_at_once() -> None:
    device = Device(true=ISSUED + MONTH + DAY)
    assert device.look() == "clock-ahead"
    device.span = span_of("system", ISSUED + MONTH, MONTH)
    assert device.look() is None
    assert device.watch.floor.at >= ISSUED + MONTH
    device.span = SPAN
    assert device.look() == "clock-ahead"


# --- over power cuts


def test_the_floor_rises_by_what_the_device_counted_itself() -> None:
    device = Device()
    device.look()
    device.wait(10 * HOUR)
    assert device.watch.floor.at == ISSUED + 9 * HOUR
    device.cut()
    device.wrong_by = ISSUED + 9 * HOUR - MINUTE - device.true
    assert device.look() == "clock-behind"


def test_no_false_clock_poisons_the_floor() -> None:
    device = Device()
    device.wait(2 * HOUR)
    device.wrong_by = 10 * DAY
    device.wait(5 * HOUR)
    assert device.watch.fault is None  # nobody could tell
    device.cut()
    device.wrong_by = timedelta(0)
    assert device.look() == "clock-behind"  # before what a steady clock showed
    assert device.watch.floor.at < device.true
    assert device.wait(HOUR - MINUTE) == {"clock-behind"}
    device.wait(2 * MINUTE)
    assert device.watch.fault is None
    device.cut()
    assert device.look() is None


def test_a_jump_that_lasts_less_than_an_hour_leaves_nothing_behind_after_a_power_cut() -> None:
    device = Device()
    device.wait(2 * HOUR)
    device.wrong_by = 10 * DAY
    device.wait(50 * MINUTE)
    device.cut()
    device.wrong_by = timedelta(0)
    assert device.look() is None


def test_an_hour_back_is_noticed_over_a_power_cut_too() -> None:
    device = Device()
    device.wait(3 * HOUR)
    device.cut(off=5 * MINUTE)
    device.wrong_by = -HOUR
    assert device.wait(40 * MINUTE) == {"clock-behind"}
    device.wrong_by = timedelta(0)
    assert device.look() is None


def test_a_clock_that_lost_some_minutes_over_a_power_cut_is_believed() -> None:
    device = Device()
    device.wait(3 * HOUR)
    device.cut(off=timedelta(0))
    device.wrong_by = -STEP_MAX
    assert device.look() is None


def test_a_clock_from_before_the_build_raises_nothing() -> None:
    assert Watch.begun(7, Kept(IN_1970)).floor == Anchor(BUILD_DATE, 7)


STEPS = st.lists(
    st.tuples(
        st.integers(-40 * 24 * 60, 40 * 24 * 60).map(lambda minutes: minutes * MINUTE),
        st.booleans(),
        st.sampled_from([timedelta(seconds=1), MINUTE, 61 * MINUTE, DAY]),
        st.booleans(),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_a_clock_does_the_floor_is_never_after_the_true_time(
    steps: list[tuple[timedelta, bool, timedelta, bool]],
) -> None:
    device = Device()
    for wrong_by, synchronised, time, cut in steps:
        device.wrong_by, device.synchronised = wrong_by, synchronised
        before = device.watch.floor.at
        device.wait(time, step=time)
        assert before <= device.watch.floor.at <= device.true
        if cut:
            device.cut()
    device.wrong_by, device.synchronised = timedelta(0), True
    if device.true + 2 * HOUR <= SPAN.ceiling:  # else there have to be newer trust data
        device.wait(HOUR + MINUTE)
        assert device.watch.fault is None
