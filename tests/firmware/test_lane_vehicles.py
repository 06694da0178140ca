"""Two vehicles, one behind the other: a permit names nobody, and still no one else's documents make its set whole."""

import pytest

from firmware.events import InternalError
from tests.firmware.lane import Lane
from tests.firmware.lane_papers import (
    BINH,
    GREEN_LANE,
    NEXT,
    OTHER_PLATE,
    PLATE,
    answers,
    judge_of,
    lab_test_of,
    lane_of,
    permit_of,
    shown,
)
from tests.verifier.profiles import requiring

UNCHECKED = requiring({"document": "vehicle", "without_rules": "accepted"}, {"document": "test"})
"""Whoever's lorry it is: nobody enters plates here."""


@pytest.fixture
def lane() -> Lane:
    """Return a lane that compares no plates."""
    return lane_of(UNCHECKED)


class TestNobodyEntersPlates:
    def test_the_next_driver_s_test_does_not_complete_the_last_lorry_s_permit(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.wait(11)
        lane.see(lab_test_of(BINH))
        assert (shown(lane), lane.shown.en) == (NEXT, "Still missing: vehicle permit")
        assert answers(lane) == [("undecided", "documents-missing")]

    def test_nor_the_next_lorry_s_permit_the_last_driver_s_test(self, lane: Lane) -> None:
        lane.see(lab_test_of())
        lane.wait(11)
        lane.see(permit_of(OTHER_PLATE))
        assert (shown(lane), lane.shown.en) == (NEXT, "Still missing: test result")
        assert answers(lane) == [("undecided", "documents-missing")]

    def test_who_needs_longer_shows_the_first_again(self, lane: Lane) -> None:
        permit = permit_of()
        lane.see(permit)
        lane.wait(20)
        lane.see(lab_test_of())
        lane.wait(3)
        lane.see(permit)
        assert answers(lane) == [("undecided", "documents-missing"), ("accepted", "valid")]

    def test_a_permit_in_the_windscreen_is_there_as_long_as_it_is_seen(self, lane: Lane) -> None:
        permit = permit_of()
        for _ in range(20):
            lane.see(permit)
            lane.wait(1)
        lane.see(lab_test_of())
        assert answers(lane) == [("accepted", "valid")]

    def test_where_a_journal_fails_nobody_is_asked_for_more(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.disk_full = True
        lane.see(permit_of(OTHER_PLATE))
        assert lane.shown.reason == "journal-failed"
        lane.disk_full = False
        lane.wait(3)
        lane.see(lab_test_of())
        assert lane.shown.en == "Still missing: vehicle permit"


class TestPlatesAreRead:
    def test_a_lorry_whose_plate_is_read_again_is_still_there(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.enter(PLATE)
        lane.see(permit_of())
        lane.wait(9)
        lane.enter(PLATE)
        lane.wait(9)
        lane.see(lab_test_of())
        assert answers(lane) == [("accepted", "valid")]

    def test_a_plate_typed_later_says_nothing_of_the_test_before_it(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.see(lab_test_of())
        lane.wait(11)
        lane.enter(PLATE)
        lane.see(permit_of())
        assert (shown(lane), lane.shown.en) == (NEXT, "Still missing: test result or vaccination certificate")

    @pytest.mark.parametrize("profile", [GREEN_LANE, UNCHECKED], ids=["checked", "unchecked"])
    def test_a_camera_that_reads_on_makes_no_second_check_in(self, profile: dict[str, object]) -> None:
        lane = lane_of(profile)
        both = permit_of(), lab_test_of()
        lane.enter(PLATE)
        for _ in range(40):
            lane.see(*both)
            lane.wait(0.5)
            lane.enter(PLATE)
        assert answers(lane) == [("accepted", "valid")]
        lane.enter(OTHER_PLATE)
        lane.see(*both)
        assert answers(lane) == [("accepted", "valid")]

    def test_a_camera_that_reads_on_costs_no_judgement(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lane = lane_of(GREEN_LANE)
        lane.enter(PLATE)
        lane.see(permit_of())

        def asked(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(lane.judge, "rules", asked)
        lane.enter(PLATE)
        assert lane.logs(InternalError) == []
        lane.see(lab_test_of())
        assert len(lane.logs(InternalError)) == 1

    def test_who_passes_unasked_takes_the_plate_along(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.enter(PLATE)
        lane.touch("passage")
        lane.see(permit_of(), lab_test_of())
        assert shown(lane) == ("next-document", "plate-missing")

    def test_a_plate_entered_after_the_passage_is_the_next_one_s(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.enter(PLATE)
        lane.touch("passage", ago_s=1)
        lane.see(permit_of(), lab_test_of())
        assert answers(lane) == [("accepted", "valid")]


def test_profiles_that_change_while_a_set_waits_are_asked_anew(lane: Lane) -> None:
    lane.see(permit_of())
    lane.judge.use(judge_of(UNCHECKED | {"country": "KH"}).trust)  # as at midnight, when another one comes into force
    lane.see(lab_test_of())
    assert lane.logs(InternalError) == []
    assert answers(lane) == [("undecided", "no-rules-for-country")]
