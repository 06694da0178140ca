"""What a permit is to say, from flags or a table's cells: each by its name, checked (pure).

Errors name the field and the cure, never the value: it may be somebody's name.
"""

import math
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from centre.permits.encoding import KINDS, Kind
from centre.permits.reading import (
    LIFE_MAX,
    areas_of,
    born_of,
    crew_of,
    document_of,
    hours_of,
    life_of,
    moment,
    name_of,
    one_of,
    plate_of,
    route_of,
    second_of,
    text_of,
)
from verifier.documents.lx1_fields import CARRIER_MAX_BYTES, NAME_MAX_BYTES
from verifier.profile_checks import VIET_NAM

AHEAD_MAX = timedelta(days=366)  # ours: a year mistyped
CELL_MAX_CHARS = 600  # ours: 16 area codes, each as long as they may be

CLASSES = {"lorry": 1, "tractor": 2, "coach": 3, "car": 4, "motorcycle": 5, "special": 6}
GOODS = {"essential": 1, "medical": 2, "production": 3, "trade": 4, "other": 5}
PURPOSES = {"work": 1, "medical": 2, "supplies": 3, "return": 4, "other": 5}
RISKS = {"none": 0, "exposed": 1, "symptoms": 2}
METHODS = {"pcr": 1, "antigen": 2}
RESULTS = {"not-detected": 0, "detected": 1, "inconclusive": 2}

HOLDER, PLATE, CLASS, CARRIER, ROUTE, GOODS_CLASS, HOURS, CREW = 1, 10, 11, 12, 13, 14, 15, 16
EMPLOYER, PURPOSE, AREAS = 20, 21, 22
DECLARED, RISK = 30, 31
METHOD, SAMPLED, RESULTED, RESULT, LABORATORY = 40, 41, 42, 43, 44
FAMILY, GIVEN, BORN, DOCUMENT = 1, 2, 3, 4  # within the holder

_PAST = {"declared": DECLARED, "sampled": SAMPLED, "resulted": RESULTED}


class FieldError(ValueError):
    """A field that is missing or wrong: its name, what is wrong and the cure."""

    def __init__(self, name: str, why: str) -> None:
        """Say which and why."""
        super().__init__(f"{name}: {why}")


