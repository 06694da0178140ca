"""The values of CertLogic: truthy and falsy, equal, member of, integer (CertLogic 1.3, "Values").

Values are JSON's, and aware times. Python's `True == 1` and JavaScript's identity of objects have no place here, so
that every comparison looks at types first.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any

Value = Any
"""A value of JSON, a frozenset in place of an array of texts, or an aware time."""
Evaluator = Callable[[Value], Value]
"""An expression made ready: takes the data, returns what it evaluates to; raises nothing but `CertLogicError`."""

INTEGER_MAX = 2**53 - 1  # what every implementation can hold: the specification's integers are JavaScript's
ARRAY_ITEMS_MAX = 4096  # ours: published value sets have 300; a frozenset may have any number
PLAIN = frozenset({bool, int, str, NoneType, dict, list, tuple, frozenset})
"""Types of which Python's truth is CertLogic's."""
NUMBERS = frozenset({int, float})
_ARRAYS = frozenset({list, tuple, frozenset})
_SCALARS = NUMBERS | {str, bool, NoneType}
_KINDS = {
    NoneType: "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "an array",
    tuple: "an array",
    frozenset: "an array",
    datetime: "a date-time",
}


class CertLogicError(Exception):
    """An expression that is none, or that cannot be evaluated on these data; the text names no value of them."""


def kind_of(value: Value) -> str:
    """Return what sort of value it is, for messages."""
    return "an object" if isinstance(value, Mapping) else _KINDS.get(type(value), "no value of JSON")


def is_truthy(value: Value) -> bool:
    """Tell truthy from falsy.

    Raises:
        CertLogicError: It is neither: a date-time, a number that is not whole, what is not JSON.
    """
    if type(value) in PLAIN or is_integer(value):
        return bool(value)
    if isinstance(value, Mapping):
        return len(value) > 0
    raise CertLogicError(f"{kind_of(value)} is neither truthy nor falsy; compare it instead")


def is_integer(value: Value) -> bool:
    """Tell whether it is a whole number; 2.0 is one, as in JavaScript."""
    return type(value) is int or (type(value) is float and value.is_integer())


def integer_of(value: Value) -> int:
    """Return a whole number.

    Raises:
        CertLogicError: It is none.
    """
    if not is_integer(value):
        raise CertLogicError(f"{kind_of(value)} where an integer is wanted")
    return int(value)


def is_same(left: Value, right: Value) -> bool:
    """Tell whether two values are equal in type and value (`===`).

    Raises:
        CertLogicError: Both are arrays, objects or date-times: implementations disagree about these.
    """
    left_type, right_type = type(left), type(right)
    if left_type not in _SCALARS and right_type not in _SCALARS:
        raise CertLogicError(f"=== cannot compare {kind_of(left)} with {kind_of(right)}")
    if left_type is right_type or (left_type in NUMBERS and right_type in NUMBERS):
        return bool(left == right)
    return False


def is_member(value: Value, array: Value) -> bool:
    """Tell whether an array has an item equal to a value (`in`).

    Raises:
        CertLogicError: It is no array, or the value is an array, an object or a date-time.
    """
    if type(array) not in _ARRAYS:
        raise CertLogicError(f"in looks into an array, not into {kind_of(array)}")
    if type(value) not in _SCALARS:
        raise CertLogicError(f"in cannot look for {kind_of(value)}")
    if type(array) is not frozenset and len(array) > ARRAY_ITEMS_MAX:
        raise CertLogicError(f"in looks into at most {ARRAY_ITEMS_MAX} items, not {len(array)}; use a value set")
    if type(value) is str:
        return value in array
    if type(value) in NUMBERS:
        return any(type(item) in NUMBERS and item == value for item in array)
    return any(item is value for item in array)  # null, true and false are one object each
