"""Any expression and any data: a value or `CertLogicError`; what is compiled gives what a plain interpreter gives.

The interpreter reads like the specification, one case after the other, and shares no code with what it checks but the
bounds. Expressions are grown by the sort of value that they give, so that most of them get past their first operand.
"""

import calendar
import operator
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifier.certlogic import CertLogicError, compiled, evaluate, problem_of

COMPARISONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
TIME_COMPARISONS = {
    "before": operator.lt,
    "after": operator.gt,
    "not-after": operator.le,
    "not-before": operator.ge,
}


class Fault(Exception):  # noqa: N818 - the interpreter's own, told apart from CertLogicError
    pass


def check(holds: object) -> None:
    if not holds:
        raise Fault


def is_int(value: object) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def truthy(value: Any) -> bool:  # noqa: ANN401 - a value of JSON
    check(value is None or isinstance(value, bool | str | list | dict) or is_int(value))
    return bool(value)


def equal(left: Any, right: Any) -> bool:  # noqa: ANN401 - as above
    scalars = [value is None or isinstance(value, bool | int | float | str) for value in (left, right)]
    check(any(scalars))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def drill(data: Any, path: str) -> Any:  # noqa: ANN401 - as above
    for fragment in path.split(".") if path else []:
        if isinstance(data, dict):
            data = data.get(fragment)
        elif isinstance(data, list) and fragment.isdigit() and int(fragment) < len(data):
            data = data[int(fragment)]
        else:
            data = None
    return data


def parsed(text: str) -> datetime:
    partial = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2}))?", text)
    whole = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", text)
    try:
        if partial:
            year, month = int(partial[1]), int(partial[2] or "12")
            return datetime(year, month, calendar.monthrange(year, month)[1], tzinfo=UTC)
        check(whole)
        return datetime.fromisoformat(whole[1] + (whole[2] or "T00:00:00Z"))  # type: ignore[index]
    except ValueError:
        raise Fault from None


