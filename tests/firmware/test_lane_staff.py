"""Staff, attendance and service at lanes that ask for several documents, by real signatures and rules."""

import pytest

from firmware.answers import RECORDS_MOST
from firmware.events import InternalError, Unrecorded
from tests.firmware.lane import Lane
from tests.firmware.lane_papers import (
    BINH,
    CODE_OF_AN,
    CODE_OF_BINH,
    GREEN_LANE,
    NEXT,
    PLATE,
    STAFF,
    answers,
    lab_test_of,
    lane_of,
    only,
    permit_of,
    shown,
)
from tests.verifier.profiles import requiring

ATTENDANCE = requiring(attendance=True)


@pytest.fixture
def lane() -> Lane:
    """Return a green lane before which a lorry stands."""
    lane = lane_of(GREEN_LANE)
    lane.enter(PLATE)
    return lane


class TestStaff:
    def test_an_officer_confirms_the_identity(self) -> None:
        lane = lane_of(STAFF)
        lane.see(lab_test_of())
        assert shown(lane) == ("next-document", "staff-needed")
        lane.see(CODE_OF_AN)
        lane.story.clear()
        lane.touch("override")
        assert lane.story == ["recorded", "green", "told valid"]
        assert (only(lane).kinds, only(lane).type) == (("test", "identity-confirmed"), "check-in")

    def test_without_a_code_too(self) -> None:
        lane = lane_of(STAFF)
        lane.see(lab_test_of())
        lane.touch("override")
        assert (answers(lane), only(lane).kinds) == ([("accepted", "valid")], ("test", "identity-confirmed"))

    def test_another_person_s_code_is_refused(self) -> None:
        lane = lane_of(STAFF)
        lane.see(lab_test_of())
        lane.see(CODE_OF_BINH)
        assert shown(lane) == ("refused", "holder-mismatch")

    def test_nobody_confirms_in_vain(self) -> None:
        lane = lane_of(STAFF)
        lane.see(lab_test_of())
        lane.touch("override", ago_s=1)  # meant for whoever stood there before
        assert shown(lane) == ("next-document", "staff-needed")
        lane.wait(31)
        assert answers(lane) == [("undecided", "staff-needed")]

    def test_staff_may_let_through_whose_set_is_not_whole(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.touch("override")
        first, second = lane.checkins
        assert (first.reason, second.type, second.about) == ("documents-missing", "override", first.id)
        assert lane.lamps == (False, True)

    def test_also_shortly_after_it_was_given_up(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.wait(33)
        lane.touch("override")
        assert [one.type for one in lane.checkins] == ["check-in", "override"]
        assert lane.lamps == (False, True)

    def test_who_passes_unasked_takes_the_set_along(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.touch("passage")
        assert answers(lane) == [("undecided", "documents-missing")]
        assert lane.notes[-1][0] == "tailgating"

    def test_who_was_let_through_before_leaves_the_next_one_s_set(self, lane: Lane) -> None:
        lane.see(permit_of(), lab_test_of())
        lane.wait(6)
        lane.see(lab_test_of(BINH))
        lane.touch("passage")
        assert [one.type for one in lane.checkins] == ["check-in", "passage"]
        assert shown(lane) == NEXT

    def test_an_unsigned_code_is_recorded_as_unproven(self) -> None:
        lane = lane_of(requiring({"document": "test"}, {"document": "identity"}))
        lane.see(CODE_OF_AN)
        assert lane.shown.en == "Still missing: test result"
        lane.see(lab_test_of())
        assert only(lane).kinds == ("identity-unproven", "test")

    def test_details_are_a_signed_document_s(self) -> None:
        lane = lane_of(requiring({"document": "test"}, {"document": "identity"}), wanted=("name", "birth-date"))
        lane.see(CODE_OF_AN, lab_test_of())
        assert lane.judgements[-1].details == {"name": "NGUYEN VAN AN", "birth-date": "1990-02-03"}


class TestAttendance:
    def test_a_code_is_recorded_then_lit_and_let_pass(self) -> None:
        lane = lane_of(ATTENDANCE)
        lane.see(CODE_OF_AN)
        assert lane.story[:2] == ["recorded", "green"]
        assert shown(lane) == ("attendance", "attendance")
        assert (answers(lane), only(lane).kinds) == ([("undecided", "attendance")], ("identity-unproven",))
        lane.touch("override")
        lane.touch("passage")
        assert [one.type for one in lane.checkins] == ["check-in", "passage"]

    def test_too_many_are_not_recorded_and_not_said_to_be(self) -> None:
        lane = lane_of(ATTENDANCE)
        for number in range(RECORDS_MOST + 1):
            lane.see(CODE_OF_AN.replace("079090004567", f"0790900{number:05}"))
        assert len(lane.checkins) == RECORDS_MOST
        assert shown(lane) == ("undecided", "unsigned")

    def test_elsewhere_a_code_is_what_nobody_signed(self) -> None:
        lane = lane_of(requiring({"document": "test"}))
        lane.see(CODE_OF_AN)
        assert answers(lane) == [("undecided", "unsigned")]
        lane.see(CODE_OF_BINH, lab_test_of())
        assert answers(lane)[1:] == [("accepted", "valid")]


class TestService:
    def test_a_set_whose_light_fails_is_forgotten(self, lane: Lane) -> None:
        lane.lamps_broken = True
        lane.see(permit_of())
        lane.lamps_broken = False
        lane.wait(3)
        lane.see(lab_test_of())
        assert lane.shown.en == "Still missing: vehicle permit"

    def test_what_is_given_up_while_the_journal_fails_is_out_of_service(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.disk_full = True
        lane.wait(31)
        assert lane.shown.reason == "journal-failed"

    def test_a_technician_ends_whatever_waits(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.gate.suspend(suspended=True)
        lane.gate.turn()
        assert lane.shown.reason == "service-state"
        lane.wait(31)
        assert lane.checkins == []

    def test_without_a_trusted_clock_neither_staff_nor_a_plate_make_a_set_whole(self) -> None:
        lane = lane_of(STAFF)
        lane.see(lab_test_of())
        lane.clock.lose_sync()
        lane.touch("override")
        assert [(one.reason, one.clock_trusted) for one in lane.checkins] == [("clock-not-trusted", False)]
        other = lane_of(GREEN_LANE)
        other.see(permit_of(), lab_test_of())
        other.clock.lose_sync()
        other.enter(PLATE)
        assert answers(other) == [("undecided", "clock-not-trusted")]

    def test_a_set_whose_record_cannot_be_made_is_given_up_once(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.no_checkins = True
        lane.wait(40)
        assert len(lane.logs(InternalError)) == 1
        lane.no_checkins = False
        lane.enter(PLATE)
        lane.see(permit_of(), lab_test_of())
        assert lane.lamps == (False, True)

    def test_other_trust_data_end_a_set(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.gate.begin_anew()
        lane.gate.turn()
        assert (answers(lane), lane.shown.aspect) == ([("undecided", "documents-missing")], "ready")

    def test_sets_begun_without_end_are_not_all_recorded(self) -> None:
        lane = lane_of(GREEN_LANE)
        for number in range(RECORDS_MOST + 3):
            lane.see(permit_of(f"51C{number:05}"))
        assert len(lane.checkins) == RECORDS_MOST
        assert lane.logs(Unrecorded)
