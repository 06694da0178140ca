"""Access to the data of a rule: `{"var": "payload.v.0.dt"}` (CertLogic 1.3, "Data access")."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from verifier.certlogic_values import INTEGER_MAX, Evaluator, Value


class Step(NamedTuple):
    """One fragment of a path: a name in an object, a place in an array (none has as many where it is a name)."""

    name: str
    place: int


def accessor(path: str) -> Evaluator:
    """Return what looks up a path; what is not there is null.

    Three shapes are nearly all that published rules look up; each of these has a form without a loop, in which
    what is not of the usual types is left to the loop.
    """
    steps = tuple(_step(fragment) for fragment in path.split(".")) if path else ()
    special = _SPECIAL.get("".join("i" if step.place < INTEGER_MAX else "n" for step in steps))
    return special(steps) if special else lambda data: _drilled(data, steps)


def _step(fragment: str) -> Step:
    is_index = fragment.isascii() and fragment.isdigit()
    return Step(fragment, int(fragment) if is_index else INTEGER_MAX)


def _drilled(value: Value, steps: tuple[Step, ...]) -> Value:
    for name, index in steps:
        kind = type(value)
        if kind is dict:
            value = value.get(name)
        elif kind is list or kind is tuple:
            value = value[index] if index < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _two_names(steps: tuple[Step, ...]) -> Evaluator:
    """As `external.validationClock`."""
    first, second = (step.name for step in steps)

    def look_up(data: Value) -> Value:
        if type(data) is dict and type(within := data.get(first)) is dict:
            return within.get(second)
        return _drilled(data, steps)

    return look_up


def _entry(steps: tuple[Step, ...]) -> Evaluator:
    """As `payload.v.0`."""
    (first, _), (second, _), (_, index) = steps

    def look_up(data: Value) -> Value:
        if type(data) is dict and type(within := data.get(first)) is dict:
            items = within.get(second)
            if type(items) is list:
                return items[index] if index < len(items) else None
        return _drilled(data, steps)

    return look_up


def _field_of_entry(steps: tuple[Step, ...]) -> Evaluator:
    """As `payload.v.0.dt`."""
    (first, _), (second, _), (_, index), (field, _) = steps

    def look_up(data: Value) -> Value:
        if type(data) is dict and type(within := data.get(first)) is dict:
            items = within.get(second)
            if type(items) is list and index < len(items) and type(entry := items[index]) is dict:
                return entry.get(field)
        return _drilled(data, steps)

    return look_up


_SPECIAL: dict[str, Callable[[tuple[Step, ...]], Evaluator]] = {
    "nn": _two_names,
    "nni": _entry,
    "nnin": _field_of_entry,
}
"""By the steps' sorts: n a name, i an index."""
