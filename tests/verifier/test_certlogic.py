"""CertLogic's operations: what they give, and what they refuse without telling a value of the data."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from verifier.certlogic import CertLogicError, compiled, evaluate
from verifier.certlogic_calculations import IDENTIFIER_MAX_CHARACTERS
from verifier.certlogic_problems import REDUCE_ITEMS_MAX
from verifier.certlogic_values import ARRAY_ITEMS_MAX, INTEGER_MAX

AT = datetime(2022, 1, 15, 12, tzinfo=UTC)
X, Y = {"var": "x"}, {"var": "y"}
PASS: dict[str, Any] = {
    "payload": {"v": [{"dn": 2, "dt": "2021-06-30"}], "dob": "1980", "s": "text"},
    "external": {"validationClock": AT},
}


def refused(expression: object, data: object) -> str:
    with pytest.raises(CertLogicError) as caught:
        evaluate(expression, data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", PASS),
        ("payload.v.0", PASS["payload"]["v"][0]),
        ("payload.v.0.dt", "2021-06-30"),
        ("payload.v.0.dt.x", None),
        ("payload.v.0.dt.0", None),
        ("payload.v.0.absent", None),
        ("payload.v.1", None),
        ("payload.v.1.dt", None),
        ("payload.v.-1", None),
        ("payload.v.-1.dt", None),
        ("payload.v.x", None),
        ("payload.s.0", None),
        ("payload.s.0.x", None),
        ("payload.t.0", None),
        ("payload.t.0.sc", None),
        ("payload.dob", "1980"),
        ("payload.v", PASS["payload"]["v"]),
        ("external.validationClock", AT),
        ("absent.dob", None),
        ("absent.v.0", None),
        ("absent.v.0.dt", None),
        ("payload.dob.validationClock", None),
        ("payload", PASS["payload"]),
        ("payload.v.\u0660", None),  # a digit, but none of JSON's
    ],
)
def test_access(path: str, expected: object) -> None:
    assert evaluate({"var": path}, PASS) == expected


@pytest.mark.parametrize("path", ["external.validationClock", "payload.v.0", "payload.v.0.dt", "payload.v.0.dt.x"])
@pytest.mark.parametrize("data", [None, 1, "text", [], {}, {"payload": None}, {"payload": {"v": "abc"}}])
def test_access_to_what_is_not_there_is_null(path: str, data: object) -> None:
    assert evaluate({"var": path}, data) is None


def test_access_to_other_mappings_and_tuples() -> None:
    data = MappingProxyType({"payload": MappingProxyType({"v": (MappingProxyType({"dt": "2021-06-30"}),)})})
    assert evaluate({"var": "payload.v.0.dt"}, data) == "2021-06-30"
    assert evaluate({"var": "payload.v.0.0"}, data) is None


def test_a_name_of_digits_is_found_in_an_object() -> None:
    assert evaluate({"var": "0"}, {"0": "found", 0: "not JSON"}) == "found"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        (False, False),
        (0, False),
        (0.0, False),
        ("", False),
        ([], False),
        ((), False),
        ({}, False),
        (frozenset(), False),
        (MappingProxyType({}), False),
        (True, True),
        (-1, True),
        (2.0, True),
        ("false", True),
        ([0], True),
        ({"a": 0}, True),
        (frozenset({"a"}), True),
        (MappingProxyType({"a": 0}), True),
    ],
)
def test_truth(value: object, expected: bool) -> None:  # noqa: FBT001 - one case of the table
    assert evaluate({"if": [X, "T", "F"]}, {"x": value}) == ("T" if expected else "F")
    assert evaluate({"!": [X]}, {"x": value}) is not expected
    assert evaluate({"and": [X, "last"]}, {"x": value}) == ("last" if expected else value)


@pytest.mark.parametrize("value", [1.5, float("nan"), float("inf"), AT, b"bytes", {1}])
@pytest.mark.parametrize("expression", [{"if": [X, 1, 2]}, {"!": [X]}, {"and": [X, True]}, {"and": [True, X]}])
def test_neither_truthy_nor_falsy(expression: object, value: object) -> None:
    assert "neither truthy nor falsy" in refused(expression, {"x": value})


def test_only_what_is_needed_is_evaluated() -> None:
    fails = {"<": [X, 1]}
    assert evaluate({"if": [True, "T", fails]}, {}) == "T"
    assert evaluate({"if": [{"===": [1, 2]}, fails, "F"]}, {}) == "F"
    assert evaluate({"and": [Y, fails]}, {"y": ""}) == ""
    assert refused({"and": [{"!": [Y]}, fails]}, {})


def test_constants_are_worked_out_once_and_failures_where_they_are_reached() -> None:
    assert compiled({"+": [1, {"+": [2, 3]}]})(None) == 6
    overflow = {"+": [INTEGER_MAX, 1]}
    assert evaluate({"if": [X, overflow, "fine"]}, {"x": 0}) == "fine"
    assert "safe integers" in refused({"if": [X, overflow, "fine"]}, {"x": 1})
    assert evaluate(["a", ["b"], X], {"x": 1}) == ["a", ["b"], 1]
    assert evaluate({"in": [X, {"if": [Y, ["a"], ["b"]]}]}, {"x": "b"}) is True


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (None, None, True),
        (None, False, False),
        (False, False, True),
        (float("nan"), float("nan"), False),
        ("a", ["a"], False),
        ([], None, False),
        (AT, "2022-01-15T12:00:00Z", False),
    ],
)
def test_equality_looks_at_types_first(left: object, right: object, expected: bool) -> None:  # noqa: FBT001 - as above
    assert evaluate({"===": [X, Y]}, {"x": left, "y": right}) is expected
    assert evaluate({"===": [Y, X]}, {"x": left, "y": right}) is expected


@pytest.mark.parametrize("constant", ["a", "", 1, 0, 2.0, True, False])
@pytest.mark.parametrize("value", ["a", "", 1, 0, 2, 2.0, True, False, None])
def test_equality_with_a_constant(constant: object, value: object) -> None:
    expected = evaluate({"===": [X, Y]}, {"x": value, "y": constant})
    assert evaluate({"===": [X, constant]}, {"x": value}) is expected
    assert evaluate({"===": [constant, X]}, {"x": value}) is expected
    assert evaluate({"in": [X, [constant]]}, {"x": value}) is expected


@pytest.mark.parametrize("constant", ["a", 1, True])
@pytest.mark.parametrize("value", [["a"], {"a": 1}, AT])
def test_what_is_no_text_or_number_equals_no_constant(constant: object, value: object) -> None:
    assert evaluate({"===": [X, constant]}, {"x": value}) is False


@pytest.mark.parametrize(("left", "right"), [([], []), ({}, []), (AT, AT), ({"a": 1}, {"a": 1})])
def test_equality_of_what_implementations_disagree_about(left: object, right: object) -> None:
    assert "=== cannot compare" in refused({"===": [X, Y]}, {"x": left, "y": right})


@pytest.mark.parametrize(
    ("value", "items", "expected"),
    [
        ("a", ["a", "b"], True),
        ("c", ["a", "b"], False),
        ("a", [], False),
        ("1", [1, True], False),
        (1, [True, "1"], False),
        (1, [2, 1.0], True),
        (True, [1, "true"], False),
        (True, [0, True], True),
        (False, [0, None, ""], False),
        (None, [0, ""], False),
        (None, [None], True),
        (float("nan"), [1], False),
    ],
)
def test_membership(value: object, items: list[object], expected: bool) -> None:  # noqa: FBT001 - as above
    for array in (items, tuple(items)):
        assert evaluate({"in": [X, Y]}, {"x": value, "y": array}) is expected
    constants = [item for item in items if item is not None]
    if None not in items:
        assert evaluate({"in": [X, constants]}, {"x": value}) is expected


def test_membership_of_a_value_set() -> None:
    countries = frozenset({"VN", "DE"})
    assert evaluate({"in": [X, Y]}, {"x": "VN", "y": countries}) is True
    assert evaluate({"in": [X, Y]}, {"x": "FR", "y": countries}) is False
    assert evaluate({"in": [X, Y]}, {"x": 1, "y": countries}) is False
    assert evaluate({"in": [X, Y]}, {"x": None, "y": countries}) is False
    large = [str(number) for number in range(ARRAY_ITEMS_MAX + 1)]
    assert evaluate({"in": [X, Y]}, {"x": "7", "y": frozenset(large)}) is True
    assert "at most 4096 items" in refused({"in": [X, Y]}, {"x": "7", "y": large})


@pytest.mark.parametrize("items", [None, "abc", {"a": 1}, 1, {"a"}])
def test_membership_in_no_array(items: object) -> None:
    assert "in looks into an array" in refused({"in": [X, Y]}, {"x": "a", "y": items})


@pytest.mark.parametrize("value", [[], {}, AT, b"a"])
def test_membership_of_what_implementations_disagree_about(value: object) -> None:
    assert "in cannot look for" in refused({"in": [X, ["a"]]}, {"x": value})


@pytest.mark.parametrize(
    ("operator", "expected"), [("<", [1, 0, 0]), ("<=", [1, 1, 0]), (">", [0, 0, 1]), (">=", [0, 1, 1])]
)
def test_comparison_of_integers(operator: str, expected: list[int]) -> None:
    for (left, right), answer in zip([(1, 2), (2, 2), (3, 2)], expected, strict=True):
        assert evaluate({operator: [X, right]}, {"x": left}) is bool(answer)
        assert evaluate({operator: [X, Y]}, {"x": float(left), "y": right}) is bool(answer)
        assert evaluate({operator: [X, right, Y]}, {"x": left, "y": right}) is (bool(answer) and "=" in operator)


@pytest.mark.parametrize("value", [None, "1", True, 1.5, [1], {}, AT])
def test_comparison_of_what_is_no_integer(value: object) -> None:
    assert "where an integer is wanted" in refused({"<": [X, 1]}, {"x": value})
    assert "where an integer is wanted" in refused({"<=": [3, 1, X]}, {"x": value})
    assert "where an integer is wanted" in refused({"+": [1, X]}, {"x": value})


def test_addition() -> None:
    assert evaluate({"+": [X, 1]}, {"x": 2.0}) == 3
    assert evaluate({"+": [X, -1]}, {"x": INTEGER_MAX + 1}) == INTEGER_MAX
    assert "safe integers" in refused({"+": [X, 1]}, {"x": INTEGER_MAX})


ADD = {"+": [{"var": "accumulator"}, {"var": "current"}]}


def test_reduction() -> None:
    assert evaluate({"reduce": [X, ADD, 0]}, {"x": [1, 2, 3]}) == 6
    assert evaluate({"reduce": [X, ADD, 7]}, {"x": ()}) == 7
    assert evaluate({"reduce": [X, ADD, Y]}, {"x": None, "y": "initial"}) == "initial"
    assert evaluate({"reduce": [X, {"var": "data.y"}, 0]}, {"x": [1], "y": 2}) == 2


def test_reduction_is_bounded() -> None:
    assert evaluate({"reduce": [X, ADD, 0]}, {"x": [1] * REDUCE_ITEMS_MAX}) == REDUCE_ITEMS_MAX
    assert "at most 64 items, not 65" in refused({"reduce": [X, ADD, 0]}, {"x": [1] * (REDUCE_ITEMS_MAX + 1)})
    doubled = {"reduce": [X, [{"var": "accumulator"}, {"var": "accumulator"}], 0]}
    assert len(evaluate(doubled, {"x": [1] * REDUCE_ITEMS_MAX})) == 2


@pytest.mark.parametrize("items", ["abc", 1, {"a": 1}, frozenset({"a"})])
def test_reduction_of_no_array(items: object) -> None:
    assert "reduce takes an array" in refused({"reduce": [X, ADD, 0]}, {"x": items})


@pytest.mark.parametrize("operator", ["extractFromUVCI", "extractFromUCVI"])
def test_parts_of_an_identifier(operator: str) -> None:
    data = {"x": "URN:UVCI:01:VN:BYT/8#K"}
    assert [evaluate({operator: [X, place]}, data) for place in range(-1, 6)] == [
        None,
        "01",
        "VN",
        "BYT",
        "8",
        "K",
        None,
    ]
    assert evaluate({operator: [X, 0]}, {}) is None
    assert f"{operator} takes a text, not an integer" in refused({operator: [X, 0]}, {"x": 1})
    assert evaluate({operator: [X, 1]}, {"x": "a" * IDENTIFIER_MAX_CHARACTERS}) is None
    assert "at most 1024 characters" in refused({operator: [X, 0]}, {"x": "a" * (IDENTIFIER_MAX_CHARACTERS + 1)})


NAME = "NGUYEN VAN A"


@pytest.mark.parametrize(
    "expression",
    [
        {"<": [X, 1]},
        {"+": [X, 1]},
        {"reduce": [X, 1, 1]},
        {"plusTime": [X, 0, "day"]},
        {"dccDateOfBirth": [X]},
        {"after": [X, {"plusTime": ["2021-01-01", 0, "day"]}]},
        {"in": ["a", X]},
        {"===": [[X], [X]]},
    ],
)
def test_no_message_tells_a_value(expression: object) -> None:
    assert NAME not in refused(expression, {"x": NAME})
