"""The gate's decisions with simulated devices: what is recorded, lit and told, in which order, and what is not."""

from datetime import timedelta

import pytest

from firmware.checkpoint import STALE_NS
from firmware.events import Decided, InternalError, Lit, ReadingDropped, ServiceBack, ServiceLost
from firmware.messages import ReaderFault
from firmware.timekeeping import BUILD_DATE
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, NOW, OTHER, TEXTS, VERIFIER, Lane


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    lane.story.clear()
    return lane


def test_it_starts_out_of_service_until_the_reader_reads() -> None:
    lane = Lane()
    assert (lane.shown.aspect, lane.shown.reason) == ("out-of-service", "starting")
    lane.see(GOOD)
    assert lane.checkins == []
    lane.beat()
    assert (lane.shown.aspect, lane.shown.reason) == ("ready", "ready")
    assert lane.gate.in_service
    assert lane.gate.frames == 1
    assert isinstance(lane.logged[-1], ServiceBack)


def test_recorded_before_lit_before_told(lane: Lane) -> None:
    lane.see(GOOD)
    assert lane.story == ["recorded", "green", "told valid"]
    assert lane.lease_s == 3.0
    (decided,), (lit,) = lane.logs(Decided), lane.logs(Lit)
    assert isinstance(decided, Decided)
    assert isinstance(lit, Lit)
    assert decided.checkin == lit.checkin == str(lane.checkins[0].id) == lane.shown.checkin
    assert set(decided.timings_ms) == {"capture_to_read", "read_to_gate", "verify", "record", "light", "total"}
    assert decided.timings_ms["total"] == pytest.approx(20)
    assert (lane.shown.vi, lane.shown.verdict) == (TEXTS["valid"].vi, "accepted")


def test_the_way_out_has_its_own_words() -> None:
    lane = Lane(direction="out")
    lane.beat()
    lane.see(GOOD)
    assert lane.shown.vi == TEXTS["valid-out"].vi


def test_green_ends_with_its_lease(lane: Lane) -> None:
    lane.see(GOOD)
    assert not lane.gate.idle
    assert lane.shown.until_ns == lane.gate.wake_ns()
    lane.wait(2.75)
    assert lane.lamps == (False, True)
    lane.wait(0.25)
    assert lane.lamps == (False, False)
    assert lane.shown.reason == "ready"
    assert lane.gate.idle


def test_a_pass_held_still_is_one_check_in_and_never_lengthens_green(lane: Lane) -> None:
    for _ in range(20):
        lane.see(GOOD)
        lane.wait(0.25)
    assert len(lane.checkins) == 1
    assert lane.story.count("green") == 1
    assert lane.lamps == (False, False)
    assert (lane.shown.aspect, lane.shown.reason) == ("ready", "just-scanned")
    lane.wait(2.25)
    assert lane.shown.reason == "ready"


def test_a_pass_taken_away_and_shown_again_is_another_check_in(lane: Lane) -> None:
    lane.see(GOOD)
    lane.wait(5.25)  # its light, and as long as a pass counts as held
    lane.see(GOOD)
    assert len(lane.checkins) == 2
    assert lane.story.count("green") == 2


def test_glimpses_of_one_pass_do_not_keep_the_light_green(lane: Lane) -> None:
    for _ in range(3):
        lane.see(GOOD)
        lane.wait(2.07)  # just over the time that a sighting counts
    assert len(lane.checkins) == 1
    assert lane.story.count("green") == 1
    assert lane.lamps == (False, False)


def test_a_fault_after_the_record_does_not_record_twice(lane: Lane) -> None:
    lane.panels_broken = True
    lane.see(GOOD)
    assert [checkin.verdict for checkin in lane.checkins] == ["accepted"]
    assert lane.lamps == (False, True)
    assert any(isinstance(event, InternalError) for event in lane.logged)


def test_the_next_person_takes_over_at_once(lane: Lane) -> None:
    lane.see(GOOD)
    lane.see(EXPIRED)
    assert lane.lamps == (True, False)
    assert (lane.shown.aspect, lane.shown.reason) == ("refused", "expired")
    lane.see(OTHER)
    assert lane.lamps == (False, True)
    lane.see(ISSUER.issue(kind="t"))
    assert lane.story.count("green") == 3  # a lease of its own, though the lamps look the same
    assert len(lane.checkins) == 4


def test_an_empty_reading_is_nothing(lane: Lane) -> None:
    lane.see()
    assert lane.story == []


def test_undecided_flashes(lane: Lane) -> None:
    lane.see("https://example.org")
    assert lane.lamps == (True, False)
    lane.wait(0.5)
    assert lane.lamps == (False, False)
    lane.wait(0.5)
    assert lane.lamps == (True, False)


@pytest.mark.parametrize("age_s", [STALE_NS / 1e9 + 0.001, -0.001])
def test_a_reading_of_another_time_lights_nothing(lane: Lane, age_s: float) -> None:
    lane.see(GOOD, age_s=age_s)
    assert lane.story == []
    assert lane.logged[-1] == ReadingDropped(why="stale")


def test_a_clock_not_trusted_judges_no_pass(lane: Lane) -> None:
    lane.clock.lose_sync()
    lane.see(GOOD)
    lane.clock.regain_sync()
    lane.clock.jump(BUILD_DATE - timedelta(days=1))
    lane.see(OTHER)
    assert [(c.reason, c.clock_trusted) for c in lane.checkins] == [("clock-not-trusted", False)] * 2
    lane.clock.jump(BUILD_DATE.replace(year=2038))
    lane.see(ISSUER.issue(kind="t"))
    assert lane.checkins[-1].reason == "clock-not-trusted"
    assert "green" not in lane.story
    lane.clock.jump(NOW)
    lane.see(GOOD)
    assert lane.lamps == (False, True)


