"""How alike two holders' names are, whatever letters their documents write them in.

Equal: the same letters in A-Z, the family name first or last, under one of the transliterations that ICAO Doc 9303
allows (`Müller`: MUELLER, MULLER, MUXXLLER), or as far as a machine-readable zone holds them. Alike: in another order,
with a middle name more or less, with initials or masks, or written so that letters were lost or may be written
otherwise. Twins called Minh Anh and Anh Minh, or Tú and Tuệ, are alike and no more.
"""

import re
from collections import Counter
from itertools import product
from typing import Literal, NamedTuple

from verifier.documents.document import Holder
from verifier.mrz import MASK, NAME_MAX_CHARS, standard_name
from verifier.mrz_tables import Variant

Likeness = Literal["equal", "alike", "differ", "none"]

# Doc 9303, parts 4 to 7: a zone's field for the whole name is of 30, 31 or 39 characters; the last may be a filler.
ZONE_CHARS = frozenset({29, 30, 31, 38, 39})

_VARIANTS: tuple[Variant, ...] = ("recommended", "plain", "marked")
_TWO_FOR_ONE = re.compile(
    r"AE|AA|OE|UE|UXX|NXX"
)  # what Ä, Å, Ö, Ü and Ñ may have become; their plain letter is the first


class _Reading(NamedTuple):
    """One way to write a holder's names, in A-Z and `<`."""

    family: str
    given: str

    @property
    def words(self) -> tuple[str, ...]:
        """Return the names' parts, the family's first."""
        return tuple(f"{self.family}<{self.given}".strip("<").split("<"))

    @property
    def zone(self) -> str:
        """Return both names as a machine-readable zone has them."""
        return "<<".join(name for name in self if name)

    @property
    def letters(self) -> frozenset[str]:
        """Return the letters alone, either name first: gaps and hyphens are wherever a document sets them."""
        family, given = self.family.replace("<", ""), self.given.replace("<", "")
        return frozenset({family + given, given + family})


class _Names(NamedTuple):
    """All that a holder's names may be written as.

    Attributes:
        readings: The ways, the issuer's own first; none where there is no name.
        lost: Something of the names is in none of the ways: masked, or without a transliteration.
        ambiguous: There are other ways.
        visible: The pieces of the names between their masks, in order; none where there is no mask.
    """

    readings: tuple[_Reading, ...]
    lost: bool
    ambiguous: bool
    visible: tuple[str, ...]


class _Part(NamedTuple):
    """One name, family or given: `texts` are its ways, as in `_Names`."""

    texts: tuple[str, ...]
    lost: bool
    ambiguous: bool


def likeness_of(one: Holder, other: Holder) -> Likeness:
    """Tell how alike two holders' names are; the same whichever comes first. No names raise."""
    first, second = _names(one), _names(other)
    pairs = list(product(first.readings, second.readings))
    if not pairs:
        return "none"
    lost = first.lost or second.lost
    if any(_are_equal(*pair) for pair in pairs):
        return "alike" if lost else "equal"
    if first.visible or second.visible:
        return "alike" if _agree_where_visible(first, second) else "differ"
    if lost or first.ambiguous or second.ambiguous or any(_are_alike(*pair) for pair in pairs):
        return "alike"
    return "differ"


def _names(holder: Holder) -> _Names:
    family = _part(holder.family_standard, holder.family)
    given = _part(holder.given_standard, holder.given)
    readings = (_Reading(*way) for way in zip(family.texts, given.texts, strict=True))
    return _Names(
        tuple(dict.fromkeys(way for way in readings if way.zone)),
        family.lost or given.lost,
        family.ambiguous or given.ambiguous,
        _visible(f"{holder.family_standard or holder.family} {holder.given_standard or holder.given}"),
    )


def _part(standard: str, own: str) -> _Part:
    """Read a name: the issuer's standard form, else its own letters, and beside it all that these allow."""
    issued = standard_name(standard)
    read = [standard_name(own, variant) for variant in _VARIANTS]
    best = issued if issued.text else read[0]
    sure = not (read[0].lost or read[0].ambiguous)
    texts = (best.text, *(name.text if sure and name.text else best.text for name in read))
    return _Part(texts, best.lost, best.ambiguous)


def _visible(names: str) -> tuple[str, ...]:
    if MASK not in names:
        return ()
    return tuple(standard_name(piece).text.replace("<", "") for piece in names[:NAME_MAX_CHARS].split(MASK))


def _are_equal(one: _Reading, other: _Reading) -> bool:
    return not one.letters.isdisjoint(other.letters) or (bool(one.given and other.given) and _is_cut(one, other))


def _is_cut(one: _Reading, other: _Reading) -> bool:
    """Tell whether a zone's field was too short for one's names (Doc 9303, part 3, section 4.6)."""
    short, whole = sorted((one.zone, other.zone), key=len)
    return len(short) in ZONE_CHARS and whole.startswith(short)


def _are_alike(one: _Reading, other: _Reading) -> bool:
    words, others = Counter(one.words), Counter(other.words)
    some = words <= others or others <= words or _are_initials(one, other) or _is_cut(one, other)
    return some or not _plain(one).isdisjoint(_plain(other))


def _are_initials(one: _Reading, other: _Reading) -> bool:
    """Tell whether the words are the same in order, but for those of which one has the initial only."""
    return len(one.words) == len(other.words) and all(
        word == its or ((len(word) == 1 or len(its) == 1) and word[0] == its[0])
        for word, its in zip(one.words, other.words, strict=True)
    )


def _plain(reading: _Reading) -> frozenset[str]:
    """Return the letters as if every pair in them stood for one accented letter, as UE may for Ü."""
    return frozenset(_TWO_FOR_ONE.sub(lambda pair: pair[0][0], letters) for letters in reading.letters)


def _agree_where_visible(one: _Names, other: _Names) -> bool:
    if one.visible and other.visible:
        return True  # nothing tells that they differ, and alike is as far as it goes
    masked, whole = (one, other) if one.visible else (other, one)
    return any(_fits(masked.visible, letters) for way in whole.readings for letters in way.letters)


def _fits(pieces: tuple[str, ...], letters: str) -> bool:
    """Tell whether the pieces occur in order, the first at the beginning and the last at the end. Linear."""
    first, *between, last = pieces
    if not (letters.startswith(first) and letters.endswith(last)):
        return False
    at, end = len(first), len(letters) - len(last)
    for piece in between:
        found = letters.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= end
