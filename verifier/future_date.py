"""Whether a document dates from the future, which no rule needs to say: nobody was tested tomorrow; or only in part.

A date without a time, or a time without a zone, may have been written anywhere: it is from the future only where it
is that in the easternmost zone, which has a new day first. A date that cannot be read is none; rules say what of it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

Dating = Literal["past", "in-part", "future"]

_EASTERNMOST = timezone(timedelta(hours=14))  # Kiritimati; the IANA time zone database knows no later one
_DATES = {"v": ("dt",), "t": ("sc", "dr"), "r": ("fr",), "declaration": ("declared_at",)}
"""Fields that tell what has happened, by the payload's group. A recovery's `df` and `du` may well be to come."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_DATE_CHARACTERS = 10


def dating(payload: Mapping[str, Any], at: datetime) -> Dating:
    """Tell when a payload says that things happened: any after an aware time, or any in part, or all before it.

    In part are `2021` and `2021-11`. CertLogic takes these for their last day, as suits dates of birth; nobody was
    vaccinated later for it.
    """
    today = at.astimezone(_EASTERNMOST).date().isoformat()
    dates = _dates(payload)
    if any(_after(date, at, today) for date in dates):
        return "future"
    if any(len(date) < _DATE_CHARACTERS and _DATE.fullmatch(date) for date in dates):
        return "in-part"
    return "past"


def _dates(payload: Mapping[str, Any]) -> list[str]:
    found = []
    for group, names in _DATES.items():
        entries = payload.get(group)
        for entry in entries if entries and isinstance(entries, list | tuple) else ():
            if type(entry) is dict or isinstance(entry, Mapping):
                found += [entry[name].strip() for name in names if isinstance(entry.get(name), str)]
    return found


def _after(date: str, at: datetime, today: str) -> bool:
    if len(date) > _DATE_CHARACTERS:
        try:
            moment = datetime.fromisoformat(date)
        except ValueError:
            date = date[:_DATE_CHARACTERS]
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=_EASTERNMOST)) > at
    return date > today[: len(date)] and _DATE.fullmatch(date) is not None