def test_a_silent_reader_is_out_of_service_and_back(lane: Lane) -> None:
    lane.wait(3.25, beating=False)
    assert (lane.shown.aspect, lane.shown.reason) == ("out-of-service", "reader-silent")
    assert lane.logs(ServiceLost) == [ServiceLost(reason="reader-silent")]
    lane.beat()
    assert lane.shown.reason == "ready"


@pytest.mark.parametrize("fault", ["no-camera", "camera-stalled"])
def test_a_camera_that_fails_is_out_of_service_and_back(lane: Lane, fault: ReaderFault) -> None:
    lane.beat(fault)
    assert (lane.shown.aspect, lane.shown.reason) == ("out-of-service", fault)
    lane.wait(0.25, beating=False)
    assert lane.lamps == (False, False)
    lane.beat()
    assert lane.shown.reason == "ready"


def test_an_answer_given_stays_when_the_camera_fails_meanwhile(lane: Lane) -> None:
    lane.see(GOOD)
    lane.beat("no-camera")
    assert lane.lamps == (False, True)
    assert lane.shown.reason == "valid"
    lane.clock.advance(3)
    lane.beat("no-camera")
    assert lane.shown.reason == "no-camera"


def test_what_cannot_be_recorded_is_never_green(lane: Lane) -> None:
    lane.disk_full = True
    lane.see(GOOD)
    assert lane.story == ["told journal-failed", "red"]
    assert lane.shown.aspect == "out-of-service"
    lane.see(GOOD)
    lane.wait(5)
    lane.see(OTHER)
    assert "green" not in lane.story
    assert lane.checkins == []
    assert lane.probes == 2
    lane.disk_full = False
    lane.wait(2)
    assert lane.gate.in_service
    lane.see(GOOD)
    assert lane.lamps == (False, True)


def test_a_full_disk_puts_out_the_green_of_the_one_before(lane: Lane) -> None:
    lane.see(GOOD)
    lane.disk_full = True
    lane.see(OTHER)
    assert lane.lamps == (True, False)


def test_a_pass_that_was_not_recorded_may_try_again_at_once(lane: Lane) -> None:
    lane.disk_full = True
    lane.see(GOOD)
    lane.disk_full = False
    lane.gate.probe()
    lane.see(GOOD)
    assert lane.lamps == (False, True)


def test_lamps_that_fail_are_out_of_service_and_tried_again(lane: Lane) -> None:
    lane.lamps_broken = True
    lane.see(GOOD)
    assert lane.shown.reason == "lamp-fault"
    assert lane.logs(Lit) == []
    lane.wait(2.5)
    lane.lamps_broken = False
    lane.wait(2)
    assert lane.gate.in_service
    assert lane.lamps == (False, False)


def test_a_pass_that_met_failing_lamps_gets_its_light_when_they_are_back(lane: Lane) -> None:
    lane.lamps_broken = True
    lane.see(GOOD)
    lane.lamps_broken = False
    lane.wait(2)
    lane.see(GOOD)
    assert lane.lamps == (False, True)
    assert lane.shown.reason == "valid"


def test_a_journal_in_doubt_is_tried_at_the_next_turn(lane: Lane) -> None:
    lane.gate.doubt_journal()
    assert not lane.gate.journal_works
    assert lane.probes == 0
    lane.gate.turn()
    assert lane.probes == 1
    assert lane.gate.journal_works
    assert lane.gate.in_service


def test_a_camera_fault_is_not_forgotten_over_a_lamp_fault(lane: Lane) -> None:
    lane.beat("no-camera")
    lane.lamps_broken = True
    lane.wait(3, beating=False)
    assert lane.shown.reason == "lamp-fault"
    lane.lamps_broken = False
    lane.wait(3, beating=False)
    assert not lane.gate.in_service
    assert lane.shown.aspect == "out-of-service"


def test_a_crafted_pass_that_breaks_the_verifier_is_red_recorded_and_named_by_kind_only(lane: Lane) -> None:
    lane.judge.broken = True
    for _ in range(3):
        lane.see(GOOD)
    assert [(c.verdict, c.reason) for c in lane.checkins] == [("undecided", "internal-error")]
    assert lane.lamps == (True, False)
    error = lane.logs(InternalError)[0]
    assert isinstance(error, InternalError)
    assert error.kind == "CraftedError"
    assert error.where.startswith("lane.py:")
    lane.judge.broken = False
    lane.see(GOOD)
    assert lane.lamps == (False, True)


def test_nothing_logged_or_told_holds_anything_of_the_pass(lane: Lane) -> None:
    lane.judge.broken = True
    lane.see(EXPIRED)
    lane.judge.broken = False
    for text in (GOOD, EXPIRED, GOOD[:60]):
        lane.see(text)
    said = repr(lane.logged) + repr(lane.told)
    assert not any(word in said for word in ("HC1:", "NGUYEN", "Nguyễn", "URN:UVCI", GOOD[4:24]))


def test_details_that_were_asked_for_are_neither_logged_nor_told_even_where_recording_breaks() -> None:
    lane = Lane(wanted=("name", "birth-date"))
    lane.beat()
    lane.see(GOOD)
    lane.no_checkins = True
    lane.see(OTHER)
    said = repr(lane.logged) + repr(lane.told) + repr(lane.gate.__dict__) + repr(lane.notes)
    assert any(isinstance(event, InternalError) for event in lane.logged)
    for text in (GOOD, OTHER):
        document = VERIFIER.verify(text, NOW).document
        assert document
        assert document.name.given not in said
        assert document.date_of_birth not in said
