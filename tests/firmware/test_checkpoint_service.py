"""The gate while a technician works on it."""

import pytest

from firmware.events import ServiceLost
from tests.firmware.lane import GOOD, OTHER, Lane


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    return lane


def test_while_a_technician_is_at_work_nothing_is_judged_or_recorded(lane: Lane) -> None:
    lane.gate.suspend(suspended=True)
    lane.beat()
    lane.see(GOOD)
    assert (lane.shown.aspect, lane.shown.reason) == ("out-of-service", "service-state")
    assert lane.shown.vi.startswith("Tạm ngừng phục vụ.")
    assert lane.lamps == (True, False)  # the flash of what is out of service
    lane.disk_full = True
    lane.gate.probe()
    assert lane.shown.reason == "service-state"
    assert lane.checkins == []
    lane.disk_full = False
    lane.gate.probe()
    lane.gate.suspend(suspended=False)
    lane.see(GOOD)
    assert lane.shown.reason == "valid"
    assert [event.reason for event in lane.logs(ServiceLost) if isinstance(event, ServiceLost)][-1] == "service-state"


def test_a_light_that_was_given_stays_when_a_technician_begins(lane: Lane) -> None:
    lane.see(GOOD)
    lane.gate.suspend(suspended=True)
    lane.wait(2.75)
    assert lane.lamps == (False, True)
    lane.see(OTHER)
    lane.wait(0.25)
    assert lane.shown.reason == "service-state"
    assert len(lane.checkins) == 1