def plus_time(start: Any, amount: int, unit: str) -> datetime:  # noqa: ANN401 - as above
    check(isinstance(start, str | datetime))
    time = parsed(start) if isinstance(start, str) else start
    try:
        if unit in {"day", "hour"}:
            return time + timedelta(**{f"{unit}s": amount})
        months = time.year * 12 + time.month - 1 + amount * (12 if unit == "year" else 1)
        return time.replace(year=months // 12, month=months % 12 + 1, day=1) + timedelta(days=time.day - 1)
    except (ValueError, OverflowError):
        raise Fault from None


def interpreted(expression: Any, data: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - the specification at a glance
    if isinstance(expression, list):
        return [interpreted(item, data) for item in expression]
    if not isinstance(expression, dict):
        return expression
    ((name, operands),) = expression.items()
    if name == "var":
        return drill(data, operands)
    if name == "if":
        return interpreted(operands[1 if truthy(interpreted(operands[0], data)) else 2], data)
    if name == "and":
        value = None
        for operand in operands:
            value = interpreted(operand, data)
            if not truthy(value):
                return value
        return value
    if name == "reduce":
        items, value = interpreted(operands[0], data), interpreted(operands[2], data)
        check(items is None or (isinstance(items, list) and len(items) <= 64))
        for current in items or []:
            value = interpreted(operands[1], {"accumulator": value, "current": current, "data": data})
        return value
    if name == "plusTime":
        return plus_time(interpreted(operands[0], data), operands[1], operands[2])
    values = [interpreted(operand, data) for operand in operands]
    if name == "!":
        return not truthy(values[0])
    if name == "===":
        return equal(*values)
    if name == "in":
        check(isinstance(values[1], list) and not isinstance(values[0], dict | list | datetime))
        return any(equal(values[0], item) for item in values[1])
    if name == "+":
        check(all(map(is_int, values)) and abs(sum(map(int, values))) < 2**53)
        return int(sum(map(int, values)))
    if name in COMPARISONS:
        check(all(map(is_int, values)))
        return all(COMPARISONS[name](values[place], values[place + 1]) for place in range(len(values) - 1))
    if name in TIME_COMPARISONS:
        check(all(isinstance(value, datetime) for value in values))
        return all(TIME_COMPARISONS[name](values[place], values[place + 1]) for place in range(len(values) - 1))
    if name == "dccDateOfBirth":
        check(isinstance(values[0], str) and len(values[0]) <= 10)
        return parsed(values[0])
    check(values[0] is None or isinstance(values[0], str))
    parts = re.split("[/#:]", (values[0] or "").removeprefix("URN:UVCI:"))
    return parts[values[1]] if values[0] is not None and 0 <= values[1] < len(parts) else None


SORTS = ("any", "boolean", "integer", "text", "array", "time")
PATHS = ("", "x", "y.0", "y.1.a", "payload.v", "payload.v.0", "payload.v.0.dn", "payload.v.0.dt", "external.clock")
TEXTS = (
    "",
    "a",
    "EU/1/20/1528",
    "2021-06-30",
    "2020-02-29",
    "2004",
    "2004-02",
    "2021-06-30T12:00:00Z",
    "URN:UVCI:01:a",
)
INTEGERS = st.integers(-3, 40)
LITERALS: dict[str, st.SearchStrategy[Any]] = {
    "any": st.booleans() | INTEGERS | st.sampled_from(TEXTS),
    "boolean": st.booleans(),
    "integer": INTEGERS | st.just(2.0) | st.just(2**53 - 1),
    "text": st.sampled_from(TEXTS),
    "array": st.lists(st.booleans() | INTEGERS | st.sampled_from(TEXTS), max_size=4),
    "time": st.just({"plusTime": ["2021-06-30", 0, "day"]}),
}


def var() -> st.SearchStrategy[Any]:
    return st.sampled_from((*PATHS, "accumulator", "current", "data")).map(lambda path: {"var": path})


def operation(name: str, *operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*operands).map(lambda given_: {name: list(given_)})


def expressions(sort: str, depth: int) -> st.SearchStrategy[Any]:
    """Grow expressions that mostly give a value of a sort."""
    if depth == 0:
        return var() | LITERALS[sort]
    any_, integer, text, array, time = (expressions(one, depth - 1) for one in ("any", *SORTS[2:]))
    same_sort = expressions(sort, depth - 1)
    units = st.sampled_from(["year", "month", "day", "hour"])
    by_sort = {
        "boolean": [
            operation("===", any_, any_),
            operation("in", any_, array),
            operation("!", any_),
            *(operation(name, integer, integer) | operation(name, *[integer] * 3) for name in COMPARISONS),
            *(operation(name, time, time) | operation(name, time, time, time) for name in TIME_COMPARISONS),
        ],
        "integer": [operation("+", integer, integer)],
        "text": [operation("extractFromUVCI", text, st.integers(-1, 3))],
        "array": [st.lists(any_, max_size=3)],
        "time": [operation("plusTime", text, INTEGERS, units), operation("dccDateOfBirth", text)],
        "any": [expressions(one, depth - 1) for one in SORTS[1:]],
    }
    return st.one_of(
        var(),
        LITERALS[sort],
        *by_sort[sort],
        operation("if", any_, same_sort, same_sort),
        operation("and", any_, same_sort),
        operation("reduce", array, same_sort, same_sort),
    )


LEAVES = st.none() | LITERALS["any"] | st.floats() | st.just(datetime(2021, 6, 30, tzinfo=UTC))
JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
OPERATORS = (*COMPARISONS, *TIME_COMPARISONS, "var", "if", "and", "!", "===", "in", "+", "reduce")
OPERATORS += ("plusTime", "dccDateOfBirth", "extractFromUVCI", "extractFromUCVI", "or")


def json_of(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        JSON_LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=2),
        max_leaves=12,
    )


DATA = st.fixed_dictionaries(
    {},
    optional={
        "x": LEAVES | st.lists(LEAVES, max_size=4),
        "y": st.lists(LEAVES | st.fixed_dictionaries({"a": LEAVES}), max_size=3),
        "payload": LEAVES | st.fixed_dictionaries(
            {"v": st.lists(LEAVES | st.fixed_dictionaries({"dn": LEAVES, "dt": LEAVES}), max_size=2)}
        ),
        "external": st.fixed_dictionaries({"clock": LEAVES}),
    },
)  # fmt: skip


@settings(max_examples=400, deadline=None)  # growing expressions takes longer than what is tested
@given(expressions("any", 2) | expressions("boolean", 2), st.lists(DATA, min_size=3, max_size=3))
def test_what_is_compiled_gives_what_the_interpreter_gives(expression: object, samples: list[object]) -> None:
    if problem_of(expression) is not None:
        return
    ready = compiled(expression)
    for data in samples:
        try:
            expected = repr(interpreted(expression, data))
        except Fault:
            expected = "fault"
        try:
            found = repr(ready(data))
        except CertLogicError:
            found = "fault"
        assert found == expected


@given(json_of(st.sampled_from(OPERATORS)), json_of(st.sampled_from(["x", "0", "accumulator"])))
@example({"plusTime": ["2021", float("inf"), "day"]}, None)
@example({"reduce": [{"var": ""}, [{"var": ""}], 0]}, [float("nan")])
def test_any_json_is_refused_or_evaluated(expression: object, data: object) -> None:
    problem = problem_of(expression)
    try:
        evaluate(expression, data)
    except CertLogicError as error:
        assert problem is None or str(error).endswith(problem)  # noqa: PT017 - both ways are right
    else:
        assert problem is None


@given(st.sampled_from([">", "in", "===", "+", "!", "if", "and", "after"]), json_of(st.text(max_size=3)))
def test_any_data_give_a_value_or_the_one_error(name: str, data: object) -> None:
    count = {"!": 1, "if": 3}.get(name, 2)
    with suppress(CertLogicError):
        evaluate({name: [{"var": ""}] * count}, data)
