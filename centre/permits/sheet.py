"""What a printed permit says, in both languages: the headline as large as fits, and lines below it (pure)."""

import dataclasses
import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from centre.permits.encoding import Read
from verifier.documents.lx1_fields import Hours
from verifier.documents.lx1_kinds import Vehicle
from verifier.profile_checks import VIET_NAM

_FILE = Path(__file__).with_name("words.toml")
_HOUR_MIN = 60
_TO = "\N{EN DASH}"
_GROUP = 4  # digits of an identifier that are read out in one breath


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str


class Line(NamedTuple):
    """A line: what it is about, and what it says."""

    label: Words
    text: str


class Sheet(NamedTuple):
    """A printed permit: what it is, the plate or, where it is `personal`, the holder's name, and the rest."""

    title: Words
    headline: str
    lines: tuple[Line, ...]
    personal: bool


def sheet_of(permit: Read) -> Sheet:
    """Return what is printed of a permit."""
    texts = _texts()
    document = permit.document
    entry, holder = document.entry, document.holder
    said: dict[str, str] = {"valid": f"{_shown(permit.begins)} {_TO} {_shown(permit.ends)}"}
    if holder is not None:
        said |= {"birth_date": holder.birth_date, "document_digits": holder.document_digits}
    said |= {field.name: _value(field.name, getattr(entry, field.name)) for field in dataclasses.fields(entry)}
    said |= {"issuer": document.issuer, "identifier": shown_id(permit.identifier)}
    if isinstance(entry, Vehicle):
        headline = said.pop("plate")
    else:
        headline = "" if holder is None else _name(holder.family_standard, holder.given_standard)
    lines = (Line(Words(**texts["labels"][name]), text) for name, text in said.items() if text)
    return Sheet(Words(**texts["titles"][entry.kind]), headline, tuple(lines), holder is not None)


def shown_id(identifier: bytes) -> str:
    """Return an identifier as people read it out."""
    return identifier.hex(" ", _GROUP // 2)


def _value(name: str, value: Any) -> str:  # noqa: ANN401 - a field of any kind
    match value:
        case datetime():
            return _shown(value)
        case tuple():
            return _hours(value) if name == "hours" else " · ".join(value)
        case str() if value in _texts()["codes"]:
            return " / ".join(dict.fromkeys(_texts()["codes"][value].values()))
        case None:
            return ""
        case _:
            return str(value)


def _hours(hours: Hours) -> str:
    if not hours:
        return " / ".join(_texts()["codes"]["all-day"].values())
    return " · ".join(_TO.join(f"{at // _HOUR_MIN:02}:{at % _HOUR_MIN:02}" for at in span) for span in hours)


def _name(family: str, given: str) -> str:
    return " ".join(f"{family} {given}".replace("<", " ").split())


def _shown(at: datetime) -> str:
    return f"{at.astimezone(VIET_NAM):%d/%m/%Y %H:%M}"


@cache
def _texts() -> dict[str, dict[str, dict[str, str]]]:
    return msgspec.convert(tomllib.loads(_FILE.read_text("utf-8")), dict[str, dict[str, dict[str, str]]])
