"""The four kinds of signed permits (LX1), and how rules see each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from verifier.documents.document import Holder
from verifier.documents.lx1_fields import (
    CARRIER_MAX_BYTES,
    CREW_MAX,
    NAME_MAX_BYTES,
    Areas,
    Field,
    Fields,
    Hours,
    Word,
    areas,
    holder,
    hours,
    moment,
    plate,
    route,
    text,
    values_of,
    whole,
    word,
)
from verifier.documents.vaccines import (
    COVID_19,
    DETECTED,
    INCONCLUSIVE,
    NOT_DETECTED,
    NUCLEIC_ACID,
    RAPID_ANTIGEN,
)
from verifier.reasons import Reason, RefusedError

_KIND = 0
_METHODS = {"pcr": NUCLEIC_ACID, "antigen": RAPID_ANTIGEN}
_RESULTS = {"not-detected": NOT_DETECTED, "detected": DETECTED, "inconclusive": INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A green-lane permit: this vehicle, on these roads, at these hours."""

    plate: str
    vehicle_class: Word
    carrier: str
    route: tuple[str, ...]
    crew: int
    goods: Word | None = None
    hours: Hours = ()

    kind = "vehicle"

    def entry(self) -> dict[str, Any]:
        """Return what rules see; what the permit does not say is absent."""
        said = {"plate": self.plate, "class": self.vehicle_class, "carrier": self.carrier, "route": list(self.route)}
        return said | {"crew": self.crew} | _given(goods=self.goods, hours=_lists(self.hours))


@dataclass(frozen=True, slots=True)
class Travel:
    """A person's permit to be on the way: why, for whom, in which areas, at which hours; no areas: not said."""

    purpose: Word
    employer: str | None = None
    areas: Areas = ()
    hours: Hours = ()

    kind = "travel"

    def entry(self) -> dict[str, Any]:
        """Return what rules see; what the permit does not say is absent."""
        said = {"purpose": self.purpose}
        return said | _given(employer=self.employer, areas=list(self.areas), hours=_lists(self.hours))


@dataclass(frozen=True, slots=True)
class Declaration:
    """A health declaration that an authority countersigned; no areas: not said."""

    declared_at: datetime
    risk: Word
    areas: Areas = ()

    kind = "declaration"

    def entry(self) -> dict[str, Any]:
        """Return what rules see; what the permit does not say is absent."""
        return {"declared_at": _iso(self.declared_at), "risk": self.risk} | _given(areas=list(self.areas))


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test, by the laboratory that made it."""

    method: Word
    sampled_at: datetime
    result: Word
    laboratory: str
    result_at: datetime | None = None

    kind = "test"

    def entry(self) -> dict[str, Any]:
        """Return what rules see: the fields of a test in a health certificate (ehn-dcc-schema, `test_entry`)."""
        said = {"tg": COVID_19, "tt": _METHODS[self.method], "sc": _iso(self.sampled_at)}
        said |= {"tr": _RESULTS[self.result], "tc": self.laboratory}
        return said | _given(dr=self.result_at and _iso(self.result_at))


Entry = Vehicle | Travel | Declaration | LabTest

_HOLDER = {1: Field("holder", holder)}
_HOURS = {15: Field("hours", hours, optional=True)}
_AREAS = {22: Field("areas", areas, optional=True)}
_VEHICLE: Fields = _HOURS | {
    10: Field("plate", plate),
    11: Field("vehicle_class", word("lorry", "tractor", "coach", "car", "motorcycle", "special")),
    12: Field("carrier", text(CARRIER_MAX_BYTES)),
    13: Field("route", route),
    14: Field("goods", word("essential", "medical", "production", "trade", "other"), optional=True),
    16: Field("crew", whole(1, CREW_MAX)),
}
_TRAVEL: Fields = {
    **_HOLDER,
    **_HOURS,
    **_AREAS,
    20: Field("employer", text(NAME_MAX_BYTES), optional=True),  # who goes home, or to a doctor, has none
    21: Field("purpose", word("work", "medical", "supplies", "return", "other")),
}
_DECLARATION: Fields = {
    **_HOLDER,
    **_AREAS,
    30: Field("declared_at", moment),
    31: Field("risk", word("none", "exposed", "symptoms", first=0)),
}
_TEST: Fields = {
    **_HOLDER,
    40: Field("method", word("pcr", "antigen")),
    41: Field("sampled_at", moment),
    42: Field("result_at", moment, optional=True),
    43: Field("result", word("not-detected", "detected", "inconclusive", first=0)),
    44: Field("laboratory", text(NAME_MAX_BYTES)),
}


class _Kind(NamedTuple):
    entry: type[Entry]
    fields: Fields


KINDS = (_Kind(Vehicle, _VEHICLE), _Kind(Travel, _TRAVEL), _Kind(Declaration, _DECLARATION), _Kind(LabTest, _TEST))
"""By the number in field 0."""


def entry_of(permit: Mapping[Any, Any]) -> tuple[Entry, Holder | None]:
    """Read a permit's fields: what it says, and of whom.

    Raises:
        RefusedError: BAD_PAYLOAD, with which field is wrong.
    """
    number = permit.get(_KIND)
    if type(number) is not int or not 0 <= number < len(KINDS):
        raise RefusedError(Reason.BAD_PAYLOAD, f"the permit's kind ({_KIND}) is no whole number from 0 to 3")
    kind = KINDS[number]
    known = {_KIND: Field("kind", whole(number, number)), **kind.fields}
    values = values_of(permit, known, kind.entry.kind)
    del values["kind"]
    named: Holder | None = values.pop("holder", None)
    return kind.entry(**values), named


def _given(**optional: Any) -> dict[str, Any]:  # noqa: ANN401 - values of any field
    return {name: value for name, value in optional.items() if value}


def _lists(spans: Hours) -> list[list[int]]:
    return [list(span) for span in spans]


def _iso(moment_: datetime) -> str:
    return f"{moment_:%Y-%m-%dT%H:%M:%SZ}"
