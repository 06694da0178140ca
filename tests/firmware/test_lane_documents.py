"""Lanes that ask for several documents, from the camera's texts to records and lights, by real signatures and rules."""

from dataclasses import replace

import pytest

from firmware.events import Decided
from tests.firmware.lane import TEXTS, Lane
from tests.firmware.lane_papers import (
    AN,
    BINH,
    GREEN_LANE,
    NEXT,
    OTHER_PLATE,
    PLATE,
    answers,
    declaration_of,
    lab_test_of,
    lane_of,
    only,
    permit_of,
    shown,
)
from tests.verifier.profiles import requiring
from tests.verifier.rule_files import contained, rule_body
from verifier.profile import Profiles

POSTER = "https://example.org/menu"


@pytest.fixture
def lane() -> Lane:
    """Return a green lane before which a lorry stands."""
    lane = lane_of(GREEN_LANE)
    lane.enter(PLATE)
    return lane


class TestGreenLane:
    def test_permit_then_test(self, lane: Lane) -> None:
        lane.see(permit_of())
        assert shown(lane) == NEXT
        assert (lane.shown.vi, lane.shown.en) == (
            "Còn thiếu: kết quả xét nghiệm hoặc chứng nhận tiêm chủng",
            "Still missing: test result or vaccination certificate",
        )
        assert (lane.shown.plate, lane.shown.verdict, lane.shown.checkin) == (PLATE, None, None)
        assert lane.checkins == []
        lane.see(lab_test_of())
        assert lane.story[-3:] == ["recorded", "green", "told valid"]
        assert (only(lane).verdict, only(lane).kinds) == ("accepted", ("vehicle", "test"))
        assert lane.shown.plate == PLATE

    def test_test_then_permit_and_both_in_one_frame_are_the_same(self, lane: Lane) -> None:
        lane.see(lab_test_of())
        assert lane.shown.en == "Still missing: vehicle permit"
        lane.see(permit_of())
        assert lane.lamps == (False, True)
        other = lane_of(GREEN_LANE)
        other.enter(PLATE)
        other.see(permit_of(), POSTER, lab_test_of())
        assert (only(other).verdict, only(other).kinds) == ("accepted", ("vehicle", "test"))

    def test_a_set_held_before_the_camera_is_one_check_in(self, lane: Lane) -> None:
        both = permit_of(), lab_test_of()
        for _ in range(6):
            for frame in (both, both[:1], both[1:], both[::-1]):
                lane.see(*frame)
                lane.wait(0.25)
        assert answers(lane) == [("accepted", "valid")]
        assert lane.story.count("green") == 1
        assert "told documents-missing" not in lane.story

    def test_a_document_held_while_its_set_waits_changes_nothing(self, lane: Lane) -> None:
        permit = permit_of()
        lane.see(permit)
        until_ns = lane.shown.until_ns
        for _ in range(8):
            lane.wait(0.5)
            lane.see(permit, POSTER)
            lane.see(POSTER)
        assert lane.story.count("told documents-missing") == 1
        assert lane.shown.until_ns == until_ns
        assert lane.sounds == ["next-document"]

    def test_a_set_that_waits_in_vain_is_recorded_without_a_light(self, lane: Lane) -> None:
        permit = permit_of()
        lane.see(permit)
        for _ in range(130):
            lane.wait(0.25)
            lane.see(permit)
        assert answers(lane) == [("undecided", "documents-missing")]
        assert only(lane).kinds == ("vehicle",)
        assert lane.shown.aspect == "ready"
        assert "green" not in lane.story
        lane.wait(5)
        lane.enter(PLATE)
        lane.see(lab_test_of())
        assert shown(lane) == NEXT  # the permit is past its window
        lane.see(permit)
        assert lane.lamps == (False, True)

    def test_another_person_s_test_is_never_the_driver_s(self, lane: Lane) -> None:
        lane.see(lab_test_of(AN))
        lane.see(declaration_of(BINH))
        assert shown(lane) == ("refused", "holder-mismatch")
        lane.see(permit_of())
        assert shown(lane) == NEXT

    def test_the_next_driver_s_test_begins_the_set_anew(self, lane: Lane) -> None:
        lane.see(lab_test_of(AN))
        lane.see(lab_test_of(BINH))
        assert shown(lane) == NEXT
        assert answers(lane) == [("undecided", "documents-missing")]
        lane.see(permit_of())
        assert answers(lane)[1:] == [("accepted", "valid")]

    def test_the_next_lorry_begins_the_set_anew(self, lane: Lane) -> None:
        lane.see(lab_test_of(AN))
        lane.see(permit_of(OTHER_PLATE))
        assert shown(lane) == ("refused", "plate-mismatch")
        other = lane_of(requiring({"document": "vehicle", "without_rules": "accepted"}, {"document": "test"}))
        other.see(permit_of())
        other.see(permit_of(OTHER_PLATE))
        assert (shown(other), other.shown.plate) == (NEXT, OTHER_PLATE)
        assert answers(other) == [("undecided", "documents-missing")]

    def test_the_next_lorry_s_whole_set_leaves_the_last_one_s_behind(self) -> None:
        lane = lane_of(requiring({"document": "vehicle", "without_rules": "accepted"}, {"document": "test"}))
        lane.see(permit_of())
        lane.see(permit_of(OTHER_PLATE), lab_test_of())
        assert answers(lane) == [("undecided", "documents-missing"), ("accepted", "valid")]

    @pytest.mark.parametrize(
        ("permit", "reason"),
        [
            (permit_of(OTHER_PLATE), "plate-mismatch"),
            (permit_of(hours=[[1320, 300]]), "outside-hours"),
            (permit_of(route=("QL51",)), "wrong-route"),
        ],
        ids=["plate", "hours", "route"],
    )
    def test_a_permit_that_is_not_for_here_is_refused_and_ends_the_set(
        self, lane: Lane, permit: str, reason: str
    ) -> None:
        lane.see(lab_test_of())
        lane.see(permit)
        assert shown(lane) == ("refused", reason)
        lane.see(permit_of())
        assert shown(lane) == NEXT

    @pytest.mark.parametrize(
        ("paper", "vi"),
        [(lab_test_of(hours=73), "72"), (lab_test_of(result=1), ""), (lab_test_of(hours=-1), "tương lai")],
        ids=["old", "positive", "future"],
    )
    def test_a_test_that_fails_a_rule_is_refused_in_the_rule_s_own_words(self, lane: Lane, paper: str, vi: str) -> None:
        lane.see(permit_of())
        lane.see(paper)
        assert shown(lane) == ("refused", "rule-failed")
        assert vi in lane.shown.vi
        assert lane.shown.vi != TEXTS["rule-failed"].vi
        assert lane.shown.vi.endswith(f". {TEXTS['see-staff'].vi}")
        assert lane.shown.en.endswith(". Please see staff")
        assert only(lane).kinds == ("test",)

    def test_a_rule_that_this_device_does_not_understand_is_undecided_and_named(self) -> None:
        newer = contained(rule_body("TR-VN-0009", CertificateType="Test", EngineVersion="9.0.0"), days=(-999, 999))
        lane = lane_of(requiring({"document": "test"}), more=[newer])
        lane.see(lab_test_of())
        assert answers(lane) == [("undecided", "rule-undecided")]
        assert lane.shown.en == f"{TEXTS['rule-undecided'].en} (TR-VN-0009)"
        (decided,) = lane.logs(Decided)
        assert isinstance(decided, Decided)
        assert decided.rules == ("TR-VN-0009",)

    def test_a_refused_document_beside_the_right_one_does_not_matter(self, lane: Lane) -> None:
        lane.see(permit_of(), lab_test_of(hours=100), lab_test_of())
        assert answers(lane) == [("accepted", "valid")]

    def test_what_was_refused_leaves_the_rest_to_be_shown_with_the_right_one(self, lane: Lane) -> None:
        permit, old = permit_of(), lab_test_of(hours=100)
        lane.see(permit, old)
        assert shown(lane) == ("refused", "rule-failed")
        lane.see(permit, lab_test_of())
        assert lane.lamps == (False, True)

    def test_two_drivers_in_one_frame(self, lane: Lane) -> None:
        for _ in range(3):
            lane.see(lab_test_of(AN), lab_test_of(BINH))
        assert set(answers(lane)) == {("undecided", "two-holders")}
        lane.see(permit_of(), permit_of(OTHER_PLATE))
        assert shown(lane) == ("undecided", "two-holders")

    def test_what_the_lane_does_not_ask_for(self, lane: Lane) -> None:
        lane.see(declaration_of())
        assert shown(lane) == ("refused", "not-asked-for")
        lane.see(permit_of())
        lane.see(declaration_of())
        assert shown(lane) == NEXT

    def test_a_driver_s_papers_count_for_one_lorry(self, lane: Lane) -> None:
        paper = lab_test_of()
        lane.see(permit_of(), paper)
        lane.wait(1)
        lane.enter(OTHER_PLATE)
        lane.see(permit_of(OTHER_PLATE), paper)
        assert shown(lane) == NEXT
        assert answers(lane) == [("accepted", "valid")]
        lane.see(permit_of(), permit_of(OTHER_PLATE), paper)
        assert shown(lane) == ("undecided", "two-holders")


