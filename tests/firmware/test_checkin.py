from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import RFC_4122

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.checkin import MAX_AT_MS, Pseudonyms, from_row, milliseconds, new_id, to_row
from tests.firmware.checkins import START, START_MS, checkin, checkins


@pytest.mark.parametrize(
    "wrong",
    [
        {"at_ms": -1},
        {"at_ms": MAX_AT_MS + 1},
        {"lane": ""},
        {"lane": "a\nb"},
        {"lane": "\ud800"},
        {"lane": "ô" * 129},
        {"direction": "up"},
        {"verdict": "perhaps"},
        {"reason": ""},
        {"reason": "Not A Code"},
        {"reason": "NGUYỄN VĂN A"},
        {"reason": "r" * 49},
        {"kinds": ("vaccination",) * 9},
        {"kinds": ("two words",)},
        {"pseudonym": b"short"},
    ],
)
def test_a_checkin_out_of_bounds_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(checkin(1), **wrong)


def test_an_id_that_is_no_uuid7_is_refused() -> None:
    from uuid import uuid4  # noqa: PLC0415 - used here only

    with pytest.raises(ValueError, match="UUIDv7"):
        replace(checkin(1), id=uuid4())


@settings(max_examples=40)
@given(checkins)
def test_a_row_gives_the_same_checkin(one: Any) -> None:  # noqa: ANN401 - hypothesis gives it
    assert from_row(to_row(one)) == one


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
