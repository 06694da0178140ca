"""Value sets: what is written is read again, and nothing else is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import vectors
from verifier.value_sets import VALUE_SETS_MAX_BYTES, ValueSetsError, encode_value_sets, parse_value_sets

names = st.from_regex(r"\A[a-z0-9]([a-z0-9_-]{0,10}[a-z0-9])?\Z")
codes = st.from_regex(r"\A[!-~]([ -~]{0,10}[!-~])?\Z")


@given(st.dictionaries(names, st.frozensets(codes, max_size=5), max_size=5))
def test_what_is_encoded_is_read_again(sets: dict[str, frozenset[str]]) -> None:
    data = encode_value_sets(sets)
    assert parse_value_sets(data) == sets
    assert encode_value_sets(parse_value_sets(data)) == data


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_value_sets_or_a_value_sets_error(data: bytes) -> None:
    with pytest.raises(ValueSetsError):
        parse_value_sets(data)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ({"version": 2, "sets": {}}, "$.version"),
        ({"version": 1}, "sets"),
        ({"version": 1, "sets": {}, "more": 1}, "more"),
        ({"version": 1, "sets": {"a b": []}}, "$.sets"),
        ({"version": 1, "sets": {"a": [1]}}, "$.sets"),
        ({"version": 1, "sets": {"a": [""]}}, "$.sets"),
        ({"version": 1, "sets": {"a": [" padded"]}}, "$.sets"),
        ({"version": 1, "sets": {"a": ["two\nlines"]}}, "$.sets"),
        ({"version": 1, "sets": {"a": ["a" * 81]}}, "$.sets"),
        ({"version": 1, "sets": {"a": ["a"] * 8193}}, "$.sets"),
        ({"version": 1, "sets": {f"a{n}": [] for n in range(65)}}, "$.sets"),
        ({"version": 1, "sets": {f"a{n}": ["a" * 80] * 200 for n in range(30)}}, "larger than"),
    ],
    ids=range(12),
)
def test_a_file_out_of_form_says_what_is_wrong(file: dict[str, object], says: str) -> None:
    with pytest.raises(ValueSetsError) as caught:
        parse_value_sets(json.dumps(file).encode())
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"[" * 60_000, b'{"version":1,"sets":{"a":["\xff"]}}', b" " * VALUE_SETS_MAX_BYTES + b"1"],
    ids=["deep", "no UTF-8", "large"],
)
def test_what_is_no_file(data: bytes) -> None:
    with pytest.raises(ValueSetsError):
        parse_value_sets(data)


def test_what_breaks_a_bound_is_not_written() -> None:
    with pytest.raises(ValueSetsError):
        encode_value_sets({"a": frozenset({"two\nlines"})})


@pytest.fixture
def published() -> Path:
    return vectors("production-de/eu-value-sets.json")


def test_the_published_sets_are_within_the_bounds(published: Path) -> None:
    sets = {one["valueSetId"]: frozenset(one["valueSetValues"]) for one in json.loads(published.read_text("utf-8"))}
    assert len(sets) == 9
    data = encode_value_sets(sets)
    assert parse_value_sets(data) == sets
    assert len(data) < 20_000