class TestPlates:
    def test_a_permit_waits_for_its_plate(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.see(permit_of(), lab_test_of())
        assert shown(lane) == ("next-document", "plate-missing")
        assert lane.shown.plate == PLATE
        lane.enter("51C-123.45")
        assert lane.lamps == (False, True)

    def test_in_vain_is_recorded_so(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.see(permit_of(), lab_test_of())
        lane.wait(31)
        assert answers(lane) == [("undecided", "plate-missing")]

    def test_another_plate_is_refused_and_the_right_one_judged_anew(self) -> None:
        lane = lane_of(GREEN_LANE)
        both = permit_of(), lab_test_of()
        lane.see(*both)
        lane.enter(OTHER_PLATE)
        assert shown(lane) == ("refused", "plate-mismatch")
        lane.see(*both)
        lane.enter(PLATE)
        lane.see(*both)
        assert answers(lane) == [("refused", "plate-mismatch"), ("accepted", "valid")]

    def test_another_plate_is_another_vehicle_s(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.enter(OTHER_PLATE)
        assert answers(lane) == [("undecided", "documents-missing")]
        assert lane.shown.aspect == "ready"
        lane.see(lab_test_of())
        assert lane.shown.en == "Still missing: vehicle permit"

    def test_the_same_plate_read_again_changes_nothing(self, lane: Lane) -> None:
        lane.see(permit_of())
        for _ in range(5):
            lane.wait(0.5)
            lane.enter(PLATE)
        assert lane.story.count("told documents-missing") == 1
        lane.see(lab_test_of())
        assert lane.lamps == (False, True)

    def test_a_plate_counts_for_its_window_and_for_one_green_light(self, lane: Lane) -> None:
        lane.wait(31)
        lane.see(permit_of())
        lane.see(lab_test_of())
        assert shown(lane) == ("next-document", "plate-missing")
        lane.enter(PLATE)
        assert lane.lamps == (False, True)
        lane.wait(6)
        lane.see(permit_of(), lab_test_of())
        assert shown(lane) == ("next-document", "plate-missing")

    def test_what_is_no_plate_is_nobody_s(self, lane: Lane) -> None:
        lane.see(permit_of())
        lane.enter("--- ")
        assert shown(lane) == NEXT

    def test_out_of_service_none_is_taken(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.beat("no-camera")
        lane.enter(PLATE)
        lane.beat()
        lane.see(permit_of(), lab_test_of())
        assert shown(lane) == ("next-document", "plate-missing")

    def test_a_profile_that_goes_while_a_plate_is_waited_for(self) -> None:
        lane = lane_of(GREEN_LANE)
        lane.see(permit_of())
        lane.judge.use(replace(lane.judge.trust, profiles=Profiles(signed=True)))
        lane.enter(PLATE)
        assert answers(lane) == [("undecided", "profile-missing")]
        lane.enter(OTHER_PLATE)
        assert len(lane.checkins) == 1