class Wanted(NamedTuple):
    """A permit that somebody wants.

    `content`: as in `Unsigned`. `begins` is None for at once; `ends`, or how long it holds from its begin.
    """

    kind: Kind
    content: dict[int, Any]
    begins: datetime | None
    ends: datetime | timedelta

    @property
    def plate(self) -> str | None:
        """Return a vehicle's plate."""
        return self.content.get(PLATE)

    def check(self, now: datetime) -> None:
        """Refuse what cannot have been yet.

        Raises: FieldError.
        """
        for name, label in _PAST.items():
            if self.content.get(label, 0) > now.timestamp():
                raise FieldError(name, "it lies ahead: check the date")
        if self.content.get(HOLDER, {}).get(BORN, "") > f"{now.astimezone(VIET_NAM):%F}":
            raise FieldError("born", "it lies ahead: check the date")
        if self.content.get(RESULTED, math.inf) < self.content.get(SAMPLED, 0):
            raise FieldError("resulted", "before the sample was taken: check both times")

    def times(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when and until when it holds, if it is issued now (whole seconds).

        Raises: FieldError.
        """
        begins = max(self.begins or now, now)
        if begins - now > AHEAD_MAX:
            raise FieldError("from", f"over {AHEAD_MAX.days} days from now: check the year")
        ends = self.ends if isinstance(self.ends, datetime) else begins + self.ends
        if ends <= begins:
            raise FieldError("until", "it is over before it begins: give a later time")
        if ends - begins > LIFE_MAX:
            raise FieldError("until", f"over {LIFE_MAX.days} days: issue it for less, and anew then")
        return begins, ends


class Field(NamedTuple):
    """A field: its name on the command line and in a table's header, its number in the claim, how it is read."""

    name: str
    label: int
    read: Callable[[str], Any]
    required: bool = True


HOLDER_FIELDS = (
    Field("family", FAMILY, name_of),
    Field("given", GIVEN, name_of, required=False),  # some people have one name
    Field("born", BORN, born_of),
    Field("document", DOCUMENT, document_of, required=False),
)
FIELDS: Mapping[Kind, tuple[Field, ...]] = {
    "vehicle": (
        Field("plate", PLATE, plate_of),
        Field("class", CLASS, one_of(CLASSES)),
        Field("carrier", CARRIER, text_of(CARRIER_MAX_BYTES, "use the tax code")),
        Field("route", ROUTE, route_of),
        Field("goods", GOODS_CLASS, one_of(GOODS), required=False),
        Field("hours", HOURS, hours_of, required=False),
        Field("crew", CREW, crew_of),
    ),
    "travel": (
        Field("employer", EMPLOYER, text_of(NAME_MAX_BYTES, "shorten it"), required=False),
        Field("purpose", PURPOSE, one_of(PURPOSES)),
        Field("areas", AREAS, areas_of, required=False),
        Field("hours", HOURS, hours_of, required=False),
    ),
    "declaration": (
        Field("declared", DECLARED, second_of),
        Field("risk", RISK, one_of(RISKS)),
        Field("areas", AREAS, areas_of, required=False),
    ),
    "test": (
        Field("method", METHOD, one_of(METHODS)),
        Field("sampled", SAMPLED, second_of),
        Field("resulted", RESULTED, second_of, required=False),
        Field("result", RESULT, one_of(RESULTS)),
        Field("laboratory", LABORATORY, text_of(NAME_MAX_BYTES, "shorten it")),
    ),
}
TIMES = ("from", "until", "days")
NAMES = tuple(
    dict.fromkeys(
        [field.name for fields in (*FIELDS.values(), HOLDER_FIELDS) for field in fields] + list(TIMES),
    )
)
"""Every field of any kind."""


def wanted(kind: str, given: Mapping[str, str]) -> Wanted:
    """Return the permit that fields ask for; empty ones are not given.

    Raises: FieldError.
    """
    if kind not in KINDS:
        raise FieldError("kind", f"one of {', '.join(KINDS)}")
    fields = {name: text.strip() for name, text in given.items() if text.strip()}
    known = {field.name for field in FIELDS[kind]} | set(TIMES)
    if kind != "vehicle":
        known |= {field.name for field in HOLDER_FIELDS}
    if stray := sorted(fields.keys() - known):
        raise FieldError(stray[0], f"a {kind} has none: leave it out")
    content = _read(FIELDS[kind], fields)
    if kind != "vehicle":
        content[HOLDER] = _read(HOLDER_FIELDS, fields)
    return Wanted(kind, content, *_times(fields))


def _read(table: tuple[Field, ...], fields: Mapping[str, str]) -> dict[int, Any]:
    content: dict[int, Any] = {}
    for field in table:
        if field.name in fields:
            content[field.label] = _checked(field.name, field.read, fields[field.name])
        elif field.required:
            raise FieldError(field.name, "it is missing")
    return content


def _checked(name: str, read: Callable[[str], Any], text: str) -> Any:  # noqa: ANN401 - what a claim holds
    if len(text) > CELL_MAX_CHARS:
        raise FieldError(name, f"over {CELL_MAX_CHARS} characters")
    try:
        return read(unicodedata.normalize("NFC", text))  # a Mac writes marks apart, at two bytes each
    except ValueError as error:
        raise FieldError(name, str(error)) from None


def _times(fields: Mapping[str, str]) -> tuple[datetime | None, datetime | timedelta]:
    begins = _checked("from", moment, fields["from"]) if "from" in fields else None
    if ("until" in fields) == ("days" in fields):
        raise FieldError("until", "give either until, or for how many days")
    if "days" in fields:
        return begins, _checked("days", life_of, fields["days"])
    return begins, _checked("until", lambda text: moment(text, end=True), fields["until"])
