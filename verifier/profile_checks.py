"""What a permit is held against at a lane: its route, its area, its hours, its plate."""

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from verifier.areas import covers
from verifier.documents.document import Document
from verifier.documents.lx1 import Permit
from verifier.documents.lx1_kinds import Declaration, Travel, Vehicle
from verifier.profile import Check
from verifier.reasons import Reason

VIET_NAM = timezone(timedelta(hours=7))  # the hours in permits are Viet Nam's; no summer time since 1945
PLATE_MAX_CHARS = 16  # ours: what a plate's entry may hold; a permit's has 12
_MINUTES = 60


class Lane(NamedTuple):
    """Where a lane lies: its area, None where nobody said, and the roads and corridors that it is on.

    `plates` is whether anybody can enter a vehicle's plate there.
    """

    area: str | None = None
    roads: frozenset[str] = frozenset()
    plates: bool = True


NOWHERE = Lane()
"""A lane that says nothing of itself."""


class Facts(NamedTuple):
    """What documents are held against: the lane, the moment (with a time zone), the plate if one was entered."""

    lane: Lane
    at: datetime
    plate: str | None = None


def normalised(plate: str) -> str:
    """Return a plate as permits write it: letters A-Z and digits only, whoever typed or read it."""
    latin = unicodedata.normalize("NFKD", plate).upper().replace("Đ", "D")
    return "".join(letter for letter in latin if letter.isascii() and letter.isalnum())[:PLATE_MAX_CHARS]


def plate_of(document: Document) -> str | None:
    """Return the plate that a document is for, None of what is no vehicle's."""
    entry = document.entry if isinstance(document, Permit) else None
    return entry.plate if isinstance(entry, Vehicle) else None


def unmet(check: Check, document: Document, facts: Facts) -> Reason | None:
    """Return why a document does not pass a check, None where it does.

    PROFILE_UNUSABLE where the lane does not say of itself what the profile has it compare, PLATE_MISSING where a plate
    may be entered and was not yet. What a permit does not say of areas, it does not permit; one without hours holds all
    day.
    """
    return _CHECKS[check](document, facts)


def _route(document: Document, facts: Facts) -> Reason | None:
    entry = document.entry if isinstance(document, Permit) else None
    if not facts.lane.roads:
        return Reason.PROFILE_UNUSABLE
    return None if isinstance(entry, Vehicle) and facts.lane.roads.intersection(entry.route) else Reason.WRONG_ROUTE


def _area(document: Document, facts: Facts) -> Reason | None:
    entry = document.entry if isinstance(document, Permit) else None
    if facts.lane.area is None:
        return Reason.PROFILE_UNUSABLE
    permitted = entry.areas if isinstance(entry, Travel | Declaration) else ()
    return None if covers(permitted, facts.lane.area) else Reason.WRONG_AREA


def _hours(document: Document, facts: Facts) -> Reason | None:
    entry = document.entry if isinstance(document, Permit) else None
    if not isinstance(entry, Vehicle | Travel):
        return Reason.OUTSIDE_HOURS
    local = facts.at.astimezone(VIET_NAM)
    minute = local.hour * _MINUTES + local.minute
    within = not entry.hours or any(_within(start, end, minute) for start, end in entry.hours)
    return None if within else Reason.OUTSIDE_HOURS


def _within(start: int, end: int, minute: int) -> bool:
    """Tell whether a minute of the day lies in a span, whose end is excluded; one may cross midnight."""
    return start <= minute < end if start <= end else minute >= start or minute < end


def _plate(document: Document, facts: Facts) -> Reason | None:
    if not facts.lane.plates:
        return Reason.PROFILE_UNUSABLE
    if facts.plate is None:
        return Reason.PLATE_MISSING
    return None if facts.plate == plate_of(document) else Reason.PLATE_MISMATCH


_CHECKS: dict[Check, Callable[[Document, Facts], Reason | None]] = {
    "route": _route,
    "area": _area,
    "hours": _hours,
    "plate": _plate,
}
