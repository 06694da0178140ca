"""The staff's button and the passage sensor at the gate: what they are recorded of, light and say, and what not."""

from datetime import timedelta

import pytest

from firmware.answers import RECORDS_MOST
from firmware.attended import AFTER_NS, PENDING_MAX
from firmware.events import Lit
from firmware.messages import Health
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, NOW, OTHER, Lane, PowerCut

AFTER_S = AFTER_NS / 1e9
RED_S = 3.0
POSTER = "https://example.org"


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    lane.story.clear()
    return lane


def types(lane: Lane) -> list[str]:
    return [record.type for record in lane.checkins]


# The staff's button


@pytest.mark.parametrize("text", [EXPIRED, POSTER])
def test_staff_let_through_whom_the_device_did_not_recorded_before_lit_before_told(lane: Lane, text: str) -> None:
    lane.see(text)
    lane.story.clear()
    lane.touch("override")
    assert lane.story == ["override", "green", "told staff-override"]
    checkin, override = lane.checkins
    assert (override.type, override.about, override.verdict) == ("override", checkin.id, "accepted")
    assert lane.lease_s == 3.0
    assert (lane.shown.aspect, lane.shown.verdict, lane.shown.checkin) == ("accepted", "accepted", str(override.id))
    assert lane.logged[-2] == Lit(checkin=str(override.id), lease_s=3.0)
    assert lane.sounds[-1] == "accepted"
    lane.wait(3)
    assert lane.lamps == (False, False)
    assert lane.shown.reason == "ready"


