"""The fields of signed permits (LX1): what each may hold, and how a map of them is read.

Permits are ours, so nothing is tolerated: a field that is not known, of another type or beyond its bound refuses the
permit. What is wrong is told by the field's name and number, never by what stands in it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, NewType

from verifier.areas import AREA_PATTERN
from verifier.documents.document import Holder
from verifier.reasons import Reason, RefusedError

Hours = tuple[tuple[int, int], ...]
"""Minutes after midnight in Viet Nam (UTC+7), from and to, `to` excluded; from > to crosses midnight; none: all day."""
Areas = tuple[str, ...]
Word = NewType("Word", str)
"""What a code number stands for."""

CARRIER_MAX_BYTES = 30  # LX1: with it a permit still fits a QR code that reads through a windscreen
NAME_MAX_BYTES = 60  # LX1: an employer's, a laboratory's
ROUTE_MAX = 8  # LX1
HOURS_MAX = 4  # LX1: morning, noon, evening, night
AREAS_MAX = 16  # LX1
DAY_MINUTES = 24 * 60
CREW_MAX = 99  # LX1
EPOCH_MAX_S = 253_402_300_799  # the last second of the year 9999, the last that a calendar date can say

_PLATE = re.compile(r"[A-Z0-9]{4,12}")
_ROAD = re.compile(r"[A-Z0-9.-]{1,12}")
_AREA = re.compile(AREA_PATTERN)
_NAME_MAX_CHARS = 39  # what the machine-readable zone of a passport has room for (ICAO 9303, part 4)
_NAME = re.compile(rf"(?=<*[A-Z])[A-Z<]{{1,{_NAME_MAX_CHARS}}}")
_BIRTH_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_DIGITS = re.compile(r"[A-Z0-9]{3,6}")


class Field(NamedTuple):
    """A field: its name, and what reads it; that raises ValueError with what is wrong, in words without the value."""

    name: str
    read: Callable[[Any], Any]
    optional: bool = False


Fields = Mapping[int, Field]
"""Fields by their numbers."""


def values_of(
    found: Any,  # noqa: ANN401 - CBOR holds anything
    fields: Fields,
    where: str,
    reason: Reason = Reason.BAD_PAYLOAD,
) -> dict[str, Any]:
    """Read a map; return the values by name, without the optional ones that are not there.

    Raises:
        RefusedError: `reason`, for what is no map of these fields.
    """
    if not isinstance(found, Mapping):
        raise RefusedError(reason, f"{where}: not a map")
    # True and 1.0 equal 1 in Python, and are other keys in CBOR
    if not all(type(number) is int and number in fields for number in found):
        raise RefusedError(reason, f"{where}: a field that is not known")
    values = {}
    for number, field in fields.items():
        if number in found:
            try:
                values[field.name] = field.read(found[number])
            except ValueError as error:
                raise RefusedError(reason, f"{where}: {field.name} ({number}) {error}") from None
        elif not field.optional:
            raise RefusedError(reason, f"{where}: {field.name} ({number}) is missing")
    return values


def word(*words: str, first: int = 1) -> Callable[[Any], Word]:
    """Return a reader of code numbers, which stand for these words, from the first one on."""
    code = whole(first, first + len(words) - 1)
    return lambda value: Word(words[code(value) - first])


def whole(least: int, most: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers between two, both included."""

    def read(value: Any) -> int:  # noqa: ANN401 - CBOR holds anything
        if type(value) is not int or not least <= value <= most:  # True is an int, too
            raise ValueError(f"is no whole number from {least} to {most}")
        return value

    return read


def moment(value: Any) -> datetime:  # noqa: ANN401 - CBOR holds anything
    """Read seconds since the epoch."""
    return datetime.fromtimestamp(whole(0, EPOCH_MAX_S)(value), UTC)


def text(max_bytes: int) -> Callable[[Any], str]:
    """Return a reader of texts for people: printable, with nothing around it, of some UTF-8 bytes at most."""

    def read(value: Any) -> str:  # noqa: ANN401 - CBOR holds anything
        if not isinstance(value, str) or not value or not value.isprintable() or value != value.strip():
            raise ValueError("is no printable text without spaces around it")
        size = len(value.encode())
        if size > max_bytes:
            raise ValueError(f"has {size} bytes; at most {max_bytes}")
        return value

    return read


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:  # noqa: ANN401 - CBOR holds anything
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(f"is not {what}")
        return value

    return read


def _several(read_one: Callable[[Any], Any], most: int) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - CBOR holds anything
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            raise ValueError(f"is no array of 1 to {most}")
        return tuple(read_one(one) for one in value)

    return read


def _span(value: Any) -> tuple[int, int]:  # noqa: ANN401 - CBOR holds anything
    minute = whole(0, DAY_MINUTES)
    if not isinstance(value, list | tuple) or len(value) != len(("from", "to")):
        raise ValueError("is no array of [from, to]")
    from_min, to_min = minute(value[0]), minute(value[1])
    if from_min == to_min:
        raise ValueError("has a span of no minutes; for all day, leave it out")
    return from_min, to_min


def _birth_date(value: Any) -> str:  # noqa: ANN401 - CBOR holds anything
    found = _matching(_BIRTH_DATE, "a date YYYY, YYYY-MM or YYYY-MM-DD")(value)
    try:
        date.fromisoformat(f"{found}-01-01"[: len("YYYY-MM-DD")])
    except ValueError:  # its own words quote the date
        raise ValueError("is no day of the calendar") from None
    return found


plate = _matching(_PLATE, "4 to 12 of A-Z and 0-9")
route: Callable[[Any], tuple[str, ...]] = _several(_matching(_ROAD, "1 to 12 of A-Z, 0-9, . and -"), ROUTE_MAX)
areas: Callable[[Any], Areas] = _several(_matching(_AREA, "an area code"), AREAS_MAX)
hours: Callable[[Any], Hours] = _several(_span, HOURS_MAX)

_name = _matching(_NAME, f"1 to {_NAME_MAX_CHARS} of A-Z and <, with a letter")
HOLDER: Fields = {
    1: Field("family_standard", _name),
    2: Field("given_standard", _name, optional=True),  # some people have one name
    3: Field("birth_date", _birth_date),
    4: Field("document_digits", _matching(_DIGITS, "3 to 6 of A-Z and 0-9"), optional=True),
}


def holder(value: Any) -> Holder:  # noqa: ANN401 - CBOR holds anything
    """Read whom a permit names.

    Raises:
        RefusedError: BAD_PAYLOAD, with which of its fields is wrong.
    """
    return Holder(**values_of(value, HOLDER, "holder"))
