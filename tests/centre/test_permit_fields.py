"""What a permit is to say: read by field, refused by name and never by value."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.permits.fields import CELL_MAX_CHARS, FIELDS, NAMES, FieldError, wanted
from centre.permits.home import PermitError
from centre.permits.reading import moment, plate_of
from centre.permits.table import Row, parse
from tests.centre import permit_site
from tests.centre.permit_site import ALL, AT, HOLDER, VEHICLE, asked, table


def test_every_field_of_a_vehicle_is_read() -> None:
    said = asked().content
    assert said == {10: "51C12345", 11: 1, 12: "0312345678", 13: ["QL1A", "CT01"], 14: 1, 15: [[1320, 300]], 16: 2}
    assert asked().plate == "51C12345"


def test_a_holder_is_written_as_in_the_machine_readable_zone() -> None:
    assert asked("travel").content[1] == {1: "NGUYEN", 2: "VAN<DUC", 3: "1990-01-31", 4: "1234"}
    assert wanted("travel", ALL["travel"] | {"given": "", "document": ""}).content[1] == {1: "NGUYEN", 3: "1990-01-31"}
    assert asked("travel").plate is None


def test_times_without_a_zone_are_viet_nams() -> None:
    assert asked("declaration").content[30] == datetime(2026, 11, 22, 5, 0, tzinfo=UTC).timestamp()
    assert moment("2026-11-22") == datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    assert moment("2026-11-22", end=True) == datetime(2026, 11, 22, 16, 59, 59, tzinfo=UTC)
    assert moment("2026-11-22T12:00:00Z", end=True) == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert moment("2028-02-29T00:00+09:00") == datetime(2028, 2, 28, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2027-02-29", "2026-13-01", "20261122", "2026-W48-1", "tomorrow", "0001-01-01", "", "9" * 60]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no such time: write 2026-01-31"):
        moment(text)


def test_when_it_holds() -> None:
    assert asked().times(AT) == (AT, AT + timedelta(days=30))
    assert asked(**{"from": "2026-11-25", "days": "1"}).times(AT)[0] == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert asked(**{"from": "2020-01-01"}).times(AT)[0] == AT  # no permit begins before it is issued
    assert asked(days="", until="2026-12-24").times(AT)[1] == datetime(2026, 12, 24, 16, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"days": "", "until": "2026-11-21"}, "until: it is over before it begins"),
        ({"days": "", "until": "2028-11-21"}, "until: over 366 days"),
        ({"from": "2028-11-21"}, "from: over 366 days from now"),
        ({"from": "9999-12-31"}, "from: over 366 days from now"),
    ],
    ids=["over", "long", "far", "end-of-time"],
)
def test_times_that_are_not_meant_are_told(fields: dict[str, str], told: str) -> None:
    with pytest.raises(FieldError, match=told):
        asked(**fields).times(AT)


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("lorry", {}, "kind: one of vehicle, travel"),
        ("vehicle", {"plate": ""}, "plate: it is missing"),
        ("vehicle", {"plate": "51C"}, "plate: no plate"),
        ("vehicle", {"plate": "51C-123.45\x00"}, "plate: no plate"),
        ("vehicle", {"plate": "X" * 13}, "plate: no plate"),
        ("vehicle", {"plate": "51\u0421-123.45"}, "plate: no plate: a letter or digit only looks"),
        ("vehicle", {"plate": "51  \u0421  -  123  .  45"}, "plate: no plate: a letter or digit only looks"),
        ("vehicle", {"plate": "X" * 17}, "plate: no plate: 4 to 12"),
        ("vehicle", {"plate": "51C-123\u0664\u0665"}, "plate: no plate"),
        ("vehicle", {"family": "SECRET"}, "family: a vehicle has none"),
        ("vehicle", {"class": "tank"}, "class: one of lorry"),
        ("vehicle", {"carrier": "Công ty Vận tải Sài Gòn A"}, "carrier: 32 bytes in UTF-8: at most 30: use the tax"),
        ("vehicle", {"carrier": "a\x1bb"}, "carrier: a character that cannot be printed"),
        ("vehicle", {"route": ";".join(map(str, range(9)))}, "route: at most 8"),
        ("vehicle", {"route": "QUOC LO 1A!"}, "route: at most 8, with ; between them: roads"),
        ("vehicle", {"hours": "25:00-05:00"}, "hours: at most 4"),
        ("vehicle", {"hours": "24:00-05:00"}, "hours: hours of day"),
        ("vehicle", {"hours": "05:00-24:01"}, "hours: hours of day"),
        ("vehicle", {"hours": "05:00-05:00"}, "hours: hours of day"),
        ("vehicle", {"crew": "0"}, "crew: a number from 1 to 99"),
        ("vehicle", {"crew": "100"}, "crew: a number from 1 to 99"),
        ("vehicle", {"days": ""}, "until: give either"),
        ("vehicle", {"until": "2026-12-24"}, "until: give either"),
        ("vehicle", {"days": "367"}, "days: a number from 1 to 366"),
        ("vehicle", {"days": "-1"}, "days: a number from 1 to 366"),
        ("vehicle", {"from": "noon"}, "from: no such time"),
        ("vehicle", {"carrier": "x" * (CELL_MAX_CHARS + 1)}, "carrier: over 600 characters"),
        ("travel", {"family": "SECRET\U0001f600"}, "family: write it in Latin letters"),
        ("travel", {"given": "SECRET" * 7}, "given: write it in Latin letters"),
        ("travel", {"born": "1990-02-30"}, "born: no date of birth"),
        ("travel", {"born": "31/01/1990"}, "born: no date of birth"),
        ("travel", {"document": "12"}, "document: the last 3 to 6"),
        ("travel", {"employer": "x" * 61}, "employer: 61 bytes"),
        ("travel", {"areas": "Saigon!"}, "areas: at most 16"),
        ("travel", {"plate": "51C12345"}, "plate: a travel has none"),
        ("test", {"result": "negative"}, "result: one of not-detected"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_a_wrong_field_is_told_by_its_name(kind: str, fields: dict[str, str], told: str) -> None:
    with pytest.raises(FieldError) as error:
        wanted(kind, ALL.get(kind, VEHICLE) | fields)
    assert str(error.value).startswith(told)
    assert "SECRET" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "plate"),
    [("51c-123.45", "51C12345"), ("29 Đ1 234", "29D1234"), ("\uff15\uff11\uff2312345", "51C12345")],
    ids=["dots", "d", "wide"],
)
def test_a_plate_is_letters_and_digits(text: str, plate: str) -> None:
    assert plate_of(text) == plate


@given(st.sampled_from(sorted(ALL)), st.sampled_from(NAMES), st.text(max_size=60))
def test_any_cell_is_a_field_or_told(kind: str, name: str, text: str) -> None:
    with contextlib.suppress(FieldError):
        wanted(kind, ALL[kind] | {name: text}).times(AT)


def test_the_example_fields_are_all_there_are() -> None:
    known = {field.name for fields in FIELDS.values() for field in fields} | HOLDER.keys()
    assert known == {name for fields in ALL.values() for name in fields} - {"days"}
    assert permit_site.AT.tzinfo is UTC


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("test", {"sampled": "2026-11-23"}, "sampled: it lies ahead"),
        ("test", {"resulted": "2026-11-23"}, "resulted: it lies ahead"),
        ("test", {"resulted": "2026-11-20"}, "resulted: before the sample"),
        ("declaration", {"declared": "2026-11-22T13:00:01"}, "declared: it lies ahead"),
        ("travel", {"born": "2027"}, "born: it lies ahead"),
    ],
    ids=["sampled", "resulted", "before", "declared", "born"],
)
def test_what_cannot_have_been_yet_is_told(kind: str, fields: dict[str, str], told: str) -> None:
    with pytest.raises(FieldError, match=told):
        asked(kind, **fields).check(AT)
    asked(kind).check(AT)


def test_letters_with_marks_apart_are_put_together() -> None:
    assert asked(carrier="Vận tải A\u0301").content[12] == "Vận tải Á"
    assert asked("test", sampled="1900-01-01").content[41] == 0


# --- tables


def test_a_table_is_read_with_or_without_a_byte_order_mark() -> None:
    data = table(VEHICLE, {}, VEHICLE | {"plate": "61C-1"})
    rows = parse(data, "vehicle")
    assert [(row.line, row.wanted.plate) for row in rows] == [(2, "51C12345"), (4, "61C1")]
    assert parse(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"), "vehicle") == rows


def test_a_table_may_hold_several_kinds() -> None:
    rows = parse(table(*({"kind": kind} | fields for kind, fields in ALL.items())), None)
    assert rows == [Row(line, asked(kind)) for line, kind in enumerate(ALL, start=2)]


@pytest.mark.parametrize(
    ("data", "kind", "told"),
    [
        (b"", "vehicle", "line 1: no header"),
        (table(VEHICLE), None, "line 1: no column kind"),
        (b"plate;class\n", "vehicle", "line 1: no commas between the columns: save it as CSV with commas"),
        (b"plate\tclass\n", "vehicle", "line 1: no commas between the columns"),
        (b"plate,tank\n", "vehicle", "line 1: column 'tank': known are plate, class"),
        (b"plate,plate\n", "vehicle", "line 1: column plate stands twice"),
        (table(VEHICLE).splitlines()[0], "vehicle", "no permits in it"),
        (table(VEHICLE) + b"a,b\n", "vehicle", "line 3: 2 cells instead of the header's 8"),
        (table(VEHICLE, VEHICLE | {"crew": "many"}), "vehicle", "nothing is issued: line 3, crew: a number"),
        (table({"kind": "tank"} | VEHICLE), None, "nothing is issued: line 2, kind: one of"),
        (table(*[VEHICLE | {"crew": ""}] * 22), "vehicle", "line 21, crew: it is missing; and 2 more"),
        (b'plate\n"a"b\n', "vehicle", "line 2: "),
        (b"plate\n\xff\n", "vehicle", "line 2: not UTF-8"),
        (b"plate\n\0\n", "vehicle", "line 2: this is no text"),
        ("plate\n".encode("utf-16"), "vehicle", "line 1: not UTF-8"),
    ],
    ids=[
        "empty",
        "kind",
        "semicolon",
        "tab",
        "header",
        "twice",
        "none",
        "cells",
        "row",
        "tank",
        "many",
        "quote",
        "utf8",
        "zero",
        "utf16",
    ],
)
def test_a_bad_table_is_told_by_line_and_column(data: bytes, kind: str | None, told: str) -> None:
    with pytest.raises(PermitError) as error:
        parse(data, kind)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.permits.table.ROWS_MAX", 1)
    with pytest.raises(PermitError, match="line 3: over 1 permits"):
        parse(table(VEHICLE, VEHICLE), "vehicle")
    monkeypatch.setattr("centre.permits.table.FILE_MAX_BYTES", 10)
    with pytest.raises(PermitError, match="over 10 bytes"):
        parse(table(VEHICLE), "vehicle")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_told(data: bytes) -> None:
    for text in (data, table(VEHICLE) + data):
        with contextlib.suppress(PermitError):
            assert parse(text, "vehicle")
