"""How a permit's fields are read from what somebody wrote (pure).

Each reader raises ValueError with what is wrong and the cure, never with the value: it may be somebody's name.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from verifier.areas import AREA_PATTERN
from verifier.documents.lx1_fields import (
    AREAS_MAX,
    CREW_MAX,
    DAY_MINUTES,
    HOURS_MAX,
    ROUTE_MAX,
)
from verifier.mrz import standard_name
from verifier.profile_checks import PLATE_MAX_CHARS, VIET_NAM, normalised

LIFE_MAX = timedelta(days=366)  # ours: codes that were good for ever were copied and sold in 2021
NAME_MAX_CHARS = 39  # of a passport's machine-readable zone (ICAO Doc 9303, part 4)
_DAY = "2026-01-31"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PLATE = re.compile(r"[A-Z0-9]{4,12}")
_ROAD = re.compile(r"[A-Z0-9.-]{1,12}")
_AREA = re.compile(AREA_PATTERN)
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_BORN = re.compile(r"\d{4}(-\d{2}){0,2}", re.ASCII)
_DOCUMENT = re.compile(r"[A-Z0-9]{3,6}")


def plate_of(text: str) -> str:
    """Return a plate as permits carry it: letters and digits alone. Raises: ValueError."""
    plain = normalised(text)
    whole = len(plain) == PLATE_MAX_CHARS or sum(map(str.isalnum, text)) == len(plain)
    if not whole:  # a Cyrillic letter would fall away unseen, and it would be another vehicle's
        raise ValueError("no plate: a letter or digit only looks like one of A-Z and 0-9: type it anew")
    if not _PLATE.fullmatch(plain) or not text.isprintable():
        raise ValueError("no plate: 4 to 12 letters and digits, such as 51C-123.45")
    return plain


def moment(text: str, *, end: bool = False) -> datetime:
    """Return a time in UTC; without a zone it is Viet Nam's; of a day alone its begin or its last second.

    Raises: ValueError.
    """
    try:
        at = datetime.fromisoformat(text if _DATE.match(text) else "")  # it takes weeks and other forms, too
        at = (at.replace(tzinfo=VIET_NAM) if at.tzinfo is None else at).astimezone(UTC)
        whole = at.replace(microsecond=0)
        return whole + timedelta(days=1, seconds=-1) if end and len(text) == len(_DAY) else whole
    except (ValueError, OverflowError):
        raise ValueError(f"no such time: write {_DAY}, {_DAY}T18:00, or with its zone {_DAY}T18:00+07:00") from None


def one_of(words: Mapping[str, int]) -> Callable[[str], int]:
    """Return a reader of words that stand for numbers."""

    def read(text: str) -> int:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return words[text]

    return read


def text_of(max_bytes: int, cure: str) -> Callable[[str], str]:
    """Return a reader of printable texts of some bytes in UTF-8 at most; `cure` says how to come down to that."""

    def read(text: str) -> str:
        size = len(text.encode("utf-8", "replace"))
        if size > max_bytes:
            raise ValueError(f"{size} bytes in UTF-8: at most {max_bytes}: {cure}")
        if not text.isprintable():
            raise ValueError("a character that cannot be printed: write it anew")
        return text

    return read


def name_of(text: str) -> str:
    """Return a name as in a passport's machine-readable zone (ICAO Doc 9303, part 3)."""
    name = standard_name(text)
    if name.lost or not 0 < len(name.text) <= NAME_MAX_CHARS:
        raise ValueError(f"write it in Latin letters as the passport's lines do, at most {NAME_MAX_CHARS}")
    return name.text


def born_of(text: str) -> str:
    """Return a date of birth, which may be known in part."""
    try:
        datetime.fromisoformat(text + "-01-01"[: len(_DAY) - len(text)] if _BORN.fullmatch(text) else "")
    except ValueError:
        raise ValueError("no date of birth: 1990-01-31, 1990-01 or 1990") from None
    return text


def document_of(text: str) -> str:
    """Return the last digits of an identity document's number."""
    if not _DOCUMENT.fullmatch(text.upper()):
        raise ValueError("the last 3 to 6 digits or letters of the identity document, no more")
    return text.upper()


def route_of(text: str) -> list[str]:
    """Return roads and corridors, each once."""
    return _parts(text, ROUTE_MAX, _ROAD, "roads of at most 12 of A-Z, 0-9, . and -, such as QL1A")


def areas_of(text: str) -> list[str]:
    """Return area codes, each once."""
    return _parts(text, AREAS_MAX, _AREA, "area codes such as VN-SG")


def hours_of(text: str) -> list[list[int]]:
    """Return spans of a day, from and to, in minutes after midnight."""
    found = []
    for part in _parts(text, HOURS_MAX, _HOURS, "hours of day such as 22:00-05:00, to 24:00"):
        hours = _HOURS.fullmatch(part)
        first, first_min, last, last_min = map(int, hours.groups() if hours else ())
        begins, ends = first * 60 + first_min, last * 60 + last_min
        if begins >= DAY_MINUTES or ends > DAY_MINUTES or begins == ends:
            raise ValueError("hours of day such as 22:00-05:00, to 24:00; leave it out for all day")
        found.append([begins, ends])
    return found


def crew_of(text: str) -> int:
    """Return how many are in a vehicle."""
    if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or not int(text):
        raise ValueError(f"a number from 1 to {CREW_MAX}")
    return int(text)


def second_of(text: str) -> int:
    """Return a time in seconds since the epoch."""
    return max(int(moment(text).timestamp()), 0)  # 1970 stands for all before: too old for any rule


def life_of(text: str) -> timedelta:
    """Return for how many days a permit is to hold."""
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 0 < int(text) <= LIFE_MAX.days:
        raise ValueError(f"a number from 1 to {LIFE_MAX.days}")
    return timedelta(days=int(text))


def _parts(text: str, most: int, pattern: re.Pattern[str], why: str) -> list[str]:
    parts = re.split(r"[\s;,]+", text.upper())
    if len(parts) > most or not all(pattern.fullmatch(part) for part in parts):
        raise ValueError(f"at most {most}, with ; between them: {why}")
    return list(dict.fromkeys(parts))
