"""A health document of another scheme than the EU's, told in the shape of the EU's certificate, which rules know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from verifier.documents.document import FormatName, Holder
from verifier.documents.vaccines import COVID_19

RecordKind = Literal["vaccination", "test"]
_GROUPS: Mapping[RecordKind, str] = {"vaccination": "v", "test": "t"}  # ehn-dcc-schema


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What a document of another scheme says; what it does not say is absent from `payload`, never guessed."""

    format: FormatName
    kind: RecordKind
    country: str
    holder: Holder = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of documents in it."""
        return (self.kind,)


def record(
    format_: FormatName, kind: RecordKind, country: str, holder: Holder, entry: Mapping[str, Any]
) -> HealthRecord:
    """Return a document whose one entry has these fields; empty ones are left out."""
    names = {"fn": holder.family, "gn": holder.given, "fnt": holder.family_standard, "gnt": holder.given_standard}
    payload: dict[str, Any] = {"ver": format_, "nam": _given(names)}
    if holder.birth_date:
        payload["dob"] = holder.birth_date
    payload[_GROUPS[kind]] = [_given({"tg": COVID_19, **entry})]
    return HealthRecord(format_, kind, country, holder, payload)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", None)}
