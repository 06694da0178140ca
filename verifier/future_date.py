"""Whether a document dates from the future, which no rule needs to say: nobody was tested tomorrow.

A date without a time, or a time without a zone, may have been written anywhere: it is from the future only where it
is that in the easternmost zone, which has a new day first. A date that cannot be read is none; rules say what of it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

_EASTERNMOST = timezone(timedelta(hours=14))  # Kiritimati; the IANA time zone database knows no later one
_DATES = {"v": ("dt",), "t": ("sc", "dr"), "r": ("fr",), "declaration": ("declared_at",)}
"""Fields that tell what has happened, by the payload's group. A recovery's `df` and `du` may well be to come."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_DATE_CHARACTERS = 10


def dated_after(payload: Mapping[str, Any], at: datetime) -> bool:
    """Tell whether a payload says that something happened after an aware time."""
    return any(_after(text, at) for text in _dates(payload))


def _dates(payload: Mapping[str, Any]) -> Iterator[str]:
    for group in _DATES.keys() & payload.keys():
        entries = payload[group]
        for entry in entries if isinstance(entries, list | tuple) else ():
            if isinstance(entry, Mapping):
                yield from (entry[name] for name in _DATES[group] if isinstance(entry.get(name), str))


def _after(text: str, at: datetime) -> bool:
    date = text.strip()
    if len(date) > _DATE_CHARACTERS:
        try:
            moment = datetime.fromisoformat(date)
        except ValueError:
            date = date[:_DATE_CHARACTERS]
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=_EASTERNMOST)) > at
    today = at.astimezone(_EASTERNMOST).date().isoformat()
    return _DATE.fullmatch(date) is not None and date > today[: len(date)]
