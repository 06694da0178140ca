"""What is wrong with a rule is named, with its place, before anything of it is evaluated."""

from typing import Any

import pytest

from verifier.certlogic import CertLogicError, compiled, problem_of
from verifier.certlogic_problems import DEPTH_MAX, NODES_MAX, PATH_MAX_CHARACTERS, REDUCE_ITEMS_MAX, STEPS_MAX
from verifier.certlogic_times import AMOUNT_MAX
from verifier.certlogic_values import INTEGER_MAX

X: dict[str, Any] = {"var": "x"}
DAY = {"plusTime": ["2021-01-01", 0, "day"]}


@pytest.mark.parametrize(
    "expression",
    [
        True,
        0,
        -INTEGER_MAX,
        2.0,
        "",
        [],
        [1, ["a", X]],
        {"var": ""},
        {"var": "payload.v.0.dt"},
        {"var": "external.valueSets.country-2-codes"},
        {"if": [X, 1, [2]]},
        {"and": [True, True, True, True]},
        {"in": [X, X]},
        {"<": [X, 1, {"+": [1, 1]}]},
        {"after": [DAY, {"dccDateOfBirth": [X]}, {"if": [X, DAY, DAY]}]},
        {"plusTime": [X, -AMOUNT_MAX, "hour"]},
        {"plusTime": ["2021", 1.0, "year"]},
        {"dccDateOfBirth": ["2021-02"]},
        {"extractFromUVCI": [X, -1]},
        {"reduce": [X, X, X]},
        {"reduce": [[1], {"reduce": [[1], X, 0]}, 0]},
    ],
    ids=str,
)
def test_valid(expression: object) -> None:
    assert problem_of(expression) is None
    compiled(expression)


@pytest.mark.parametrize(
    ("expression", "where", "what"),
    [
        (None, "the whole", "null is no expression"),
        (b"x", "the whole", "not JSON"),
        ((1, 2), "the whole", "not JSON"),
        (float("nan"), "the whole", "safe integers"),
        (float("-inf"), "the whole", "safe integers"),
        (INTEGER_MAX + 1, "the whole", "safe integers"),
        (10**5000, "the whole", "safe integers"),
        (1.5, "the whole", "not a whole number"),
        ({}, "the whole", "one key, not 0"),
        ({"var": "x", "if": []}, "the whole", "one key, not 2"),
        ({"or": [1, 2]}, "the whole", "unknown operator 'or'; known are var, !, "),
        ({1: [1, 2]}, "the whole", "unknown operator '1'"),
        ({"x" * 100: []}, "the whole", f"unknown operator '{'x' * 32}';"),
        ({"var": 0}, "the whole", "var takes a path"),
        ({"var": ["x"]}, "the whole", "var takes a path"),
        ({"var": "a..b"}, "the whole", "var takes a path"),
        ({"var": ".a"}, "the whole", "var takes a path"),
        ({"var": "a."}, "the whole", "var takes a path"),
        ({"var": "a" * (PATH_MAX_CHARACTERS + 1)}, "the whole", "at most 256 characters"),
        ({"!": X}, "the whole", "the operands of ! must be in an array"),
        ({"!": []}, "the whole", "! takes 1 operand, not 0"),
        ({"if": [1, 2]}, "the whole", "if takes 3 operands, not 2"),
        ({"and": [1]}, "the whole", "and takes at least 2 operands, not 1"),
        ({"<": [1, 2, 3, 4]}, "the whole", "< takes 2 or 3 operands, not 4"),
        ({"<": [X, "1"]}, "the whole", "operand 1 of < is of the sort text; wanted: integer"),
        ({"<": [X, True]}, "the whole", "operand 1 of < is of the sort boolean"),
        ({">=": [X, X, DAY]}, "the whole", "operand 2 of >= is of the sort date-time"),
        ({"+": [X, {"===": [1, 1]}]}, "the whole", "operand 1 of + is of the sort boolean"),
        ({"after": ["2021-01-01", DAY]}, "the whole", "operand 0 of after is of the sort text; wanted: date-time"),
        ({"!": [DAY]}, "the whole", "operand 0 of ! is of the sort date-time"),
        ({"if": [DAY, 1, 2]}, "the whole", "operand 0 of if is of the sort date-time"),
        ({"in": [X, "text"]}, "the whole", "operand 1 of in is of the sort text; wanted: array"),
        ({"in": [[X], X]}, "the whole", "operand 0 of in is of the sort array; wanted: boolean or integer or text"),
        ({"reduce": [1, X, 0]}, "the whole", "operand 0 of reduce is of the sort integer; wanted: array"),
        ({"plusTime": [DAY, 1, "day"]}, "the whole", "operand 0 of plusTime is of the sort date-time; wanted: text"),
        ({"plusTime": ["soon", 1, "day"]}, "the whole", "operand 0 of plusTime is a text that is no date"),
        ({"plusTime": [X, "1", "day"]}, "the whole", "operand 1 of plusTime must be an integer"),
        ({"plusTime": [X, True, "day"]}, "the whole", "operand 1 of plusTime must be an integer"),
        ({"plusTime": [X, 0.5, "day"]}, "the whole", "operand 1 of plusTime must be an integer"),
        ({"plusTime": [X, float("nan"), "day"]}, "the whole", "operand 1 of plusTime must be an integer"),
        ({"plusTime": [X, AMOUNT_MAX + 1, "day"]}, "the whole", "at most 100000000"),
        ({"plusTime": [X, 1, "days"]}, "the whole", "must be one of year, month, day, hour"),
        ({"plusTime": [X, 1, ["day"]]}, "the whole", "must be one of year, month, day, hour"),
        ({"dccDateOfBirth": ["2021-01-01T00:00:00Z"]}, "the whole", "operand 0 of dccDateOfBirth is a text"),
        ({"dccDateOfBirth": [2021]}, "the whole", "operand 0 of dccDateOfBirth is of the sort integer"),
        ({"extractFromUVCI": [X, X]}, "the whole", "operand 1 of extractFromUVCI must be an integer"),
        ({"extractFromUCVI": [1, 0]}, "the whole", "operand 0 of extractFromUCVI is of the sort integer"),
        ({"if": [X, {"and": [1, {"or": [1]}]}, 2]}, "/if/1/and/1", "unknown operator 'or'"),
        ([1, [None]], "/1/0", "null is no expression"),
        ({"plusTime": [{"plus": []}, 1, "day"]}, "/plusTime/0", "unknown operator 'plus'"),
        ({"plusTime": [{}, 1, "day"]}, "/plusTime/0", "one key, not 0"),
        ({"+": [{1: 2}, 1]}, "/+/0", "unknown operator '1'"),
        ({"reduce": [X, {"+": [X, None]}, 0]}, "/reduce/1/+/1", "null is no expression"),
    ],
    ids=range(53),
)
def test_problems(expression: object, where: str, what: str) -> None:
    problem = problem_of(expression)
    assert problem is not None
    assert problem.startswith(f"{where}: ")
    assert what in problem
    assert "\n" not in problem
    with pytest.raises(CertLogicError) as caught:
        compiled(expression)
    assert str(caught.value) == f"no CertLogic expression: {problem}"


