"""What a checkpoint shows between answers: a journal that is full, and a device that is looked for."""

import pytest

from tests.firmware.lane import GOOD, OTHER, Lane


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    lane.story.clear()
    return lane


def test_a_full_journal_is_out_of_service_under_a_name_of_its_own(lane: Lane) -> None:
    lane.journal_full = True
    lane.see(GOOD)
    assert (lane.shown.aspect, lane.shown.reason) == ("out-of-service", "journal-full")
    assert "green" not in lane.story
    assert lane.notes[-1] == ("service-lost", "journal-full")
    lane.journal_full, lane.disk_full = False, True
    lane.wait(2)
    assert lane.shown.reason == "journal-failed"
    lane.disk_full = False
    lane.wait(2)
    assert lane.gate.in_service
    assert lane.notes[-1] == ("service-back", "")


def identify(lane: Lane, seconds: float = 10) -> None:
    lane.gate.identify(lane.clock.monotonic_ns() + round(seconds * 1e9))
    lane.gate.turn()


def test_a_device_that_is_looked_for_flashes_red_sounds_once_and_says_its_name(lane: Lane) -> None:
    identify(lane)
    assert (lane.shown.aspect, lane.shown.reason) == ("identify", "identify")
    assert lane.lamps == (True, False)
    lane.wait(0.25)
    identify(lane)
    assert lane.sounds == ["identify"]
    lane.wait(9.75)
    assert lane.shown.reason == "ready"
    assert "green" not in lane.story


def test_nobody_who_is_answered_is_kept_from_it(lane: Lane) -> None:
    lane.see(GOOD)
    identify(lane)
    assert lane.lamps == (False, True)
    lane.wait(3.25)
    identify(lane)
    lane.see(OTHER)
    assert lane.lamps == (False, True)
    assert lane.shown.reason == "valid"


def test_a_device_out_of_service_can_be_looked_for_and_says_why_afterwards(lane: Lane) -> None:
    lane.beat("no-camera")
    identify(lane, 2)
    assert lane.shown.aspect == "identify"
    for _ in range(8):
        lane.clock.advance(0.25)
        lane.beat("no-camera")
    assert lane.shown.reason == "no-camera"


def test_an_order_whose_time_is_over_is_nothing(lane: Lane) -> None:
    identify(lane, 0)
    assert lane.shown.reason == "ready"
    assert lane.sounds == []
