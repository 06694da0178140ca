"""What profiles say of what was shown: complete, missing, wrong, or for staff to confirm."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.profiles import (
    FACTS,
    GREEN_LANE,
    LANE,
    code,
    declaration,
    health,
    profile_of,
    refused,
    requiring,
    travel,
    undecided,
    vehicle,
)
from tests.verifier.rule_files import AT, SAIGON
from verifier.profile import BUILT_IN, Profile
from verifier.profile_checks import NOWHERE, Facts
from verifier.profile_judging import (
    Attendance,
    Complete,
    Failed,
    Missing,
    Outcome,
    Presented,
    StaffNeeded,
    asks,
    judged,
)
from verifier.reasons import Reason
from verifier.rule_file import NATION, Role

TEST, VACCINATION = {"document": "test"}, {"document": "vaccination"}
OFFICER = {"document": "identity", "proof": "officer"}
CODE = {"document": "identity"}
PLATE = Facts(LANE, AT, "51C12345")
VENUE = requiring([TEST, VACCINATION])
STAFF = requiring(TEST, OFFICER)


def said(body: Any, *shown: Presented, facts: Facts = PLATE, confirmed: bool = False) -> Outcome:  # noqa: ANN401 - any JSON
    return judged([profile_of(body)], shown, facts, confirmed=confirmed)


def why(outcome: Outcome) -> tuple[str, Reason]:
    assert isinstance(outcome, Failed)
    return outcome.verdict, outcome.reason


class TestEnough:
    def test_one_of_several_is_enough_and_is_what_counted(self) -> None:
        for one in (health("test"), health("vaccination")):
            assert said(VENUE, one) == Complete((one,))

    def test_all_that_is_required_in_whatever_order(self) -> None:
        documents = (vehicle(), health())
        for shown in permutations(documents):
            assert said(GREEN_LANE, *shown) == Complete(shown)

    def test_enough_is_enough_whatever_else_was_shown(self) -> None:
        good = health("vaccination")
        bad = (refused(), undecided(), health("test", result="failed"), health("recovery"))
        assert said(VENUE, *bad, good) == Complete((good,))

    def test_the_built_in_one_asks_for_any_signed_document(self) -> None:
        shown = (health("recovery", result="none"), travel(), vehicle())
        assert judged([BUILT_IN], shown, Facts(NOWHERE, AT)) == Complete(shown)


class TestMissing:
    def test_what_is_missing_is_told_in_the_profile_s_order(self) -> None:
        one = declaration()
        body = requiring(
            [TEST, VACCINATION, TEST], {"document": "declaration", "without_rules": "accepted"}, VACCINATION
        )
        assert said(body, one) == Missing((("test", "vaccination"), ("vaccination",)), plate=False, counted=(one,))

    def test_a_plate_that_nobody_entered_is_waited_for(self) -> None:
        shown = vehicle(), health()
        assert said(GREEN_LANE, *shown, facts=FACTS) == Missing((), plate=True, counted=shown)
        assert said(GREEN_LANE, shown[0], facts=FACTS) == Missing(
            (("test", "vaccination"),), plate=True, counted=shown[:1]
        )

    def test_what_nobody_asked_for_makes_nothing_complete_and_nothing_worse(self) -> None:
        one = health()
        assert said(GREEN_LANE, one, health("recovery")) == Missing((("vehicle",),), plate=False, counted=(one,))

    def test_alone_it_is_refused_and_so_is_another_format(self) -> None:
        assert why(said(VENUE, health("recovery"))) == ("refused", Reason.NOT_ASKED_FOR)
        assert why(said(requiring(TEST | {"formats": ["lx1"]}), health())) == ("refused", Reason.NOT_ASKED_FOR)
        assert why(said(VENUE, code(), health("recovery"))) == ("refused", Reason.NOT_ASKED_FOR)
        assert why(said(VENUE, code())) == ("undecided", Reason.UNSIGNED)


class TestWrong:
    @pytest.mark.parametrize(
        ("one", "answer"),
        [
            (refused(), ("refused", Reason.EXPIRED)),
            (refused(document=health("declaration").document), ("refused", Reason.EXPIRED)),
            (refused(document=health().document), ("refused", Reason.EXPIRED)),
            (undecided(), ("undecided", Reason.UNSUPPORTED_VERSION)),
            (health(result="failed"), ("refused", Reason.RULE_FAILED)),
            (health(result="undecided"), ("undecided", Reason.RULE_UNDECIDED)),
            (health(result="none"), ("undecided", Reason.NO_RULES)),
            (vehicle(result="failed"), ("refused", Reason.RULE_FAILED)),
            (vehicle(route=("QL9",)), ("refused", Reason.WRONG_ROUTE)),
            (vehicle(hours=((0, 1),)), ("refused", Reason.OUTSIDE_HOURS)),
            (vehicle("29A00001"), ("refused", Reason.PLATE_MISMATCH)),
        ],
    )
    def test_a_document_is_answered_for_itself_where_not_all_is_there(
        self, one: Presented, answer: tuple[str, Reason]
    ) -> None:
        outcome = said(GREEN_LANE, one)
        assert why(outcome) == answer
        assert isinstance(outcome, Failed)
        assert outcome.whose == one

    def test_what_is_wrong_goes_before_what_nobody_entered(self) -> None:
        assert why(said(GREEN_LANE, vehicle(route=("QL9",)), facts=FACTS)) == ("refused", Reason.WRONG_ROUTE)

    def test_refused_goes_before_undecided(self) -> None:
        for shown in permutations((undecided(), refused(), health(result="undecided"))):
            assert why(said(VENUE, *shown)) == ("refused", Reason.EXPIRED)

    def test_a_lane_that_does_not_say_where_it_is(self) -> None:
        facts = Facts(NOWHERE, AT, "51C12345")
        assert why(said(GREEN_LANE, vehicle(), facts=facts)) == ("undecided", Reason.PROFILE_UNUSABLE)

    @pytest.mark.parametrize(
        ("without", "answer"),
        [("undecided", ("undecided", Reason.NO_RULES)), ("refused", ("refused", Reason.NO_RULES)), ("accepted", None)],
    )
    def test_without_rules_a_profile_says_what_follows(self, without: str, answer: tuple[str, Reason] | None) -> None:
        for body in (requiring(TEST, without_rules=without), requiring(TEST | {"without_rules": without})):
            outcome = said(body, health(result="none"))
            assert isinstance(outcome, Complete) if answer is None else why(outcome) == answer

    def test_rules_of_a_lower_role_stand_for_none_of_the_nation_s(self) -> None:
        one = health()
        only_province = {"VN": one.rules["VN"]._replace(accepting=frozenset({SAIGON}))}
        shown = Presented(one.verdict, one.identity, only_province)
        assert why(said(VENUE, shown)) == ("undecided", Reason.NO_RULES)
        assert isinstance(judged([profile_of(VENUE, SAIGON)], [shown], PLATE), Complete)


class TestIdentity:
    def test_staff_confirm_an_identity_once_all_else_is_there(self) -> None:
        test, shown = health(), code()
        assert said(STAFF, shown) == Missing((("test",),), plate=False, counted=(shown,))
        assert said(STAFF, test) == StaffNeeded((test,))
        assert said(STAFF, test, shown) == StaffNeeded((test, shown))
        assert said(STAFF, test, shown, confirmed=True) == Complete((test, shown))
        assert said(STAFF, test, confirmed=True) == Complete((test,))

    def test_staff_alone_may_be_enough_but_no_unsigned_code_is(self) -> None:
        assert said(requiring(OFFICER), code()) == StaffNeeded((code(),))
        assert said(requiring(OFFICER), code(), confirmed=True) == Complete((code(),))
        assert why(said(requiring(CODE), code())) == ("undecided", Reason.UNSIGNED)
        assert said(requiring(CODE, TEST), health(), code()) == Complete((health(), code()))

    def test_another_format_of_identity_is_not_the_one(self) -> None:
        body = requiring(TEST, CODE | {"formats": ["qrqg"]})
        assert said(body, health(), code()) == Missing((("identity",),), plate=False, counted=(health(),))

    def test_an_identity_shown_where_it_is_an_alternative(self) -> None:
        body = requiring([OFFICER, VACCINATION], TEST)
        assert said(body, health(), health("vaccination")) == Complete((health(), health("vaccination")))
        assert said(body, health(), code()) == StaffNeeded((health(), code()))

    def test_attendance_is_what_is_recorded_of_a_code_that_nothing_is_required_of(self) -> None:
        for body in (requiring(attendance=True), requiring(TEST, attendance=True)):
            assert said(body, code()) == Attendance((code(),))
        assert said(requiring(OFFICER, attendance=True), code()) == StaffNeeded((code(),))
        assert said(requiring(TEST, attendance=True), health(), code()) == Complete((health(),))
        assert why(said(requiring(attendance=True), health())) == ("refused", Reason.NOT_ASKED_FOR)

    def test_who_heeds_codes(self) -> None:
        assert [asks(profile_of(body), code()) for body in (VENUE, STAFF, requiring(attendance=True))] == [
            False,
            True,
            True,
        ]


class TestSeveral:
    def test_all_that_any_of_them_misses_is_missing(self) -> None:
        one = health()
        profiles = [profile_of(VENUE), profile_of(GREEN_LANE, SAIGON), profile_of(requiring(TEST, VACCINATION), SAIGON)]
        assert judged(profiles, [one], PLATE) == Missing((("vehicle",), ("vaccination",)), plate=False, counted=(one,))

    def test_what_one_of_them_asks_for_is_asked_for(self) -> None:
        profiles = [profile_of(VENUE), profile_of(requiring(TEST, {"document": "recovery"}), SAIGON)]
        shown = health("recovery")
        assert judged(profiles, [shown], PLATE) == Missing(
            (("test", "vaccination"), ("test",)), plate=False, counted=(shown,)
        )

    def test_the_worst_answer_holds(self) -> None:
        profiles = [profile_of(VENUE), profile_of(requiring(TEST | {"formats": ["lx1"]}), SAIGON)]
        shown = [health("vaccination"), health(result="none")]
        assert judged(profiles, shown, PLATE) == Missing((("test",),), plate=False, counted=tuple(shown[:1]))
        strict = [profile_of(VENUE), profile_of(requiring(TEST, without_rules="refused"), SAIGON)]
        assert why(judged(strict, shown, PLATE)) == ("refused", Reason.NO_RULES)

    def test_what_counted_for_any_of_them_counted(self) -> None:
        profiles = [profile_of(requiring(TEST)), profile_of(requiring(VACCINATION), SAIGON)]
        shown = (health("vaccination"), health("recovery"), health())
        assert judged(profiles, shown, PLATE) == Complete((shown[0], shown[2]))


_ITEMS = st.sampled_from([TEST, VACCINATION, CODE, OFFICER, {"document": "vehicle", "checks": ["plate"]}])
_BODIES = st.lists(st.lists(_ITEMS, min_size=1, max_size=2), min_size=1, max_size=3).map(lambda all_: requiring(*all_))
_SHOWN = st.lists(
    st.sampled_from(
        [
            health(),
            health("vaccination"),
            health(result="failed"),
            code(),
            vehicle(),
            vehicle(result="passed"),
            refused(),
        ]
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.identity,
)
_PROFILES = st.builds(profile_of, _BODIES, st.sampled_from([NATION, SAIGON, Role("site")]))
_GRAVITY = (Complete, Attendance, StaffNeeded, Missing)


def gravity(outcome: Outcome) -> int:
    if isinstance(outcome, Failed):
        return 5 if outcome.verdict == "refused" else 4
    return _GRAVITY.index(type(outcome))


@given(_PROFILES, _SHOWN, st.booleans())
def test_nothing_is_complete_by_unsigned_codes_alone(profile: Profile, shown: list[Presented], plate: bool) -> None:  # noqa: FBT001 - drawn
    outcome = judged([profile], shown, PLATE if plate else FACTS)
    if isinstance(outcome, Complete):
        assert not all(one.unsigned for one in outcome.counted)
        assert all(one in shown for one in outcome.counted)


@given(st.lists(_PROFILES, min_size=1, max_size=3), _PROFILES, _SHOWN, st.booleans())
def test_another_profile_can_only_tighten(
    profiles: list[Profile],
    another: Profile,
    shown: list[Presented],
    confirmed: bool,  # noqa: FBT001 - drawn
) -> None:
    before = judged(profiles, shown, PLATE, confirmed=confirmed)
    after = judged([*profiles, another], shown, PLATE, confirmed=confirmed)
    asked_for = isinstance(before, Failed) and before.reason in {Reason.NOT_ASKED_FOR, Reason.UNSIGNED}
    assert gravity(after) >= gravity(before) or (asked_for and (confirmed or not isinstance(after, Complete)))


@given(_PROFILES, _SHOWN, st.randoms())
def test_the_order_of_documents_makes_nothing_complete(
    profile: Profile,
    shown: list[Presented],
    draw: Any,  # noqa: ANN401 - a Random of hypothesis'
) -> None:
    other = draw.sample(shown, len(shown))
    assert type(judged([profile], shown, PLATE)) is type(judged([profile], other, PLATE))