def nested(depth: int) -> object:
    expression: object = X
    for _ in range(depth - 1):
        expression = {"!": [expression]}
    return expression


def test_the_first_problem_in_the_order_of_writing_is_told() -> None:
    assert problem_of([{"a": []}, {"b": []}]) == problem_of([{"a": []}])


def test_depth_is_bounded() -> None:
    assert compiled(nested(DEPTH_MAX))({}) is True
    assert "nested deeper than 32" in (problem_of(nested(DEPTH_MAX + 1)) or "")
    assert "nested deeper than 32" in (problem_of(nested(200_000)) or "")
    circle: list[object] = []
    circle.append(circle)
    assert "nested deeper than 32" in (problem_of(circle) or "")


def test_size_is_bounded() -> None:
    assert problem_of({"in": [X, ["a"] * (NODES_MAX - 3)]}) is None
    assert "more than 4096 parts" in (problem_of({"in": [X, ["a"] * (NODES_MAX - 2)]}) or "")
    assert "more than 4096 parts" in (problem_of(["a"] * 1_000_000) or "")
    assert "more than 4096 parts" in (problem_of({"and": [X] * (NODES_MAX + 1)}) or "")
    wide: object = X
    for _ in range(DEPTH_MAX - 1):  # the same part over and over: 2^31 when it is written out
        wide = [wide, wide]
    assert "more than 4096 parts" in (problem_of(wide) or "")


def test_work_is_bounded() -> None:
    items = STEPS_MAX // REDUCE_ITEMS_MAX - 4
    assert problem_of({"reduce": [X, [X] * items, 0]}) is None
    assert "reductions may take more than 8192 steps" in (problem_of({"reduce": [X, [X] * (items + 4), 0]}) or "")
    inner = {"reduce": [X, {"reduce": [X, {"+": [X, X]}, 0]}, 0]}
    assert "do not nest them" in (problem_of(inner) or "")
