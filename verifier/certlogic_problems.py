"""What is wrong with an expression, and where: found before anything of it is evaluated (CertLogic 1.3, "Operations").

An expression that passes can be compiled and evaluated within bounds of depth and work, whatever the data; what
remains to go wrong is told by the data's types alone.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from verifier.certlogic_times import AMOUNT_MAX, UNITS, date_of_birth, time_of
from verifier.certlogic_values import INTEGER_MAX, CertLogicError

DEPTH_MAX = 32  # ours: published rules reach 24; evaluation calls itself as deep
NODES_MAX = 4096  # ours: published rules have 200; guards a device's memory and the time to compile
REDUCE_ITEMS_MAX = 64  # ours: published rules reduce 10 items, a pass has one entry
STEPS_MAX = 2**13  # ours: parts to evaluate, those of a reduction times its items; published rules take 400
PATH_MAX_CHARACTERS = 256  # ours: published paths have 57

TIMES = frozenset({"plusTime", "dccDateOfBirth"})
"""What makes date-times."""
TIME_COMPARISONS = frozenset({"after", "before", "not-after", "not-before"})
INTEGER_COMPARISONS = frozenset({"<", ">", "<=", ">="})
BOOLEANS = TIME_COMPARISONS | INTEGER_COMPARISONS | {"===", "in", "!"}
"""What gives true or false and nothing else."""
_EXTRACTIONS = frozenset({"extractFromUVCI", "extractFromUCVI"})  # the second as in the specification's own suite

_PATH = re.compile(r"([^.]+(\.[^.]+)*)?")
_COUNTS: dict[str, tuple[int, int]] = {
    "if": (3, 3),
    "and": (2, INTEGER_MAX),
    "===": (2, 2),
    "in": (2, 2),
    "+": (2, 2),
    "!": (1, 1),
    "plusTime": (3, 3),
    "dccDateOfBirth": (1, 1),
    "reduce": (3, 3),
    **dict.fromkeys(INTEGER_COMPARISONS | TIME_COMPARISONS, (2, 3)),
    **dict.fromkeys(_EXTRACTIONS, (2, 2)),
}
"""How many operands an operator takes, at least and at most."""
_ONE_EXPRESSION = TIMES | _EXTRACTIONS  # their other operands are literals


class _Node(NamedTuple):
    """An expression within the whole: where (RFC 6901), how deep, and how often a reduction may evaluate it."""

    expression: Any
    pointer: str
    depth: int
    times: int


def problem_of(expression: object) -> str | None:
    """Return what is wrong with an expression, led by where it is (a JSON Pointer); None where nothing is.

    It takes any value, and time and memory in proportion to the bounds at most.
    """
    waiting = [_Node(expression, "", 1, 1)]
    nodes = steps = 0
    while waiting:
        node = waiting.pop()
        nodes, steps = nodes + 1, steps + node.times
        problem = _bound(nodes, steps, node.depth) or _problem(node.expression)
        if problem is not None:
            return f"{node.pointer or 'the whole'}: {problem}"
        waiting += reversed(_within(node))
    return None


def operator_of(expression: object) -> str | None:
    """Return the operator of a valid expression, None of a literal."""
    return next(iter(expression)) if isinstance(expression, dict) else None


def _bound(nodes: int, steps: int, depth: int) -> str | None:
    if depth > DEPTH_MAX:
        return f"nested deeper than {DEPTH_MAX}; split the rule"
    if nodes > NODES_MAX:
        return f"the rule has more than {NODES_MAX} parts; split it, or move codes into a value set"
    if steps > STEPS_MAX:
        return f"reductions may take more than {STEPS_MAX} steps; do not nest them"
    return None


def _within(node: _Node) -> list[_Node]:
    """Return the expressions directly within a valid one."""
    expression, pointer, depth, times = node
    operator = operator_of(expression)
    if operator is None:
        items = expression if isinstance(expression, list) else ()
    elif operator == "var":
        items = ()
    else:
        items = expression[operator]
        pointer = f"{pointer}/{operator}"
        if operator in _ONE_EXPRESSION:
            items = items[:1]
    return [
        _Node(item, f"{pointer}/{place}", depth + 1, times * REDUCE_ITEMS_MAX if _is_lambda(operator, place) else times)
        for place, item in enumerate(items[:NODES_MAX])  # these and what holds them are too many already
    ]


def _is_lambda(operator: str | None, place: int) -> bool:
    return operator == "reduce" and place == 1


def _problem(expression: object) -> str | None:
    """Return what is wrong with an expression, not looking into its operands further than their sort."""
    if isinstance(expression, dict):
        return _operation_problem(expression)
    if isinstance(expression, bool | str | list):
        return None
    if isinstance(expression, int | float):
        return _number_problem(expression)
    return "null is no expression" if expression is None else "not JSON"


def _number_problem(number: float) -> str | None:
    if not -INTEGER_MAX <= number <= INTEGER_MAX:  # also what is not a number
        return "a number outside the range of safe integers"
    return None if int(number) == number else "not a whole number"


def _operation_problem(expression: dict[Any, Any]) -> str | None:
    if len(expression) != 1:
        return f"an operation is an object with one key, not {len(expression)}"
    ((operator, operands),) = expression.items()
    if operator == "var":
        return _path_problem(operands)
    if operator not in _COUNTS:
        return f"unknown operator {str(operator)[:32]!r}; known are var, {', '.join(sorted(_COUNTS))}"
    if not isinstance(operands, list):
        return f"the operands of {operator} must be in an array"
    least, most = _COUNTS[operator]
    if not least <= len(operands) <= most:
        return f"{operator} takes {_count(least, most)}, not {len(operands)}"
    return _operands_problem(operator, operands)


def _count(least: int, most: int) -> str:
    if least == most:
        return f"{least} operand{'s' if least > 1 else ''}"
    return f"{least} or {most} operands" if most < INTEGER_MAX else f"at least {least} operands"


def _path_problem(path: object) -> str | None:
    if isinstance(path, str) and len(path) <= PATH_MAX_CHARACTERS and _PATH.fullmatch(path):
        return None
    return f"var takes a path as a text of at most {PATH_MAX_CHARACTERS} characters, such as payload.v.0.dt"


def _operands_problem(operator: str, operands: list[Any]) -> str | None:
    """Tell of operands whose sort is plain without any data, and wrong."""
    for place, wanted in _wanted(operator, len(operands)):
        sort = _sort(operands[place])
        if sort is not None and sort not in wanted:
            return f"operand {place} of {operator} is of the sort {sort}; wanted: {' or '.join(sorted(wanted))}"
    return _literals_problem(operator, operands)


def _wanted(operator: str, count: int) -> Iterable[tuple[int, frozenset[str]]]:
    """Return which sorts the operands at which places may have; elsewhere any will do."""
    if operator in INTEGER_COMPARISONS or operator == "+":
        return [(place, frozenset({"integer"})) for place in range(count)]
    if operator in TIME_COMPARISONS:
        return [(place, frozenset({"date-time"})) for place in range(count)]
    return _WANTED.get(operator, ())


_NO_TIME = frozenset({"boolean", "integer", "text", "array"})
_WANTED: dict[str, list[tuple[int, frozenset[str]]]] = {
    "if": [(0, _NO_TIME)],
    "!": [(0, _NO_TIME)],
    "in": [(0, frozenset({"boolean", "integer", "text"})), (1, frozenset({"array"}))],
    "reduce": [(0, frozenset({"array"}))],
    **{operator: [(0, frozenset({"text"}))] for operator in _ONE_EXPRESSION},
}


def _sort(expression: object) -> str | None:
    """Return the sort of value that an expression gives, None where the data tell or where it is none."""
    if isinstance(expression, dict):
        operator = next(iter(expression), None)
        return _SORTS.get(operator) if isinstance(operator, str) else None
    for kind, sort in ((bool, "boolean"), (str, "text"), (list, "array"), (int | float, "integer")):
        if isinstance(expression, kind):
            return sort
    return None


_SORTS = {
    **dict.fromkeys(BOOLEANS, "boolean"),
    **dict.fromkeys(TIMES, "date-time"),
    **dict.fromkeys(_EXTRACTIONS, "text"),
    "+": "integer",
}


def _literals_problem(operator: str, operands: list[Any]) -> str | None:
    """Tell of what must stand in the rule itself: offsets, units, indices, and dates that stand there."""
    if operator in _EXTRACTIONS and not _is_literal_integer(operands[1], INTEGER_MAX):
        return f"operand 1 of {operator} must be an integer: which part of the identifier"
    if operator == "plusTime":
        if not _is_literal_integer(operands[1], AMOUNT_MAX):
            return f"operand 1 of plusTime must be an integer of at most {AMOUNT_MAX}"
        if operands[2] not in UNITS:
            return f"operand 2 of plusTime must be one of {', '.join(UNITS)}"
    if operator in TIMES and isinstance(operands[0], str):
        return _date_problem(operator, operands[0])
    return None


def _is_literal_integer(value: object, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most and int(value) == value


def _date_problem(operator: str, text: str) -> str | None:
    try:
        (time_of if operator == "plusTime" else date_of_birth)(text)
    except CertLogicError as error:
        return f"operand 0 of {operator} is {error}"
    return None
