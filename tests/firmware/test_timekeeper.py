"""What the trust data say of the time: floor and ceiling of a device's clock."""

from drivers.clock.simulated import SimulatedClock
from firmware.knowledge import Knowledge
from firmware.timekeeper import Timekeeper
from firmware.timekeeping import (
    BUILD_DATE,
    Kept,
)
from tests.firmware.clocks import DAY, HOUR, NEWER
from verifier.freshness import DEFAULT_FRESHNESS


def test_the_floor_follows_trust_data_that_were_dated_ahead_back() -> None:
    clock = SimulatedClock(NEWER)
    keeper = Timekeeper("system", clock)
    keeper.heed(Knowledge(NEWER - HOUR, 1, DEFAULT_FRESHNESS))
    assert keeper.look() is None
    keeper.heed(Knowledge(NEWER + 300 * DAY, 2, DEFAULT_FRESHNESS))
    assert keeper.look() == "clock-behind"
    keeper.heed(Knowledge(NEWER, 3, DEFAULT_FRESHNESS))
    assert keeper.look() is None
    assert keeper.kept is not None
    assert keeper.kept.floor == NEWER


def test_the_floor_follows_trust_data_that_were_taken_back_while_the_power_was_off() -> None:
    ahead = Timekeeper("system", SimulatedClock(NEWER))
    ahead.heed(Knowledge(NEWER + 300 * DAY, 2, DEFAULT_FRESHNESS))
    assert ahead.look() == "clock-behind"
    for issued, fault in ((NEWER, None), (NEWER + 300 * DAY, "clock-behind"), (NEWER + 301 * DAY, "clock-behind")):
        again = Timekeeper("system", SimulatedClock(NEWER), lambda: ahead.kept)
        again.heed(Knowledge(issued, 3, DEFAULT_FRESHNESS))
        assert again.look() == fault


def test_plain_files_in_place_of_a_store_lower_no_floor() -> None:
    store = Timekeeper("system", SimulatedClock(NEWER + DAY))
    store.heed(Knowledge(NEWER, 1, DEFAULT_FRESHNESS))
    assert store.look() is None
    plain = Timekeeper("system", SimulatedClock(NEWER - DAY), lambda: store.kept)
    plain.heed(None)
    assert plain.look() == "clock-behind"


def test_a_clock_that_is_assumed_to_be_right_keeps_when_its_trust_data_were_issued() -> None:
    keeper = Timekeeper("assumed", SimulatedClock(NEWER))
    assert keeper.kept == Kept(BUILD_DATE)
    keeper.heed(Knowledge(NEWER, 1, DEFAULT_FRESHNESS))
    assert keeper.kept == Kept(BUILD_DATE, issued=NEWER)
