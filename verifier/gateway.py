"""What the EU gateway hands out, as its apps pass it on: rules without a container, value sets with their displays.

    {"Identifier": "VR-DE-0001", "Version": "1.0.3", ..., "hash": "1be3..."}                a rule, or a list of them
    {"valueSetId": "country-2-codes", "valueSetDate": "...", "valueSetValues": {"AD": {...}, ...}}     likewise

Of a rule everything is kept but the hash, which some add who pass it on. Of value sets the codes are kept.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from verifier.rule import Rule, RulesError, parse_rule
from verifier.rule_file import NATION, RuleFileError, parse_rule_file
from verifier.value_sets import ValueSets, ValueSetsError

VALUE_SET_ID, VALUES = "valueSetId", "valueSetValues"
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)  # each part keeps its three digits
_MILLION, _THOUSAND = 1_000_000, 1000


def contained(body: Mapping[str, object]) -> tuple[bytes, Rule]:
    """Return the file of a rule that has no container, the same for the same rule, and what it says.

    Its identifier and times are the rule's; its version is a number made of the rule's, in the same order.

    Raises:
        RulesError: It is no rule, or one that cannot be evaluated.
    """
    kept = {name: value for name, value in body.items() if name != "hash"}
    container = {
        "id": kept.get("Identifier"),
        "version": _number(kept.get("Version")),
        "valid_from": _time(kept, "ValidFrom"),
        "valid_to": _time(kept, "ValidTo"),
        "scope": {"areas": [], "lanes": []},
        "rule": kept,
    }
    try:
        data = msgspec.json.encode(container, order="deterministic")
        return data, parse_rule(parse_rule_file(data, NATION))
    except RuleFileError as error:
        raise RulesError(str(error)) from None


def value_sets_of(found: Iterable[object]) -> ValueSets:
    """Return the codes of value sets by their names.

    Raises:
        ValueSetsError: One is none, or two have the same name.
    """
    sets: dict[str, frozenset[str]] = {}
    for one in found:
        name, values = (one.get(VALUE_SET_ID), one.get(VALUES)) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(values, dict):
            raise ValueSetsError(f"not a value set: it has {VALUE_SET_ID} and {VALUES}")
        if name in sets:
            raise ValueSetsError(f"the value set {name[:64]!r} is there twice: give one of them")
        sets[name] = frozenset(values)
    return sets


def _number(version: object) -> int:
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if found is None:
        raise RulesError("Version is not as 1.0.3, or a part behind the first has more than three digits")
    major, minor, patch = map(int, found.groups())
    return major * _MILLION + minor * _THOUSAND + patch


def _time(body: Mapping[str, object], name: str) -> datetime:
    try:
        return msgspec.convert(body.get(name), datetime).astimezone(UTC)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise RulesError(f"{name} is no time, such as 2021-06-01T00:00:00Z") from None
