from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import RFC_4122, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.checkin import (
    _KNOWN_MAX,
    CLOCKS,
    COLUMNS,
    FIELDS,
    MAX_AT_MS,
    MAX_DETAILS_BYTES,
    Pseudonyms,
    _known,
    from_row,
    milliseconds,
    new_id,
    row_problem,
    to_row,
)
from tests.firmware.checkins import START, START_MS, after, checkin, checkins


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "visit", "about": checkin(2).id},
        {"type": "passage"},
        {"about": checkin(2).id},
        {"clock": "sundial"},
        {"at_ms": -1},
        {"at_ms": MAX_AT_MS + 1},
        {"lane": ""},
        {"lane": "a\nb"},
        {"lane": "\ud800"},
        {"lane": "ô" * 129},
        {"direction": "up"},
        {"verdict": "perhaps"},
        {"profile": ""},
        {"profile": "Market Gate"},
        {"profile": "p" * 49},
        {"reason": ""},
        {"reason": "Not A Code"},
        {"reason": "NGUYỄN VĂN A"},
        {"reason": "r" * 49},
        {"kinds": ("vaccination",) * 9},
        {"kinds": ("two words",)},
        {"kinds": ("",)},
        {"pseudonym": b"short"},
        {"details": b""},
        {"details": bytes(MAX_DETAILS_BYTES + 1)},
    ],
)
def test_a_checkin_out_of_bounds_cannot_be_made(wrong: dict[str, Any]) -> None:
    field = "about" if wrong == {"type": "passage"} else next(iter(wrong))
    with pytest.raises(ValueError, match=field):
        replace(checkin(1), **wrong)


def test_a_record_of_what_came_of_a_checkin_says_of_which() -> None:
    for kind in ("passage", "override"):
        record = after(2, kind, checkin(1))
        assert record.about == checkin(1).id
        assert record.blank
        with pytest.raises(ValueError, match="about"):
            replace(record, about=None)
    with pytest.raises(ValueError, match="about"):
        replace(after(2, "passage", checkin(1)), about=uuid4())


def test_how_far_a_clock_is_trusted() -> None:
    trusted = {clock: replace(checkin(1), clock=clock).clock_trusted for clock in CLOCKS}
    assert trusted == {"synchronised": True, "rtc": True, "assumed": True, "untrusted": False}


def test_what_concerns_the_holder_is_blank_only_without_details() -> None:
    bare = replace(checkin(1), kinds=(), pseudonym=None)
    assert bare.blank
    assert not replace(bare, details=b"sealed").blank
    assert not checkin(1).blank


def test_an_id_that_is_no_uuid7_is_refused() -> None:
    with pytest.raises(ValueError, match="UUIDv7"):
        replace(checkin(1), id=uuid4())


@settings(max_examples=40)
@given(checkins)
def test_a_row_gives_the_same_checkin(one: Any) -> None:  # noqa: ANN401 - hypothesis gives it
    assert from_row(to_row(one)) == one
    assert row_problem(to_row(one)) is None
    assert len(to_row(one)) == FIELDS == len(COLUMNS.split(","))


hostile = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=600)
    | st.sampled_from(["check-in", "passage", "\ud800", "in\x00", "accepted ", "", "synchronised", MAX_AT_MS + 1])
    | st.lists(st.none() | st.text(), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.none(), max_size=2)
    | st.just(object())
)


@given(checkins, st.integers(0, FIELDS - 1), hostile)
def test_a_hostile_value_in_any_place_is_told_or_makes_a_checkin(one: Any, place: int, value: Any) -> None:  # noqa: ANN401
    row = list(to_row(one))
    row[place] = value
    problem = row_problem(tuple(row))
    if problem is None:
        assert to_row(from_row(tuple(row))) == tuple(row)  # type: ignore[arg-type]
    else:
        assert problem in PROBLEMS


@given(st.lists(hostile, min_size=FIELDS, max_size=FIELDS))
def test_a_row_of_hostile_values_is_told(values: list[Any]) -> None:
    assert row_problem(tuple(values)) in PROBLEMS


PROBLEMS = {  # fixed texts: what was in the row is in none of them
    "id is no UUIDv7",
    "at_ms is out of range",
    "about is no check-in's id, or stands in a check-in",
    "pseudonym has a wrong length",
    "details have a wrong length",
    "a text is none",
    "type or clock is unknown",
    "lane is empty, too long or not printable",
    "direction or verdict is unknown",
    "profile or reason is no code",
    "kinds are no codes, or too many",
}


def test_numbers_and_booleans_are_told_apart() -> None:
    row = list(to_row(checkin(1)))
    row[2] = True
    assert row_problem(tuple(row)) == "at_ms is out of range"


def test_what_was_found_good_is_not_remembered_without_end() -> None:
    for number in range(_KNOWN_MAX + 10):
        assert row_problem(to_row(replace(checkin(1), lane=f"lane {number}"))) is None
    assert len(_known) <= _KNOWN_MAX
    bad = list(to_row(checkin(1)))
    bad[8] = "Not A Code"
    assert row_problem(tuple(bad)) == row_problem(tuple(bad)) == "profile or reason is no code"


@given(st.integers(0, MAX_AT_MS), st.binary(min_size=10, max_size=10))
def test_ids_are_uuid7_and_sort_by_time(at_ms: int, drawn: bytes) -> None:
    identifier = new_id(at_ms, lambda _: drawn)
    assert (identifier.version, identifier.variant) == (7, RFC_4122)
    assert identifier.int >> 80 == at_ms
    if at_ms < MAX_AT_MS:
        assert identifier < new_id(at_ms + 1)


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id(START_MS) for _ in range(100)}) == 100


@pytest.mark.parametrize("at_ms", [-1, MAX_AT_MS + 1])
def test_an_id_of_an_impossible_time_is_refused(at_ms: int) -> None:
    with pytest.raises(ValueError, match="at_ms"):
        new_id(at_ms)


def test_milliseconds_never_leave_their_range() -> None:
    assert milliseconds(START) == START_MS
    assert milliseconds(datetime(1969, 12, 31, tzinfo=UTC)) == 0


def test_a_pseudonym_is_the_same_within_a_day_of_viet_nam_and_no_longer() -> None:
    pseudonyms = Pseudonyms()
    evening = datetime(2026, 7, 1, 16, 59, tzinfo=UTC)  # 23:59 in Ha Noi
    first = pseudonyms.of(b"identity", evening)
    assert first is not None
    assert len(first) == 16
    assert pseudonyms.of(b"identity", evening - timedelta(hours=16)) == first
    assert pseudonyms.of(b"another", evening) != first
    assert pseudonyms.of(b"identity", evening + timedelta(minutes=1)) != first
    assert pseudonyms.of(b"identity", evening) != first  # the old key is gone, even if the clock goes back


def test_pseudonyms_of_two_runs_cannot_be_linked() -> None:
    assert Pseudonyms().of(b"identity", START) != Pseudonyms().of(b"identity", START)


def test_who_was_not_identified_has_no_pseudonym() -> None:
    assert Pseudonyms().of(None, START) is None
