"""The codes that rules compare with (`value-sets.json`): countries, vaccines, tests ... The nation's alone.

    {"version": 1, "sets": {"country-2-codes": ["AD", "AE"], "covid-19-lab-result": ["260373001", "260415000"]}}

Names and codes are those of the EU's value sets (ehn-dcc-valuesets); of these only the codes are needed.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VALUE_SETS_MAX_BYTES = 256 * 1024  # ours: the codes of all published sets have 5 KB
_SETS_MAX = 64  # ours: nine are published
_CODES_MAX = 8192  # ours: the largest published set has 299
_Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?\Z")]
_Code = Annotated[str, Meta(pattern=r"\A[!-~]([ -~]{0,78}[!-~])?\Z")]  # the longest published code has 37 characters
ValueSets = Mapping[str, frozenset[str]]
"""Codes by the name of their set."""


class ValueSetsError(Exception):
    """A file of value sets that cannot be used; the text says why."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[1]
    sets: Annotated[dict[_Name, Annotated[tuple[_Code, ...], Meta(max_length=_CODES_MAX)]], Meta(max_length=_SETS_MAX)]


def parse_value_sets(data: bytes) -> ValueSets:
    """Read the file of value sets.

    Raises:
        ValueSetsError: It is none, or breaks a bound.
    """
    if len(data) > VALUE_SETS_MAX_BYTES:
        raise ValueSetsError(f"larger than {VALUE_SETS_MAX_BYTES} bytes")
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueSetsError(f"not a file of value sets: {error}") from None
    return {name: frozenset(codes) for name, codes in file.sets.items()}


def encode_value_sets(sets: Mapping[str, frozenset[str]]) -> bytes:
    """Return the file of value sets, the same for the same sets.

    Raises:
        ValueSetsError: A name, a code or the whole breaks a bound.
    """
    data = msgspec.json.encode({"version": 1, "sets": {name: sorted(sets[name]) for name in sorted(sets)}})
    parse_value_sets(data)
    return data
