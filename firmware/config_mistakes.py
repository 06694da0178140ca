"""Mistakes in a configuration, each turned into the key and the cure (pure)."""

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import fields

NAME_MAX_CHARS = 64  # ours: no key of ours has half as many; what is not one may have thousands
PROBLEM_MAX_CHARS = 200  # ours: the same of a wrong value that is quoted
ONE_MATCH = 0.6  # difflib's own default: how alike two names are


def explained(problem: str, whole: type[Struct]) -> str:
    """Turn msgspec's "Object contains unknown field `x` - at `$.camera`" into key and cure."""
    what, _, where = problem.rpartition(" - at ") if " - at `$" in problem else (problem, "", "")
    section = where.strip("`").removeprefix("$").lstrip(".")
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        name = _printable(match[1], NAME_MAX_CHARS)
        return f"unknown key {_key(section, name)}: {_nearest(section, name, whole)}"
    if match := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"key {_key(section, match[1])} is missing: add it"
    what = _printable(what[0].lower() + what[1:], PROBLEM_MAX_CHARS)
    return f"key {section or 'file'}: {what}; docs/commands.md lists what each key takes"


def _key(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name


def _printable(text: str, most: int) -> str:
    """Return a text of the file's as it may be shown on a terminal."""
    short = text if len(text) <= most else f"{text[:most]}..."
    return "".join(char if char.isprintable() else "?" for char in short)


def _nearest(section: str, name: str, whole: type[Struct]) -> str:
    """Say which key was meant: one of this section, or one that stands in another, or in none."""
    import difflib  # noqa: PLC0415 - only needed to explain a mistake

    keys = list(_all_keys(whole))
    here = [key for where, key in keys if where == section]
    if near := difflib.get_close_matches(name, here, n=1, cutoff=ONE_MATCH):
        return f"did you mean {near[0]}?"
    elsewhere = {key: where for where, key in reversed(keys) if where != section}  # of two, the first section's
    if near := difflib.get_close_matches(name, elsewhere, n=1, cutoff=ONE_MATCH):
        return f"did you mean {_key(elsewhere[near[0]], near[0])}?{_move(elsewhere[near[0]], near[0])}"
    return f"valid here are {', '.join(here)}"


def _move(section: str, name: str) -> str:
    return f" It goes under [{section}]" if section else f" [{name}] is a section of its own"


def _all_keys(whole: type[Struct]) -> Iterator[tuple[str, str]]:
    """Yield each key with its section, "" where it has none."""
    for field in fields(whole):
        yield "", field.name
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            for inner in fields(field.type):
                yield field.name, inner.name
