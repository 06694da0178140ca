"""What a permit is held against at a lane."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.profiles import FACTS, LANE, declaration, health, travel, vehicle
from tests.verifier.rule_files import AT
from verifier.profile_checks import NOWHERE, Facts, Lane, normalised, plate_of, unmet
from verifier.profile_judging import Presented
from verifier.reasons import Reason


def why_not(check: str, one: Presented, facts: Facts = FACTS) -> Reason | None:
    assert one.document is not None
    return unmet(check, one.document, facts)  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(
    ("check", "one", "reason"),
    [
        ("route", vehicle(), None),
        ("route", vehicle(route=("QL51",)), Reason.WRONG_ROUTE),
        ("route", health(), Reason.WRONG_ROUTE),
        ("area", travel(("VN",)), None),
        ("area", travel(("VN-HN", "VN-SG")), None),
        ("area", travel(("VN-SG-1",)), Reason.WRONG_AREA),
        ("area", travel(()), Reason.WRONG_AREA),
        ("area", declaration(("VN-SG",)), None),
        ("area", vehicle(), Reason.WRONG_AREA),
        ("area", health(), Reason.WRONG_AREA),
        ("hours", vehicle(), None),
        ("hours", declaration(), Reason.OUTSIDE_HOURS),
        ("hours", health(), Reason.OUTSIDE_HOURS),
        ("plate", vehicle(), Reason.PLATE_MISSING),
    ],
)
def test_a_permit_passes_a_check_or_says_why_not(check: str, one: Presented, reason: Reason | None) -> None:
    assert why_not(check, one) == reason


@pytest.mark.parametrize(("check", "one"), [("route", vehicle()), ("area", travel()), ("plate", vehicle())])
def test_a_lane_that_does_not_say_where_it_is_cannot_compare(check: str, one: Presented) -> None:
    assert why_not(check, one, Facts(Lane(plates=False), AT)) == Reason.PROFILE_UNUSABLE


@pytest.mark.parametrize(
    ("local", "hours", "within"),
    [
        ("06:00", ((360, 480),), True),
        ("05:59", ((360, 480),), False),
        ("07:59", ((360, 480),), True),
        ("08:00", ((360, 480),), False),
        ("23:30", ((1320, 300),), True),
        ("04:59", ((1320, 300),), True),
        ("05:00", ((1320, 300),), False),
        ("21:59", ((1320, 300),), False),
        ("23:59", ((0, 1440),), True),
        ("12:00", ((720, 720),), False),
        ("12:00", ((0, 60), (700, 760)), True),
        ("12:00", (), True),
    ],
)
def test_hours_are_viet_nam_s_with_their_end_excluded_and_may_cross_midnight(
    local: str, hours: tuple[tuple[int, int], ...], *, within: bool
) -> None:
    at = datetime.fromisoformat(f"2026-06-01T{local}:30+07:00").astimezone(UTC)
    for one in (vehicle(hours=hours), travel(hours=hours)):
        assert why_not("hours", one, Facts(LANE, at)) == (None if within else Reason.OUTSIDE_HOURS)


@given(st.integers(0, 1440), st.integers(0, 1440), st.integers(0, 2879))
def test_each_minute_lies_in_a_span_or_in_the_one_that_is_the_rest_of_the_day(
    start: int, end: int, minute: int
) -> None:
    facts = Facts(LANE, datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=minute))
    inside = why_not("hours", vehicle(hours=((start, end),)), facts) is None
    outside = why_not("hours", vehicle(hours=((end, start),)), facts) is None
    assert inside != outside or start % 1440 == end % 1440


@pytest.mark.parametrize(
    ("entered", "plate"),
    [
        ("51C-123.45", "51C12345"),
        (" 51c 123 45 ", "51C12345"),
        ("29Đ1 234.56", "29D123456"),
        ("29đ1-23456", "29D123456"),
        ("\uff15\uff11C", "51C"),
        ("É1", "E1"),
        ("º1", "O1"),
        ("--- ", ""),
        ("ß1", "SS1"),
        ("\ud800", ""),
    ],
)
def test_a_plate_is_what_permits_write_whoever_entered_it(entered: str, plate: str) -> None:
    assert normalised(entered) == plate


@given(st.text(max_size=20))
def test_any_text_is_a_plate_of_letters_and_digits(text: str) -> None:
    plate = normalised(text)
    assert plate == normalised(plate)
    assert not plate or (plate.isascii() and plate.isalnum() and plate == plate.upper() and len(plate) <= 16)


def test_plates_are_compared_whole() -> None:
    one = vehicle("51C12345")
    assert why_not("plate", one, Facts(LANE, AT, "51C12345")) is None
    for other in ("51C1234", "51C123456", ""):
        assert why_not("plate", one, Facts(LANE, AT, other)) == Reason.PLATE_MISMATCH
    assert why_not("plate", health(), Facts(LANE, AT, "51C12345")) == Reason.PLATE_MISMATCH


def test_only_vehicles_have_plates() -> None:
    found = [plate_of(one.document) for one in (vehicle(), travel(), health()) if one.document]
    assert found == ["51C12345", None, None]
    assert Lane() == NOWHERE
