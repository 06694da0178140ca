"""What the EU gateway's members publish: rules put into their container, value sets reduced to their codes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import vectors
from tests.verifier.rule_files import rule_body
from verifier.gateway import contained, value_sets_of
from verifier.rule import RulesError
from verifier.rule_file import NATION, parse_rule_file
from verifier.value_sets import ValueSetsError


def test_a_rule_keeps_its_identifier_its_times_and_what_it_says() -> None:
    body = rule_body("VR-DE-0001", Version="1.12.3", ValidFrom="2021-06-01T02:00:00+02:00", hash="ab")
    data, rule = contained(body)
    file = parse_rule_file(data, NATION)
    assert (file.id, file.version) == ("VR-DE-0001", 1_012_003)
    assert file.valid_from == datetime(2021, 6, 1, tzinfo=UTC)
    assert file.body == {name: value for name, value in body.items() if name != "hash"}
    assert (rule.id, rule.version, rule.number) == ("VR-DE-0001", (1, 12, 3), 1_012_003)


def test_the_same_rule_gives_the_same_file_whatever_the_order_of_its_fields() -> None:
    body = rule_body()
    assert contained(body)[0] == contained(dict(reversed(body.items())))[0]


@given(st.lists(st.tuples(*[st.integers(0, 999)] * 3).filter(any), min_size=2, max_size=2))
def test_numbers_are_in_the_order_of_the_versions(versions: list[tuple[int, int, int]]) -> None:
    numbers = [contained(rule_body(Version=".".join(map(str, version))))[1].number for version in versions]
    assert (numbers[0] < numbers[1]) == (versions[0] < versions[1])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Version": "1.1000.0"}, "more than three digits"),
        ({"Version": "1.0"}, "Version is not as 1.0.3"),
        ({"Version": 1}, "Version is not as 1.0.3"),
        ({"Version": "0.0.0"}, "version"),
        ({"ValidFrom": "yesterday"}, "ValidFrom is no time"),
        ({"ValidTo": None}, "ValidTo is no time"),
        ({"ValidFrom": "0001-01-01T00:00:00+14:00"}, "ValidFrom is no time"),
        ({"Identifier": "../x"}, "id"),
        ({"Identifier": None}, "id"),
        ({"Logic": {"xor": [1, 2]}}, "unknown operator 'xor'"),
        ({"Type": "Booster"}, "Type"),
        ({"Extra": 1}, "Extra"),
    ],
    ids=lambda value: next(iter(value.items()))[0] if isinstance(value, dict) else None,
)
def test_what_is_no_rule_is_told(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(RulesError, match=why.replace(".", r"\.")):
        contained(rule_body(**changed))


def test_nothing_is_no_rule() -> None:
    with pytest.raises(RulesError):
        contained({})


def test_of_value_sets_the_codes_are_kept() -> None:
    one = {"valueSetId": "covid-19-lab-result", "valueSetDate": "2021-04-27", "valueSetValues": {"a": {}, "b": {}}}
    two = {"valueSetId": "country-2-codes", "valueSetValues": {}, "hash": "ab"}
    assert value_sets_of([one, two]) == {"covid-19-lab-result": frozenset("ab"), "country-2-codes": frozenset()}


@pytest.mark.parametrize(
    "found", [[[]], [{}], [{"valueSetId": 1, "valueSetValues": {}}], [{"valueSetId": "a", "valueSetValues": []}]]
)
def test_what_is_no_value_set_is_told(found: list[Any]) -> None:
    with pytest.raises(ValueSetsError, match="not a value set"):
        value_sets_of(found)


def test_two_sets_of_one_name_are_not_merged() -> None:
    one = {"valueSetId": "a", "valueSetValues": {}}
    with pytest.raises(ValueSetsError, match="'a' is there twice"):
        value_sets_of([one, one])


def test_what_is_in_production_is_taken() -> None:
    rules = json.loads(vectors("production-de/eu-rules.json").read_text())
    assert [contained(body)[1].id for body in rules] == [body["Identifier"] for body in rules]
    assert len(value_sets_of(json.loads(vectors("production-de/eu-value-sets.json").read_text()))) == 9
