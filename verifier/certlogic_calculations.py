"""Closures of the operations that give values: +, plusTime, dccDateOfBirth, reduce, extractFromUVCI (CertLogic 1.3)."""

import re
from collections.abc import Callable
from datetime import datetime

from verifier.certlogic_operation import Operation
from verifier.certlogic_problems import REDUCE_ITEMS_MAX
from verifier.certlogic_times import date_of_birth, mover, time_of
from verifier.certlogic_values import INTEGER_MAX, CertLogicError, Evaluator, Value, integer_of, kind_of

IDENTIFIER_MAX_CHARACTERS = 1024  # ours: the guidelines allow 72; bounds the work of a reduction over long texts

_PREFIX = "URN:UVCI:"
_SEPARATORS = re.compile(r"[/#:]")


def _plus(operation: Operation) -> Evaluator:
    left, right = operation.nodes

    def added(data: Value) -> int:
        total = integer_of(left(data)) + integer_of(right(data))
        if abs(total) > INTEGER_MAX:
            raise CertLogicError("+ gives a number outside the range of safe integers")
        return total

    return added


def _plus_time(operation: Operation) -> Evaluator:
    start, _, _ = operation.nodes
    _, amount, unit = operation.operands
    if amount == 0:
        return lambda data: time_of(start(data))
    moved = mover(int(amount), unit)
    return lambda data: moved(time_of(start(data)))


def _date_of_birth(operation: Operation) -> Evaluator:
    (node,) = operation.nodes

    def born(data: Value) -> datetime:
        return date_of_birth(node(data))

    return born


def _reduce(operation: Operation) -> Evaluator:
    operand, step, initial = operation.nodes

    def reduced(data: Value) -> Value:
        items = operand(data)
        accumulator = initial(data)
        if items is None:
            return accumulator
        if type(items) not in {list, tuple}:
            raise CertLogicError(f"reduce takes an array, not {kind_of(items)}")
        if len(items) > REDUCE_ITEMS_MAX:
            raise CertLogicError(f"reduce takes at most {REDUCE_ITEMS_MAX} items, not {len(items)}")
        for current in items:
            accumulator = step({"accumulator": accumulator, "current": current, "data": data})
        return accumulator

    return reduced


def _extract(operation: Operation) -> Evaluator:
    node, _ = operation.nodes
    index = int(operation.operands[1])

    def extracted(data: Value) -> str | None:
        identifier = node(data)
        if identifier is None:
            return None
        if not isinstance(identifier, str):
            raise CertLogicError(f"{operation.operator} takes a text, not {kind_of(identifier)}")
        if len(identifier) > IDENTIFIER_MAX_CHARACTERS:
            raise CertLogicError(f"{operation.operator} takes at most {IDENTIFIER_MAX_CHARACTERS} characters")
        parts = _SEPARATORS.split(identifier.removeprefix(_PREFIX))
        return parts[index] if 0 <= index < len(parts) else None

    return extracted


CALCULATIONS: dict[str, Callable[[Operation], Evaluator]] = {
    "+": _plus,
    "plusTime": _plus_time,
    "dccDateOfBirth": _date_of_birth,
    "reduce": _reduce,
    "extractFromUVCI": _extract,
    "extractFromUCVI": _extract,
}
"""What makes a closure of an operation, by its operator."""
