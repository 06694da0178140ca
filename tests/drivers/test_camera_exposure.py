"""The exposure's controller: it comes to the target, and stays there, whatever the sensor's delay and curve."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.exposure import SAME, SETTLE_FRAMES, Exposure, Limits, State, started, stepped

LIMITS = Limits(100, 8000, 16)


class Sensor:
    """Make a light of 1 (white at 8 ms) to brightness by a curve, each exposure so many frames after it was told."""

    def __init__(self, light: float, gamma: float, delay: int, first: Exposure) -> None:
        self.light, self._gamma = light, gamma
        self._queue = deque([first] * delay)

    def frame(self, told: Exposure) -> tuple[float, Exposure]:
        self._queue.append(told)
        used = self._queue.popleft()
        seen = min(1.0, self.light * used.product / 8000)
        return 255 * seen ** (1 / self._gamma), used


def played(sensor: Sensor, frames: int, *, tells: bool, first: Exposure) -> list[tuple[float, Exposure]]:
    """Let the controller take over from the automatic; give each frame's brightness, and what was told after it."""
    state = started(first if tells else None, LIMITS)
    seen = []
    for _ in range(frames):
        bright, used = sensor.frame(state.told)
        state = stepped(state, bright, used if tells else None, LIMITS)
        seen.append((bright, state.told))
    return seen


@given(
    light=st.floats(0.02, 60), gamma=st.floats(1.0, 2.6), delay=st.integers(1, 4), tells=st.booleans(),
    first=st.floats(200, 100_000).map(lambda product: Exposure(min(product, 33_000), max(1, product / 33_000))),
)  # fmt: skip
def test_it_comes_to_the_target_and_does_not_swing(
    light: float, gamma: float, delay: int, *, tells: bool, first: Exposure
) -> None:
    seen = played(Sensor(light, gamma, delay, first), 120, tells=tells, first=first)
    told = [exposure for _, exposure in seen[70:]]
    assert len(set(told)) == 1, "it rests"
    bright = seen[-1][0]
    assert 150 <= bright <= 239 or told[0].product >= 8000 * 16 / SAME


@given(light=st.floats(0.05, 40), gamma=st.floats(1.0, 2.6), delay=st.integers(1, 4), tells=st.booleans())
def test_it_turns_back_at_most_once(light: float, gamma: float, delay: int, *, tells: bool) -> None:
    first = Exposure(33_000, 2.0)
    products = [told.product for _, told in played(Sensor(light, gamma, delay, first), 120, tells=tells, first=first)]
    changes = [after - before for before, after in pairwise(products) if after != before]
    turns = sum(one * other < 0 for one, other in pairwise(changes))
    assert turns <= 1, products


@pytest.mark.parametrize(("tells", "most"), [(True, 18), (False, 24)])
def test_a_telephone_ten_times_too_bright_is_right_within_so_many_frames(*, tells: bool, most: int) -> None:
    first = Exposure(33_000, 2.0)
    seen = played(Sensor(10 * 8000 / 66_000, 2.2, 3, first), 60, tells=tells, first=first)
    assert next(number for number, (bright, _) in enumerate(seen) if bright < 240) < most


@given(product=st.floats(0, 1e9))
def test_time_is_used_up_before_gain_and_both_have_their_bounds(product: float) -> None:
    time_us, gain = LIMITS.split(product)
    assert 100 <= time_us <= 8000
    assert 1 <= gain <= 16
    assert gain == 1 or time_us == 8000
    if 100 <= product <= 8000 * 16:
        assert time_us * gain == pytest.approx(product)


@given(bright=st.floats(0, 255), time_us=st.floats(100, 8000), gain=st.floats(1, 16))
def test_one_step_is_never_more_than_fourfold(bright: float, time_us: float, gain: float) -> None:
    used = Exposure(time_us, gain)
    told = stepped(State(used), bright, used, LIMITS).told
    assert 1 / 4 - 1e-9 <= told.product / used.product <= 4 + 1e-9


def test_what_is_nearly_right_is_left_alone_and_what_was_not_is_brought_nearer() -> None:
    told = Exposure(4000, 1)
    resting = State(told, moving=False)
    assert stepped(resting, 230, told, LIMITS) == resting
    assert stepped(State(told), 230, told, LIMITS).told.time_us == pytest.approx(4000 * 190 / 230)
    assert stepped(State(told), 200, told, LIMITS) == resting


def test_a_sensor_that_tells_nothing_is_given_time() -> None:
    state = started(None, LIMITS)
    assert state.told == Exposure(8000, 1)
    for _ in range(SETTLE_FRAMES):
        state = stepped(state, 255, None, LIMITS)
        assert state.told == Exposure(8000, 1)
    assert stepped(state, 255, None, LIMITS).told.time_us == pytest.approx(8000 / 3)


def test_the_automatic_s_long_time_becomes_gain() -> None:
    assert started(Exposure(33_000, 1), LIMITS).told == Exposure(8000, 33 / 8)


def test_at_the_end_of_its_reach_it_rests() -> None:
    state = State(Exposure(8000, 16))
    for _ in range(20):
        state = stepped(state, 5, None, LIMITS)
    assert state.told == Exposure(8000, 16)
