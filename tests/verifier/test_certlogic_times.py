"""CertLogic's date-times: formats, partial dates, zones, leap days, ends of months, and the ends of the calendar."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.certlogic import CertLogicError, evaluate

X, Y = {"var": "x"}, {"var": "y"}
NAIVE = datetime(2021, 6, 30)  # noqa: DTZ001 - the fault under test


def iso(time: datetime) -> str:
    assert time.tzinfo is UTC
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: object) -> str:
    return iso(evaluate({"plusTime": [X, 0, "day"]}, {"x": text}))


def moved(text: object, amount: int, unit: str) -> str:
    return iso(evaluate({"plusTime": [X, amount, unit]}, {"x": text}))


def born(text: object) -> str:
    return iso(evaluate({"dccDateOfBirth": [X]}, {"x": text}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-05-04", "2021-05-04T00:00:00.000Z"),
        ("2021-05-04T13:37:42", "2021-05-04T13:37:42.000Z"),
        ("2021-05-04T13:37:42Z", "2021-05-04T13:37:42.000Z"),
        ("2021-05-04T13:37:42+2", "2021-05-04T11:37:42.000Z"),
        ("2021-05-04T13:37:42+02", "2021-05-04T11:37:42.000Z"),
        ("2021-05-04T13:37:42-02", "2021-05-04T15:37:42.000Z"),
        ("2021-05-04T13:37:42+530", "2021-05-04T08:07:42.000Z"),
        ("2021-05-04T13:37:42+0530", "2021-05-04T08:07:42.000Z"),
        ("2021-05-04T13:37:42+5:30", "2021-05-04T08:07:42.000Z"),
        ("2021-05-04T13:37:42-05:30", "2021-05-04T19:07:42.000Z"),
        ("2021-08-01T00:00:00.1Z", "2021-08-01T00:00:00.100Z"),
        ("2021-08-01T00:00:00.01", "2021-08-01T00:00:00.010Z"),
        ("2021-08-01T00:00:00.9999999Z", "2021-08-01T00:00:00.999Z"),
        ("2021-08-01T00:00:00.001+07:00", "2021-07-31T17:00:00.001Z"),
        ("2021-03-28T02:30:00+02:00", "2021-03-28T00:30:00.000Z"),  # an hour that Berlin's clocks skip
        ("2021-10-31T02:30:00+01:00", "2021-10-31T01:30:00.000Z"),  # the second of two
        ("2021", "2021-12-31T00:00:00.000Z"),
        ("2020-02", "2020-02-29T00:00:00.000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        ("9999-12", "9999-12-31T00:00:00.000Z"),
        ("9999", "9999-12-31T00:00:00.000Z"),
    ],
)
def test_formats(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "21",
        "2021-5-4",
        "2021-05-04 ",
        "2021-13",
        "2021-00",
        "0000",
        "0000-01-01",
        "2021-02-29",
        "2021-04-31",
        "2021-W01-1",
        "20210504",
        "2021-1234",
        "2021-05-04\n",
        "2021-05-04T13:37Z",
        "2021-05-04 13:37:42Z",
        "2021-05-04t13:37:42z",
        "2021-05-04T24:00:00Z",
        "2021-05-04T23:59:60Z",
        "2021-05-04T13:37:42.Z",
        "2021-05-04T13:37:42,5Z",
        "2021-05-04T13:37:42+24:00",
        "2021-05-04T13:37:42+02:60",
        "2021-05-04T13:37:42+02:",
        "2021-02-30T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "202\u0661-05-04",
        "\ud800021-05-04",
        "2021-05-04T13:37:42Z" + "0" * 100_000,
    ],
    ids=range(31),
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(CertLogicError, match=r"date or date-time, such as|outside the years"):
        read(text)


@pytest.mark.parametrize("value", [None, 0, 1.5, True, [], {}, b"2021-05-04"])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(CertLogicError, match="wanted as a text"):
        read(value)
    with pytest.raises(CertLogicError, match="date of birth is a text"):
        born(value)


@pytest.mark.parametrize(
    ("text", "amount", "unit", "expected"),
    [
        ("2020-02-29", 1, "day", "2020-03-01"),
        ("2020-02-29", 1, "month", "2020-03-29"),
        ("2020-02-29", 1, "year", "2021-03-01"),  # the specification's own table
        ("2020-02-29", 4, "year", "2024-02-29"),
        ("2020-02-29", -1, "year", "2019-03-01"),
        ("2021-02-28", 3, "year", "2024-02-28"),
        ("2021-01-31", 1, "month", "2021-03-03"),
        ("2020-01-31", 1, "month", "2020-03-02"),
        ("2021-03-31", -1, "month", "2021-03-03"),
        ("2021-08-31", 1, "month", "2021-10-01"),
        ("2021-12-31", 2, "month", "2022-03-03"),
        ("2021-01-15", -1, "month", "2020-12-15"),
        ("2021-06-15", -18, "month", "2019-12-15"),
        ("2021-12-31", 1, "day", "2022-01-01"),
        ("2021-06-23", -180, "day", "2020-12-25"),  # across the end of daylight saving
        ("2021-06-23", 48, "hour", "2021-06-25"),
        ("2004", 18, "year", "2022-12-31"),
        ("2004-02", 18, "year", "2022-03-01"),
        ("1900-02-28", 1, "day", "1900-03-01"),
    ],
)
def test_offsets(text: str, amount: int, unit: str, expected: str) -> None:
    assert moved(text, amount, unit) == f"{expected}T00:00:00.000Z"


def test_an_offset_of_an_hour_keeps_the_rest() -> None:
    assert moved("2021-12-31T23:30:00.5+00:00", 1, "hour") == "2022-01-01T00:30:00.500Z"
    assert moved("2021-01-31T23:30:00.5+00:00", 1, "month") == "2021-03-03T23:30:00.500Z"


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("9999-12-31", 1, "day"),
        ("9999-12-31T23:00:00Z", 1, "hour"),
        ("9999-12-31", 1, "month"),
        ("9999-01-01", 1, "year"),
        ("0001-01-01", -1, "day"),
        ("0001-01-01", -1, "hour"),
        ("0001-01-31", -1, "month"),
        ("0001-01-01", -1, "year"),
        ("2021-01-01", 100_000_000, "year"),
        ("2021-01-01", -100_000_000, "day"),
        ("2021-01-01", -100_000_000, "month"),
    ],
)
def test_offsets_beyond_the_calendar(text: str, amount: int, unit: str) -> None:
    with pytest.raises(CertLogicError, match="outside the years 1 to 9999"):
        moved(text, amount, unit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2004", "2004-12-31"), ("2004-02", "2004-02-29"), ("2003-02", "2003-02-28"), ("2004-02-01", "2004-02-01")],
)
def test_dates_of_birth(text: str, expected: str) -> None:
    assert born(text) == f"{expected}T00:00:00.000Z"


@pytest.mark.parametrize("text", ["", "1980-", "1980-XX-XX", "1980-00-00", "1980-01-01T00:00:00Z"], ids=range(5))
def test_no_dates_of_birth(text: str) -> None:
    with pytest.raises(CertLogicError, match="no date or date-time"):
        born(text)


VIETNAM = timezone(timedelta(hours=7))


def test_times_in_the_data() -> None:
    assert read(datetime(2021, 6, 30, 6, tzinfo=VIETNAM)) == "2021-06-29T23:00:00.000Z"
    assert read(datetime(2021, 6, 30, 6, 0, 0, 123_999, tzinfo=UTC)) == "2021-06-30T06:00:00.123Z"
    assert moved(datetime(2020, 2, 29, tzinfo=UTC), -1, "year") == "2019-03-01T00:00:00.000Z"
    with pytest.raises(CertLogicError, match="without a zone"):
        read(NAIVE)
    with pytest.raises(CertLogicError, match="outside the years"):
        read(datetime(1, 1, 1, tzinfo=VIETNAM))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("before", [1, 0, 0]), ("not-after", [1, 1, 0]), ("after", [0, 0, 1]), ("not-before", [0, 1, 1])],
)
def test_comparison(operator: str, expected: list[int]) -> None:
    noon = "2021-06-30T12:00:00Z"
    times = ["2021-06-30T11:59:59.999Z", "2021-06-30T14:00:00+02:00", "2021-06-30T12:00:00.001Z"]
    for text, answer in zip(times, expected, strict=True):
        left, right = {"plusTime": [X, 0, "day"]}, {"plusTime": [noon, 0, "day"]}
        assert evaluate({operator: [left, right]}, {"x": text}) is bool(answer)
        assert evaluate({operator: [left, Y]}, {"x": text, "y": datetime(2021, 6, 30, 12, tzinfo=UTC)}) is bool(answer)
        assert evaluate({operator: [left, right, right]}, {"x": text}) is (bool(answer) and "not" in operator)


@pytest.mark.parametrize("value", [None, "2021-06-30", 1, [], {}, NAIVE], ids=range(6))
def test_comparison_of_what_is_no_time(value: object) -> None:
    noon = {"plusTime": ["2021-06-30", 0, "day"]}
    for expression in ({"after": [X, noon]}, {"after": [noon, X]}, {"not-after": [noon, noon, X]}):
        with pytest.raises(CertLogicError, match=r"date-time is wanted|without a zone"):
            evaluate(expression, {"x": value})


TIMES = st.datetimes(timezones=st.timezones()).filter(lambda time: 1 < time.year < 9999)


@given(TIMES)
def test_a_time_and_its_text_are_the_same(time: datetime) -> None:
    in_utc = time.astimezone(UTC)
    text = in_utc.isoformat(timespec="microseconds")
    assert read(text) == read(time) == iso(in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000))


@given(TIMES, st.integers(-1_000_000, 1_000_000), st.sampled_from(["day", "hour"]))
def test_days_and_hours_are_always_as_long(time: datetime, amount: int, unit: str) -> None:
    start = evaluate({"plusTime": [X, 0, unit]}, {"x": time})
    with suppress(CertLogicError):  # the calendar's end
        assert evaluate({"plusTime": [X, amount, unit]}, {"x": time}) - start == timedelta(**{f"{unit}s": amount})


@given(st.text())
def test_any_text_is_a_date_or_refused(text: str) -> None:
    for expression in ({"plusTime": [X, 1, "month"]}, {"dccDateOfBirth": [X]}):
        with suppress(CertLogicError):
            assert evaluate(expression, {"x": text}).tzinfo is UTC
