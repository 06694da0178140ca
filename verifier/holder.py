"""Whether documents are of one holder: names, dates of birth and document numbers, compared so that doubt is never yes.

| | names equal | names alike | names differ | no name |
|---|---|---|---|---|
| dates of birth contradict | different | different | different | different |
| numbers contradict | unclear | unclear | different | unclear |
| a date of birth is missing | same if the numbers agree | unclear | different | unclear |
| dates of birth agree in part | same | unclear | different | unclear |
| dates of birth are the same day | same | same if the numbers agree | different | unclear |

What makes names equal, alike or different: `verifier.likeness`.
"""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from verifier.documents.document import Holder
from verifier.likeness import likeness_of

Match = Literal["same", "different", "unclear"]

_Agreement = Literal["agree", "contradict", "silent"]
_Born = Literal["same day", "in part", "missing", "contradict"]

DIGITS_MIN = 3  # LX1: a permit carries at least three; fewer agree by chance

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?(?:T.*)?", re.ASCII)
_MOST = (9999, 12, 31)  # of years, months, days


def compare(one: Holder, other: Holder) -> Match:
    """Tell whether two documents are of one holder; the same whichever comes first. No holder raises."""
    born = _born(one.birth_date, other.birth_date)
    if born == "contradict":
        return "different"
    likeness = likeness_of(one, other)
    if likeness == "differ":
        return "different"
    numbers = _numbers(one.document_digits, other.document_digits)
    if likeness == "none" or numbers == "contradict":
        return "unclear"
    if likeness == "equal":
        return "same" if born != "missing" or numbers == "agree" else "unclear"
    return "same" if born == "same day" and numbers == "agree" else "unclear"


def together(holders: Sequence[Holder]) -> Match:
    """Tell whether documents are all of one holder: each with each, so that no doubt hides in the order.

    One holder is the same as itself; of none there is nothing to be said against it.
    """
    matches = {compare(one, other) for one, other in combinations(holders, 2)}
    if "different" in matches:
        return "different"
    return "unclear" if "unclear" in matches else "same"


def _born(one: str, other: str) -> _Born:
    known, others = _known_date(one), _known_date(other)
    if not known or not others:
        return "missing"
    if any(part != its for part, its in zip(known, others, strict=False)):
        return "contradict"
    return "same day" if len(known) == len(others) == len(_MOST) else "in part"


def _known_date(text: str) -> tuple[int, ...]:
    """Return year, month and day as far as they are known; `00`, or what no calendar has, says that one is not."""
    found = _DATE.fullmatch(text.strip())
    known: list[int] = []
    for part, most in zip(found.groups() if found else (), _MOST, strict=False):
        if not part or not 0 < int(part) <= most:
            break
        known.append(int(part))
    return tuple(known)


def _numbers(one: str, other: str) -> _Agreement:
    """Compare as many last characters of document numbers as both show."""
    count = min(len(one), len(other))
    if count < DIGITS_MIN:
        return "silent"
    return "agree" if one[-count:].upper() == other[-count:].upper() else "contradict"