def test_a_power_cut_between_record_and_light_leaves_no_green(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.dies_recording = True
    with pytest.raises(PowerCut):
        lane.touch("override")
    assert types(lane) == ["check-in", "override"]
    assert "green" not in lane.story
    assert lane.logs(Lit)[-1] == Lit(checkin=str(lane.checkins[0].id), lease_s=0.0)


@pytest.mark.parametrize("later_s", [0.0, RED_S, RED_S + AFTER_S])
def test_the_button_counts_until_some_time_after_the_light(lane: Lane, later_s: float) -> None:
    lane.see(EXPIRED)
    lane.wait(later_s)
    lane.touch("override")
    assert lane.lamps == (False, True)


def test_after_that_it_does_nothing_and_the_screen_says_so(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.wait(RED_S + AFTER_S + 0.25)
    lane.touch("override")
    assert types(lane) == ["check-in"]
    assert "green" not in lane.story
    assert (lane.shown.aspect, lane.shown.reason) == ("ready", "nobody-waits")
    lane.wait(2.25)
    assert lane.shown.reason == "ready"


def test_while_nobody_waits_it_does_nothing(lane: Lane) -> None:
    lane.touch("override")
    lane.see(GOOD)
    lane.touch("override")
    assert types(lane) == ["check-in"]
    assert lane.story.count("green") == 1
    assert lane.shown.reason == "valid"


def test_one_refusal_is_overridden_once_however_often_the_button_is_pressed(lane: Lane) -> None:
    lane.see(EXPIRED)
    for _ in range(5):
        lane.touch("override")
        lane.wait(1)
    assert types(lane) == ["check-in", "override"]
    assert lane.story.count("green") == 1


def test_the_next_person_s_answer_takes_the_button_away(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.see(GOOD)
    lane.wait(3)
    lane.touch("override")
    assert types(lane) == ["check-in", "check-in"]
    assert lane.story.count("green") == 1


def test_a_press_from_before_an_answer_was_meant_for_somebody_else(lane: Lane) -> None:
    lane.see(POSTER)
    lane.wait(0.5)
    lane.see(EXPIRED)
    lane.touch("override", ago_s=0.25)
    assert types(lane) == ["check-in", "check-in"]
    assert lane.lamps == (True, False)


def test_a_pass_still_held_after_the_override_does_not_turn_green_into_red(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.wait(4.9)
    lane.touch("override")
    for _ in range(5):
        lane.wait(0.5)
        lane.see(EXPIRED)
    assert lane.lamps == (False, True)
    assert types(lane) == ["check-in", "override"]


def test_an_answer_without_a_record_cannot_be_overridden(lane: Lane) -> None:
    for number in range(RECORDS_MOST + 1):
        lane.see(f"{POSTER}/{number}")
    assert len(lane.checkins) == RECORDS_MOST
    lane.touch("override")
    assert len(lane.checkins) == RECORDS_MOST
    assert "green" not in lane.story


def test_what_cannot_be_recorded_is_not_overridden(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.disk_full = True
    lane.touch("override")
    assert types(lane) == ["check-in"]
    assert "green" not in lane.story
    assert lane.shown.reason == "journal-failed"
    lane.touch("override")
    lane.disk_full = False
    lane.wait(2)
    assert "green" not in lane.story  # who was not let through is not let through by the journal's coming back
    lane.touch("override")
    assert lane.lamps == (False, True)


def test_lamps_that_fail_let_nobody_through_and_staff_may_press_again(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.green_broken = True
    lane.touch("override")
    assert "green" not in lane.story
    assert lane.shown.reason == "lamp-fault"
    assert lane.logs(Lit) == [Lit(checkin=str(lane.checkins[0].id), lease_s=0.0)]
    lane.green_broken = False
    lane.wait(2)
    lane.touch("override")
    assert lane.lamps == (False, True)


@pytest.mark.parametrize("begin", ["service", "camera"])
def test_out_of_service_the_button_lights_nothing(lane: Lane, begin: str) -> None:
    lane.see(EXPIRED)
    if begin == "service":
        lane.gate.suspend(suspended=True)
    else:
        lane.beat("no-camera")
    lane.touch("override")
    assert types(lane) == ["check-in"]
    assert "green" not in lane.story


def test_a_fault_after_the_record_is_no_second_record(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.panels_broken = True
    lane.touch("override")
    lane.touch("override")
    assert types(lane) == ["check-in", "override"]
    assert lane.lamps == (False, True)


# The passage sensor


@pytest.mark.parametrize("later_s", [0.0, 3.0, 3.0 + AFTER_S])
def test_who_got_green_and_passes_is_recorded_once_and_nothing_lights(lane: Lane, later_s: float) -> None:
    lane.see(GOOD)
    lane.wait(later_s)
    told = [event for event in lane.told if not isinstance(event, Health)]
    lane.touch("passage")
    lane.touch("passage")
    checkin, passage = lane.checkins
    assert (passage.type, passage.about, passage.verdict) == ("passage", checkin.id, "accepted")
    assert [event for event in lane.told if not isinstance(event, Health)] == told
    assert lane.story.count("green") == 1
    assert lane.notes[-1] == ("tailgating", "1")


def test_who_staff_let_through_passes_by_the_check_in(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.touch("override")
    lane.touch("passage")
    assert types(lane) == ["check-in", "override", "passage"]
    assert (lane.checkins[2].about, lane.checkins[2].verdict) == (lane.checkins[0].id, "refused")


def test_people_pass_in_the_order_of_their_lights(lane: Lane) -> None:
    lane.see(GOOD)
    lane.see(OTHER)
    lane.see(EXPIRED)
    lane.touch("passage")
    lane.touch("passage")
    first, second, _, *passages = lane.checkins
    assert [passage.about for passage in passages] == [first.id, second.id]


def test_a_light_whose_time_is_over_is_not_passed_by_the_next_one(lane: Lane) -> None:
    lane.see(GOOD)
    lane.wait(3 + AFTER_S + 0.25)
    lane.see(OTHER)
    lane.touch("passage")
    assert lane.checkins[2].about == lane.checkins[1].id


def test_who_passes_without_green_is_noted_and_not_recorded(lane: Lane) -> None:
    lane.see(EXPIRED)
    lane.touch("passage", ago_s=0.0)
    assert types(lane) == ["check-in"]
    assert lane.notes[-1] == ("tailgating", "1")
    for _ in range(30):  # a sensor that flickers
        lane.touch("passage")
    lane.wait(59)
    assert lane.notes[-1] == ("tailgating", "1")
    lane.wait(1)
    assert lane.notes[-1] == ("tailgating", "30")


def test_a_passage_from_before_the_light_is_nobody_s(lane: Lane) -> None:
    lane.wait(1)
    lane.see(GOOD)
    lane.touch("passage", ago_s=0.5)
    assert types(lane) == ["check-in"]


def test_who_got_green_may_pass_though_the_camera_fails_meanwhile(lane: Lane) -> None:
    lane.see(GOOD)
    lane.beat("no-camera")
    lane.touch("passage")
    assert types(lane) == ["check-in", "passage"]


def test_a_passage_that_cannot_be_recorded_is_out_of_service(lane: Lane) -> None:
    lane.see(GOOD)
    lane.disk_full = True
    lane.touch("passage")
    assert lane.shown.reason == "journal-failed"
    lane.touch("passage")
    assert types(lane) == ["check-in"]
    assert lane.notes == [("service-back", ""), ("service-lost", "journal-failed")]


def test_a_technician_who_walks_through_is_nothing(lane: Lane) -> None:
    lane.see(GOOD)
    lane.gate.suspend(suspended=True)
    lane.touch("passage")
    assert types(lane) == ["check-in"]
    assert ("tailgating", "1") not in lane.notes


def test_a_flood_of_green_lights_is_bounded(lane: Lane) -> None:
    for number in range(PENDING_MAX + 2):
        lane.see(ISSUER.issue(expires=NOW + timedelta(hours=number + 1)))
    for _ in range(PENDING_MAX + 2):
        lane.touch("passage")
    assert types(lane).count("passage") == PENDING_MAX
