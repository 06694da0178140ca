"""Identity codes that nobody signed: anyone can print one, so they prove nothing by themselves.

    QRQG   document number|NAME|YYYY-MM-DD|0 or 1|QID|EXT                      Decision 1405/QD-BTTTT of 2021
    CCCD   12 digits|9 digits or empty|name|ddMMyyyy|sex|address|ddMMyyyy|...  citizen's card; newer ones add fields
    BHYT   card number|name, hexadecimal of UTF-8|dd/MM/yyyy or yyyy|...       health insurance

Public samples differ: the second field of a CCCD may be absent, dates come with and without separators, of an unknown
day or month there are zeros, and QRQG masks with `*`. Only what tells the holder is read; the rest is left where it is.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, assert_never

from verifier.documents.document import IDENTITY, Holder
from verifier.mrz import MASK, standard_name
from verifier.reasons import Reason, RefusedError

IdentityFormat = Literal["qrqg", "cccd", "bhyt"]

TEXT_MAX_CHARS = 2953  # what the largest QR code (version 40, L) holds in byte mode, ISO/IEC 18004
NAME_MAX_CHARS = 100  # ours: the longest name of a card is about 50
DIGITS_KEPT = 6  # ours: as many as a permit carries (LX1); no more of a document number is kept than is compared
YEARS = range(1850, 2101)  # ours: of anybody alive, whatever the clock says

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_QRQG_NUMBER = re.compile(r"[0-9A-Za-z*]{0,20}", re.ASCII)
_CITIZEN_NUMBER = re.compile(r"[0-9*]{12}", re.ASCII)
_OLD_NUMBER = re.compile(r"[0-9*]*", re.ASCII)
_HEX_NAME = re.compile(rf"([0-9A-Fa-f]{{2}}){{1,{4 * NAME_MAX_CHARS}}}", re.ASCII)  # UTF-8: at most 4 bytes a character
_DATES = (
    re.compile(r"(?P<y>[0-9]{4})[-/](?P<m>[0-9*]{1,2})[-/](?P<d>[0-9*]{1,2})", re.ASCII),
    re.compile(r"(?P<d>[0-9*]{1,2})[-/](?P<m>[0-9*]{1,2})[-/](?P<y>[0-9]{4})", re.ASCII),
    re.compile(r"(?P<d>[0-9*]{2})(?P<m>[0-9*]{2})(?P<y>[0-9]{4})", re.ASCII),
    re.compile(r"(?P<y>[0-9]{4})(?P<m>)(?P<d>)", re.ASCII),
)


@dataclass(frozen=True, slots=True)
class IdentityCode:
    """What an identity code says of its holder; a document that nobody vouches for."""

    format: IdentityFormat
    holder: Holder = field(repr=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the one kind of all of them."""
        return (IDENTITY,)

    @property
    def country(self) -> str:
        """Return Viet Nam: all three are its own."""
        return "VN"

    @property
    def payload(self) -> Mapping[str, Any]:
        """Return nothing: no rule is about an identity."""
        return _NOTHING


def parse(text: str, identity_format: IdentityFormat) -> IdentityCode:
    """Read a code that was recognised as of a format.

    Raises:
        RefusedError: BAD_PAYLOAD where it does not say who its holder is; nothing of the holder is in the detail.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(text)} characters; an identity code has {TEXT_MAX_CHARS} at most")
    fields = [field.strip() for field in text.split("|")]
    match identity_format:
        case "qrqg":
            number, name, born = _three(fields)
            number = _number(number, _QRQG_NUMBER)
        case "cccd":
            number, name, born = _three(_without_old_number(fields))
            number = _number(number, _CITIZEN_NUMBER)
        case "bhyt":
            _, hexadecimal, born = _three(fields)
            number, name = "", _name_from_hex(hexadecimal)  # an insurance number is no identity document's
        case _:
            assert_never(identity_format)
    return IdentityCode(identity_format, _holder(_name(name), _birth_date(born), number))


def _three(fields: list[str]) -> list[str]:
    if len(fields) < 3:  # noqa: PLR2004 - as many as the function's name says
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(fields)} fields; there must be number, name and date of birth")
    return fields[:3]


def _number(number: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(number) is None:
        raise RefusedError(Reason.BAD_PAYLOAD, "the document number is none")
    return number


def _without_old_number(fields: list[str]) -> list[str]:
    """Return a CCCD's fields without the number of the holder's older card, which many have and some do not."""
    return [fields[0], *fields[2:]] if len(fields) > 1 and _OLD_NUMBER.fullmatch(fields[1]) else fields


def _name_from_hex(hexadecimal: str) -> str:
    if _HEX_NAME.fullmatch(hexadecimal) is None:
        raise RefusedError(Reason.BAD_PAYLOAD, "the name is not hexadecimal, or too long")
    try:
        return bytes.fromhex(hexadecimal).decode()
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_PAYLOAD, "the name is not UTF-8") from None


def _name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text[: NAME_MAX_CHARS + 1]).split())
    if not any(char.isalpha() for char in name):
        raise RefusedError(Reason.BAD_PAYLOAD, "there is no name")
    if len(text) > NAME_MAX_CHARS or not name.isprintable():
        raise RefusedError(Reason.BAD_PAYLOAD, f"the name is not printable, or longer than {NAME_MAX_CHARS} characters")
    return name


def _birth_date(text: str) -> str:
    """Return a date of birth as ISO 8601, without what is not known of it."""
    for pattern in _DATES:
        if (found := pattern.fullmatch(text)) is not None:
            parts = [int(part) if part.isdigit() else 0 for part in found.group("y", "m", "d")]
            return _iso(*parts)
    raise RefusedError(Reason.BAD_PAYLOAD, "the date of birth is none")


def _iso(year: int, month: int, day: int) -> str:
    try:
        whole = date(year, month or 1, (day if month else 0) or 1)
    except ValueError:
        raise RefusedError(Reason.BAD_PAYLOAD, "the date of birth is not in the calendar") from None
    if whole.year not in YEARS:
        raise RefusedError(Reason.BAD_PAYLOAD, "the year of birth is nobody's")
    known = 1 + bool(month) + bool(month and day)
    return "-".join(whole.isoformat().split("-")[:known])


def _holder(name: str, birth_date: str, number: str) -> Holder:
    """Name the holder. A masked name has no standard form; of a number its last digits are kept as far as they show."""
    standard = standard_name(name)
    sure = not (standard.lost or standard.ambiguous)
    return Holder(
        given=name,
        given_standard=standard.text if sure else "",
        birth_date=birth_date,
        document_digits=number.rpartition(MASK)[2][-DIGITS_KEPT:].upper(),
    )
