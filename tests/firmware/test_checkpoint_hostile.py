"""What a gate meets that is no pass, too much, or broken: it stays bounded, and its lights are the holders'."""

import pytest

from firmware.answers import RECORDS_MOST
from firmware.events import InternalError, ReadingDropped, Unrecorded
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, OTHER, Lane

POSTER = "WIFI:S:guests;;"


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    lane.story.clear()
    return lane


def _flicker(lane: Lane, count: int) -> None:
    for number in range(count):
        lane.see(f"code {number}")


class TestPoster:
    def test_one_that_a_phone_was_held_before_does_not_cut_its_green_short(self, lane: Lane) -> None:
        lane.see(GOOD, POSTER)
        for _ in range(4):
            lane.wait(0.5)
            lane.see(POSTER)
        assert lane.lamps == (False, True)
        assert len(lane.checkins) == 1

    def test_one_that_a_phone_had_covered_does_not_either_nor_flashes_afterwards(self, lane: Lane) -> None:
        lane.see(POSTER)
        lane.wait(3.25)
        lane.see(GOOD)
        lane.wait(1)
        lane.see(POSTER)
        assert lane.lamps == (False, True)
        assert lane.shown.reason == "valid"
        for _ in range(6):
            lane.wait(0.5)
            lane.see(POSTER)
        assert lane.lamps == (False, False)
        assert [checkin.reason for checkin in lane.checkins] == ["unsupported-kind", "valid"]

    def test_one_that_a_refused_pass_was_held_before_is_not_answered_next(self, lane: Lane) -> None:
        lane.see(EXPIRED, POSTER)
        lane.wait(0.5)
        lane.see(POSTER)
        assert lane.shown.reason == "expired"
        assert len(lane.checkins) == 1

    def test_another_pass_still_takes_over_at_once(self, lane: Lane) -> None:
        lane.see(GOOD, POSTER)
        lane.see(EXPIRED, POSTER)
        assert lane.shown.reason == "expired"

    def test_a_code_that_is_no_pass_is_answered_when_nothing_is_green(self, lane: Lane) -> None:
        lane.see(EXPIRED)
        lane.see(POSTER)
        assert lane.shown.reason == "unsupported-kind"


class TestFlood:
    def test_codes_without_end_are_answered_but_not_all_recorded(self, lane: Lane) -> None:
        _flicker(lane, 100)
        assert len(lane.checkins) == RECORDS_MOST
        assert lane.lamps == (True, False)
        assert (lane.shown.reason, lane.shown.checkin) == ("unsupported-kind", None)
        assert lane.shown.verdict == "undecided"
        assert lane.logs(Unrecorded) == [Unrecorded(1)]
        lane.clock.advance(1)
        lane.gate.turn()
        assert lane.logs(Unrecorded) == [Unrecorded(1), Unrecorded(100 - RECORDS_MOST - 1)]
        lane.see("one more")
        assert len(lane.checkins) == RECORDS_MOST + 1

    def test_accepted_passes_are_never_limited(self, lane: Lane) -> None:
        _flicker(lane, 100)
        for good in (GOOD, OTHER, ISSUER.issue(kind="t")):
            lane.see(good)
            assert lane.lamps == (False, True)
        assert [checkin.verdict for checkin in lane.checkins].count("accepted") == 3

    def test_without_lamps_nothing_is_said_to_be_lit(self, lane: Lane) -> None:
        _flicker(lane, RECORDS_MOST)
        lane.lamps_broken = True
        lane.see("one more")
        assert lane.shown.reason == "lamp-fault"

    def test_stale_readings_are_counted(self, lane: Lane) -> None:
        for _ in range(1000):
            lane.see(GOOD, age_s=3)
        lane.clock.advance(1)
        lane.gate.turn()
        assert lane.logs(ReadingDropped) == [ReadingDropped("stale"), ReadingDropped("stale", 999)]


def test_a_check_in_that_cannot_be_made_is_red_and_the_gate_goes_on(lane: Lane) -> None:
    lane.no_checkins = True
    lane.see(GOOD)
    assert lane.lamps == (True, False)
    assert (lane.shown.reason, lane.shown.checkin) == ("internal-error", None)
    assert [type(event) for event in lane.logs(InternalError)] == [InternalError] * 2
    lane.no_checkins = False
    lane.wait(3)
    lane.see(GOOD)
    assert lane.lamps == (False, True)


def test_codes_flickering_beside_a_pass_do_not_renew_its_light(lane: Lane) -> None:
    for frame in range(40):
        lane.see(GOOD)
        for number in range(8):
            lane.see(*(f"junk-{frame}-{number}-{code}" for code in range(8)))
    assert [checkin.verdict for checkin in lane.checkins].count("accepted") == 1
    assert lane.story.count("green") == 1


def test_a_green_lamp_that_fails_does_not_record_once_a_frame(lane: Lane) -> None:
    lane.green_broken = True
    for _ in range(100):
        lane.see(GOOD)
        lane.wait(0.1)
    assert 1 <= len(lane.checkins) <= 6  # an attempt every two seconds
    assert "green" not in lane.story
