"""What may leave the device: log events by the closed list, and texts without what nobody should see (pure)."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from firmware import events, uplink_events

TEXT_MAX_CHARS = 300
HIDDEN = "***"
FREE = frozenset({"why", "cure", "where", "file"})  # fields that are text for people; all others are codes
LEFT_OUT = frozenset({"checkin"})  # names one person's row at the centre
UNLISTED = (events, uplink_events)  # imported so that their events are known
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_HIDE = [
    (re.compile(pattern, re.DOTALL), HIDDEN)
    for pattern in (
        r"-----BEGIN.*",  # PEM
        r"\b(?:HC1|LX1|NO1|LT1|HCFR1):\S.*",  # passes; Base45 has spaces in it
        r"\b(?:shc:/|NZCP:/)\S*",
        r"URN:UVCI:\S*",
        r"\b[0-9A-Za-z]{5}(?:-[0-9A-Za-z]{5}){3}-[0-9A-Za-z]{6}\b",  # one-time codes
        r"(?<=:/)/?[^/@\s]*(?=@)",  # who signs in, in an address; one made a path lacks a stroke
        r"(?<=\?)[^\s]*",  # and what an address asks for
        r"(?<![0-9])[0-9]{9,15}(?![0-9])",  # numbers of documents and telephones
        r"[0-9A-Za-z+=_]{32,}",  # keys, hashes, tokens
    )
]


def clean_text(text: str) -> str:
    """Return a text for people without passes, codes, keys and numbers of documents, and not too long."""
    for pattern, instead in _HIDE:
        text = pattern.sub(instead, text)
    return text if len(text) <= TEXT_MAX_CHARS else text[:TEXT_MAX_CHARS] + "..."


def clean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return data with every text in it cleaned."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value


def clean_event(line: object) -> dict[str, Any] | None:
    """Return a log line's event with its declared fields only; None where it is none of the closed list."""
    known = listed()
    name = line.get("event") if isinstance(line, dict) else None
    if not isinstance(line, dict) or not isinstance(name, str) or name not in known:
        return None
    try:
        fields: dict[str, Any] = msgspec.to_builtins(msgspec.convert(line, known[name]))
    except msgspec.ValidationError:
        return None
    kept = {key: _field(key, value) for key, value in fields.items() if key not in LEFT_OUT}
    t_ns = line.get("t_ns")
    return ({"t_ns": t_ns} if isinstance(t_ns, int) else {}) | kept


def listed() -> dict[str, type[events.LogEvent]]:
    """Return every class of log events by its name."""
    return {str(kind.__struct_config__.tag): kind for kind in _below(events.LogEvent)}


def _below(kind: type[events.LogEvent]) -> Iterator[type[events.LogEvent]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _field(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return clean_text(value) if key in FREE or _CODE.fullmatch(value) else HIDDEN
    if isinstance(value, dict):  # times by step
        return {name: number for name, number in value.items() if name in {*events.STEPS, "total"}}
    return value
