"""Which kind of code a text is, by what it begins with; nothing is decoded and nothing is vouched for.

The signed formats have prefixes. Identity codes have none: they are told by their fields (QRQG's: Decision
1405/QD-BTTTT). Of what VNeID and the police's movement declaration put into their codes nothing is published, so a link
is told by its host, and a run of 32 or more characters of Base64 or hexadecimal, which no other kind is, counts as a
reference that only some service could resolve.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from verifier.documents.document import FormatName
from verifier.prefix import HC1, LX1

CodeKind = FormatName | Literal["online", "foreign", "unknown"]
"""A format that is read; what only an online service resolves; a scheme of another country; anything else."""

_SIGNED: tuple[tuple[str, FormatName], ...] = ((HC1, "hcert"), (LX1, "lx1"), ("shc:/", "shc"), ("NZCP:/", "nzcp"))
_FOREIGN = (
    (re.compile(r"NO1:"), "no1"),  # Norway, domestic
    (re.compile(r"LT1:"), "lt1"),  # Switzerland, certificate light
    (re.compile(r"HCFR1:"), "hcfr1"),  # France, activities
    (re.compile(r"EX1:"), "ex1"),  # France, exemption
    (re.compile(r"NL[0-9A-Z]:"), "nl"),  # Netherlands, domestic (CoronaCheck)
    (re.compile(r"DC0[0-9][0-9A-Z]{4}"), "2d-doc"),  # France, 2D-Doc: version, certification authority
    (re.compile(r"HKSARG\|"), "hksarg"),  # Hong Kong, vaccination and test records
    (re.compile(r"PK\x03\x04"), "divoc"),  # India, DIVOC: a zip archive of a JSON credential
)
_LINK = re.compile(r"https?://([^/?#\\\s]*)", re.IGNORECASE)
_HOSTS = (  # whole labels only: nangluongxanh.vn sells solar panels
    (re.compile(r"(.+\.)?luongxanh\..+"), "luong-xanh"),  # permits of 2021
    (re.compile(r"(.+\.)?dancuquocgia\.gov\.vn"), "movement-declaration"),
    (re.compile(r"(.+\.)?vneid\.gov\.vn"), "vneid"),
    (re.compile(r"(.+\.)?(tokhaiyte\.vn|pccovid\.gov\.vn)"), "venue"),
)
_HOST_MAX_CHARS = 253  # RFC 1035, section 2.3.4: a longer one is no host's
_OPAQUE = re.compile(
    r"(?!000201)[A-Za-z0-9+/=_.-]{32,2953}", re.ASCII
)  # 000201: a payment code (EMVCo); 2953: bytes in a QR
_ONLY_DIGITS = re.compile(r"[0-9.+-]+", re.ASCII)  # a product's number, never a reference

_CITIZEN_NUMBER = re.compile(r"[0-9*]{12}", re.ASCII)
_INSURANCE_CARD = re.compile(r"[A-Z]{2}[0-9*]{13}", re.ASCII)
_INSURED_PERSON = re.compile(r"[0-9]{10}", re.ASCII)  # newer codes: the person's number alone
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_QRQG_NUMBER = re.compile(r"[0-9A-Z*]{0,20}", re.ASCII)
_QRQG_KINDS = ("0", "1")
_QRQG_ID = re.compile(r"[0-9*]+", re.ASCII)
_QRQG_FIELDS_MIN = 5  # of six: the last is optional information
_FIELDS_SEEN = 6  # as many as tell the kinds apart


class Recognised(NamedTuple):
    """What a text was recognised as. `name` is a stable code: the kind's, the scheme's or the service's."""

    kind: CodeKind
    name: str


def recognise(text: str) -> Recognised:
    """Tell a text's kind. Linear in its length; no text at all raises."""
    return next((found for told_by in _IN_TURN if (found := told_by(text))), _UNKNOWN)


def _signed(text: str) -> Recognised | None:
    return next((Recognised(kind, kind) for prefix, kind in _SIGNED if text.startswith(prefix)), None)


def _vds_nc(text: str) -> Recognised | None:
    """Tell an ICAO VDS-NC: a JSON object with `data` and `sig` (ICAO, VDS-NC, section 2), whatever else it holds."""
    found = text.lstrip().startswith("{") and '"data"' in text and '"sig"' in text
    return Recognised("vds-nc", "vds-nc") if found else None


def _foreign(text: str) -> Recognised | None:
    return next((Recognised("foreign", name) for pattern, name in _FOREIGN if pattern.match(text)), None)


def _link(text: str) -> Recognised | None:
    link = _LINK.match(text.lstrip())
    return Recognised("online", _service(link[1])) if link else None


def _service(authority: str) -> str:
    """Return who answers a link, by its host: neither the user's name before `@` nor the port."""
    host = authority.rpartition("@")[2].partition(":")[0].lower()
    if len(host) <= _HOST_MAX_CHARS:
        for pattern, name in _HOSTS:
            if pattern.fullmatch(host):
                return name
    return "link"


def _identity(text: str) -> Recognised | None:
    found = _identity_format(text)
    return Recognised(found, found) if found else None


def _identity_format(text: str) -> FormatName | None:
    """Tell an identity code by its fields; whether they are well formed, `verifier.documents.identity` says."""
    # Spaces go first: patterns that skip them on both sides take quadratic time for a run of nothing else.
    first, *others = (field.strip() for field in text.split("|", _FIELDS_SEEN))
    if not others:
        return None
    if _INSURANCE_CARD.fullmatch(first) or (_INSURED_PERSON.fullmatch(first) and _HEXADECIMAL.fullmatch(others[0])):
        return "bhyt"
    if _QRQG_NUMBER.fullmatch(first) and _has_qrqg_fields(others):
        return "qrqg"
    return "cccd" if _CITIZEN_NUMBER.fullmatch(first) else None


def _has_qrqg_fields(others: list[str]) -> bool:
    if len(others) < _QRQG_FIELDS_MIN - 1:
        return False
    return others[2] in _QRQG_KINDS and _QRQG_ID.fullmatch(others[3]) is not None


def _opaque(text: str) -> Recognised | None:
    found = _OPAQUE.fullmatch(text) and not _ONLY_DIGITS.fullmatch(text)
    return Recognised("online", "opaque") if found else None


_IN_TURN: tuple[Callable[[str], Recognised | None], ...] = (_signed, _vds_nc, _foreign, _link, _identity, _opaque)
_UNKNOWN = Recognised("unknown", "unknown")
