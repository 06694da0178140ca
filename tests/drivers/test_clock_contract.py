"""What every clock promises."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock import Clock, open_clock
from drivers.clock.simulated import SimulatedClock
from drivers.clock.system import AssumedClock, SystemClock

CLOCKS = {
    "system": lambda: open_clock("system"),
    "assumed": lambda: open_clock("assumed"),
    "simulated": lambda: SimulatedClock(datetime(2021, 9, 1, 8, tzinfo=UTC)),
}


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest) -> Clock:
    return CLOCKS[request.param]()


def test_now_is_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


def test_monotonic_never_runs_backward(clock: Clock) -> None:
    seen_ns = [clock.monotonic_ns() for _ in range(100)]
    assert seen_ns == sorted(seen_ns)
    assert seen_ns[0] > 0


def test_synchronised_is_a_plain_answer(clock: Clock) -> None:
    assert clock.synchronised() in {True, False}


def test_the_system_clock_is_the_systems() -> None:
    clock = open_clock("system")
    assert type(clock) is SystemClock
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert abs(clock.monotonic_ns() - time.monotonic_ns()) < 1_000_000_000


def test_the_assumed_clock_is_the_systems_and_vouched_for() -> None:
    clock = open_clock("assumed")
    assert type(clock) is AssumedClock
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert clock.synchronised()
