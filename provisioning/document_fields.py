"""A document's fields, whatever its format: as an object for scripts, and with their words in both languages."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from firmware.texts import Words, load_texts
from provisioning.words import phrases
from verifier.documents.document import Document
from verifier.documents.record import HealthRecord

_TOPIC = "explain"
_LEFT_OUT = {"payload", "format", "kind"}  # a payload says once more what the others do, as rules see it
_ENTRIES = ("v", "t", "r")  # of a health document in the EU's shape
_MINUTES = 60


class Shown(NamedTuple):
    """What people read of a document: its kind, and labels with their values."""

    kind: Words
    fields: tuple[tuple[str, str], ...]


def fields_of(document: Document) -> dict[str, Any]:
    """Return a document's kind and fields, as JSON holds them."""
    fields = _own(document)
    if isinstance(document, HealthRecord):
        fields["entry"] = _entry(document.payload)
    return {"kind": document.kinds[0], **fields}


def shown_fields(document: Document) -> Shown:
    """Return a document's fields that say something, with their words."""
    kind = load_texts()[f"kind-{document.kinds[0]}"]
    leaves = [(name, value) for name, value in _leaves(fields_of(document)) if name != "kind"]
    return Shown(kind, tuple((_label(name), _text(name, value)) for name, value in leaves))


def _own(document: Any) -> dict[str, Any]:  # noqa: ANN401 - every document is a dataclass, which no protocol can say
    named = ((field.name, getattr(document, field.name)) for field in dataclasses.fields(document))
    return {name: msgspec.to_builtins(value) for name, value in named if name not in _LEFT_OUT}


def _entry(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one entry of a payload in the EU's shape."""
    return next((dict(payload[group][0]) for group in _ENTRIES if group in payload), {})


def _leaves(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give single fields with their values, none that is empty; groups come after them."""
    groups = [value for value in fields.values() if isinstance(value, Mapping)]
    yield from (
        (key, one) for key, one in fields.items() if not isinstance(one, Mapping) and one not in (None, "", (), [])
    )
    for group in groups:
        yield from _leaves(group)


def _label(name: str) -> str:
    known = phrases(_TOPIC).get(f"field-{name.replace('_', '-')}")
    return f"{known.vi} / {known.en}" if known else name


def _text(name: str, value: object) -> str:
    if not isinstance(value, list | tuple):
        return str(value)
    if name == "hours":
        return ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in value)
    return ", ".join(map(str, value))


def _clock(minute: int) -> str:
    return f"{minute // _MINUTES:02}:{minute % _MINUTES:02}"
