"""Names as in a machine-readable zone: A-Z, and `<` between the parts (ICAO Doc 9303, part 3, sections 4.6 and 6).

Documents of one holder write the name in different letters; this is the one form that all of them can be brought to.
"""

import re
import unicodedata
from typing import NamedTuple

from verifier.mrz_tables import ARABIC_SHADDA, LATIN, OTHER_SCRIPTS, TEH_MARBUTA, TEH_MARBUTA_AT_END, Variant

NAME_MAX_CHARS = 1000  # ours: a zone holds 39 and passes 80; normalising long runs of combining marks is quadratic
MASK = "*"  # what identity codes write in place of a letter that is not to be read

_FILLERS = re.compile(r"<+")
_LAST_TEH_MARBUTA = re.compile(rf"{TEH_MARBUTA}(?!\w)")
_SEPARATORS = "<,;/"  # section 4.6: a comma may become a filler; the others part names on cards
_SILENT = frozenset(
    {"Mn", "Mc", "Me", "Cf", "Lm", "Sk", "Pc", "Pe", "Pf", "Pi", "Po", "Ps"}
)  # marks, apostrophes, dots


class StandardName(NamedTuple):
    """A name in A-Z and `<`.

    Attributes:
        text: The name; empty where nothing in it has a transliteration.
        lost: Letters, digits, signs or masks without a transliteration were left out, or the end of what is too long.
        ambiguous: Letters of a script that languages transliterate differently: others may write this name otherwise.
    """

    text: str
    lost: bool
    ambiguous: bool


def standard_name(text: str, variant: Variant = "recommended") -> StandardName:
    """Transliterate a name of any script; no text at all raises."""
    prepared, ambiguous = _prepared(text[:NAME_MAX_CHARS]), False
    lost = max(len(text), len(prepared)) > NAME_MAX_CHARS
    letters: list[str] = []
    table = LATIN[variant]
    for char in prepared[:NAME_MAX_CHARS]:  # one ligature may have become 18 letters
        if (latin := _latin(char, table)) is not None:
            letters.append(latin)
        elif (other := _other_script(char)) is not None:
            letters.append(other)
            ambiguous = True
        elif char == ARABIC_SHADDA and letters:
            letters.append(letters[-1])
        elif _is_separator(char):
            letters.append("<")
        elif char == MASK or unicodedata.category(char) not in _SILENT:
            lost = True
    return StandardName(_FILLERS.sub("<", "".join(letters)).strip("<"), lost, ambiguous)


def _prepared(text: str) -> str:
    """Return capitals, composed, with compatibility forms (wide letters, ligatures, presentation forms) undone."""
    capitals = unicodedata.normalize("NFKC", text).upper()
    return _LAST_TEH_MARBUTA.sub(TEH_MARBUTA_AT_END, unicodedata.normalize("NFC", capitals))


def _latin(char: str, table: dict[str, str]) -> str | None:
    """Return a Latin letter's transliteration; its accents go one by one, since `Ǖ` is an accented `Ü`."""
    while char not in table:
        if "A" <= char <= "Z":
            return char
        if not (base := _base(char)):
            return None
        char = base
    return table[char]


def _other_script(char: str) -> str | None:
    while char not in OTHER_SCRIPTS:
        if not (base := _base(char)):
            return None
        char = base
    return OTHER_SCRIPTS[char]


def _base(char: str) -> str:
    """Return a letter without its outermost accent, empty where it has none."""
    parts = unicodedata.decomposition(char).split()
    return chr(int(parts[0], 16)) if parts and not parts[0].startswith("<") else ""


def _is_separator(char: str) -> bool:
    return char in _SEPARATORS or char.isspace() or unicodedata.category(char) == "Pd"
