"""Closures of the operations that give truth: if, and, !, ===, in, and the comparisons (CertLogic 1.3, "Operations").

Each has a form for what nearly all rules do (a value of the data against a constant of the rule), which decides by
exact types at once and leaves the rest to the functions of `certlogic_values`.
"""

import operator
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from verifier.certlogic_operation import Constant, Operation
from verifier.certlogic_problems import BOOLEANS, INTEGER_COMPARISONS, TIMES, operator_of
from verifier.certlogic_times import checked_time
from verifier.certlogic_values import NUMBERS, PLAIN, Evaluator, Value, integer_of, is_member, is_same, is_truthy


def _if(operation: Operation) -> Evaluator:
    guard, then, otherwise = operation.nodes
    if operator_of(operation.operands[0]) in BOOLEANS:
        return lambda data: then(data) if guard(data) else otherwise(data)

    def choose(data: Value) -> Value:
        value = guard(data)
        truth = value if type(value) in PLAIN else is_truthy(value)
        return then(data) if truth else otherwise(data)

    return choose


def _and(operation: Operation) -> Evaluator:
    nodes = tuple(operation.nodes)

    def first_falsy_or_last(data: Value) -> Value:
        value = None
        for node in nodes:
            value = node(data)
            if not (value if type(value) in PLAIN else is_truthy(value)):
                break
        return value

    return first_falsy_or_last


def _not(operation: Operation) -> Evaluator:
    (node,) = operation.nodes
    if operator_of(operation.operands[0]) in BOOLEANS:
        return lambda data: not node(data)

    def is_falsy(data: Value) -> bool:
        value = node(data)
        return not (value if type(value) in PLAIN else is_truthy(value))

    return is_falsy


def _equal(operation: Operation) -> Evaluator:
    left, right = operation.nodes
    if isinstance(left, Constant):
        left, right = right, left
    if not isinstance(right, Constant):
        return lambda data: is_same(left(data), right(data))
    constant = right.value
    if type(constant) is str:
        return lambda data: bool(left(data) == constant)  # nothing but a text equals one
    if type(constant) in NUMBERS:

        def is_number(data: Value) -> bool:
            value = left(data)
            return type(value) in NUMBERS and value == constant

        return is_number
    return lambda data: is_same(left(data), constant)


def _in(operation: Operation) -> Evaluator:
    value_node, array_node = operation.nodes
    if not isinstance(array_node, Constant):
        return lambda data: is_member(value_node(data), array_node(data))
    array = array_node.value
    texts = frozenset(item for item in array if type(item) is str)

    def is_listed(data: Value) -> bool:
        value = value_node(data)
        return value in texts if type(value) is str else is_member(value, array)

    return is_listed


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "before": operator.lt,
    "after": operator.gt,
    "not-after": operator.le,
    "not-before": operator.ge,
}


def _compare(operation: Operation) -> Evaluator:
    """Return a comparison of two operands, or of three, of which each must stand so to the next."""
    compare, nodes = _COMPARISONS[operation.operator], operation.nodes
    checked: Callable[[Value], Any] = integer_of if operation.operator in INTEGER_COMPARISONS else checked_time
    if len(nodes) == 2:  # noqa: PLR2004 - two or three
        first, second = nodes
        if all(operator_of(operand) in TIMES for operand in operation.operands):
            return lambda data: compare(first(data), second(data))
        return _compare_checked(compare, checked, first, second)

    def between(data: Value) -> bool:
        values = [checked(node(data)) for node in nodes]
        return all(compare(left, right) for left, right in pairwise(values))

    return between


def _compare_checked(
    compare: Callable[[Any, Any], bool], checked: Callable[[Value], Any], first: Evaluator, second: Evaluator
) -> Evaluator:
    def compared(data: Value) -> bool:
        left, right = first(data), second(data)
        if type(left) is int and type(right) is int and checked is integer_of:  # spares two calls
            return compare(left, right)
        return compare(checked(left), checked(right))

    return compared


LOGIC: dict[str, Callable[[Operation], Evaluator]] = {
    "if": _if,
    "and": _and,
    "!": _not,
    "===": _equal,
    "in": _in,
    **dict.fromkeys(_COMPARISONS, _compare),
}
"""What makes a closure of an operation, by its operator."""
