"""Dates in the future: refused always, whatever rules there are; nobody is refused for living further east."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.future_date import dating

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)  # in the easternmost zone 02:00 of the day after


def dated_after(payload: dict[str, Any], at: datetime) -> bool:
    return dating(payload, at) == "future"


@pytest.mark.parametrize(
    ("date", "future"),
    [
        ("2026-06-01T12:00:00Z", False),
        ("2026-06-01T12:00:01Z", True),
        ("2026-06-01T12:00:00.001Z", True),
        ("2026-06-01T19:00:00+07:00", False),
        ("2026-06-01T19:00:01+0700", True),
        ("2026-06-01T06:00:01-06", True),
        ("2026-06-02T02:00:00", False),
        ("2026-06-02T02:00:01", True),
        ("2026-06-02", False),
        ("2026-06-03", True),
        (" 2026-06-03 ", True),
        ("2026-06", False),
        ("2026-07", True),
        ("2026", False),
        ("2027", True),
        ("2026-06-03T25:00:00Z", True),
        ("2026-06-01T25:00:00Z", False),
        ("2026-06-01T19:00:01+7:00", False),
        ("9999-12-31T23:59:59.999999-23:59", True),
        ("0001-01-01T00:00:00+23:59", False),
        ("", False),
        ("yesterday", False),
        ("zzzz-zz-zz and later", False),
        ("\uff12\uff10\uff12\uff17", False),
    ],
    ids=repr,
)
def test_a_date_is_in_the_future_or_not(date: str, future: bool) -> None:  # noqa: FBT001 - a table's column
    assert dated_after({"v": [{"dt": date}]}, AT) is future


@pytest.mark.parametrize(
    ("group", "name"), [("v", "dt"), ("t", "sc"), ("t", "dr"), ("r", "fr"), ("declaration", "declared_at")]
)
def test_fields_that_tell_what_has_happened(group: str, name: str) -> None:
    assert dated_after({group: [{name: "2027-01-01"}]}, AT)
    assert dated_after({group: ({}, {name: "2027-01-01"})}, AT)
    assert not dated_after({group: [{name: "2026-01-01"}]}, AT)


@pytest.mark.parametrize(
    ("date", "part"),
    [("2026", True), (" 2026-05 ", True), ("2026-05-01", False), ("2026-05-01T12:00:00Z", False), ("", False)],
)
def test_a_date_is_whole_or_in_part(date: str, part: bool) -> None:  # noqa: FBT001 - a table's column
    assert dating({"v": [{"dt": date}]}, AT) == ("in-part" if part else "past")
    assert dating({"dob": "1990", "r": [{"du": date}]}, AT) == "past"


def test_what_is_from_the_future_is_that_beside_a_date_in_part() -> None:
    assert dating({"t": [{"sc": "2026", "dr": "2027"}]}, AT) == "future"


@pytest.mark.parametrize("name", ["df", "du"])
def test_what_may_be_to_come(name: str) -> None:
    assert not dated_after({"r": [{name: "2027-01-01"}]}, AT)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["dt", "sc", "dr", "fr"]), inner),
)


@given(st.dictionaries(st.sampled_from(["v", "t", "r", "declaration", "dob"]), json_values))
def test_any_payload_gives_an_answer(payload: dict[str, Any]) -> None:
    assert dated_after(payload, AT) in {True, False}


@given(st.timedeltas(timedelta(days=-5), timedelta(days=5)), st.integers(-12 * 60, 14 * 60))
def test_a_time_with_a_zone_is_compared_exactly(away: timedelta, zone_min: int) -> None:
    written = (AT + away).astimezone(timezone(timedelta(minutes=zone_min))).isoformat()
    assert dated_after({"t": [{"sc": written}]}, AT) is (away > timedelta(0))


@given(st.timedeltas(timedelta(days=-5), timedelta(0)), st.integers(-12 * 60, 14 * 60))
def test_no_zone_on_earth_makes_a_past_day_a_future_one(away: timedelta, zone_min: int) -> None:
    local = (AT + away).astimezone(timezone(timedelta(minutes=zone_min)))
    for written in (local.date().isoformat(), local.replace(tzinfo=None).isoformat()):
        assert not dated_after({"t": [{"sc": written}]}, AT)
