"""The EU digital COVID certificate (Electronic Health Certificates 1.0.5; ehn-dcc-schema 1.0.0 to 1.3.3).

    HC1: + Base45( zlib( COSE_Sign1( CWT with the claim -260 )))

Real issuers pad texts, write null for what is empty, send counts as floats and dates in part or with a time, so this
reads what can be read; only that there is exactly one entry is not negotiable.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NewType, cast

from verifier import compression, cwt
from verifier.documents.document import FormatName, Holder
from verifier.layers import Format, Layer, Revoking, Workings
from verifier.prefix import unprefixed
from verifier.reasons import Reason, RefusedError
from verifier.revocation import hcert_hashes
from verifier.steps import decode_base45, open_sign1

Uci = NewType("Uci", str)
"""Unique certificate identifier, as the issuer wrote it; never logged and never stored."""

_CLAIM = -260  # Electronic Health Certificates 1.0.5, section 3.3.1
_PAYLOAD_KEY = 1  # the only version of the claim -260 in use (Electronic Health Certificates 1.0.5, section 3.3.1)
_VERSION = re.compile(r"(\d{1,3})\.\d{1,3}\.\d{1,3}", re.ASCII)
_MAJOR = "1"
_COUNT_MAX = 10_000  # ours: doses are counted in single digits


@dataclass(frozen=True, slots=True)
class Name:
    """The holder's names; `*_standard` as in the machine-readable zone (ICAO Doc 9303). Empty where missing."""

    family: str
    given: str
    family_standard: str
    given_standard: str


@dataclass(frozen=True, slots=True)
class Vaccination:
    """One dose given. Codes are those of the EU value sets; `date` is ISO 8601, possibly in part.

    `country` and `uci` of every entry are as the issuer wrote them, spaces and all.
    """

    disease: str
    country: str
    issuer: str
    uci: Uci
    prophylaxis: str
    product: str
    manufacturer: str
    dose: int | None
    doses_in_series: int | None
    date: str

    kind = "vaccination"


@dataclass(frozen=True, slots=True)
class Test:
    """One test. `sampled_at` and `result_at` are ISO 8601 as the issuer wrote them; `result` is a SNOMED code."""

    __test__ = False  # the field's own word, not a test case for pytest

    disease: str
    country: str
    issuer: str
    uci: Uci
    method: str
    name: str
    device: str
    sampled_at: str
    result_at: str
    result: str
    centre: str

    kind = "test"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery, with the first positive test's date and the days between which the statement holds."""

    disease: str
    country: str
    issuer: str
    uci: Uci
    first_positive: str
    valid_from: str
    valid_until: str

    kind = "recovery"


Entry = Vaccination | Test | Recovery


@dataclass(frozen=True, slots=True)
class HealthCertificate:
    """A health certificate: who, and the one entry about them; `payload` is what was signed, as rules see it."""

    version: str
    name: Name
    date_of_birth: str
    entry: Entry
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def format(self) -> FormatName:
        """Return its format."""
        return "hcert"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of documents in it."""
        return (self.entry.kind,)

    @property
    def country(self) -> str:
        """Return the issuing country of its entry."""
        return self.entry.country.strip().upper()

    @property
    def holder(self) -> Holder:
        """Return whom it names."""
        name = self.name
        return Holder(name.family, name.given, name.family_standard, name.given_standard, self.date_of_birth)


def parse(hcert: Mapping[Any, Any]) -> HealthCertificate:
    """Read the claim -260 of a token.

    Raises:
        RefusedError: BAD_PAYLOAD where the structure is not that of a certificate with exactly one entry,
            UNSUPPORTED_VERSION for a schema after 1.x.
    """
    body = hcert.get(_PAYLOAD_KEY)
    if not isinstance(body, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, "the certificate is not a map")
    version = _version(body)
    key, fields = _single_entry(body)
    name = body.get("nam")
    if name is None:
        name = {}
    if not isinstance(name, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, "nam is not a map")
    return HealthCertificate(version, _name(name), _text(body, "dob"), _ENTRIES[key](fields), body)


def _version(body: Mapping[Any, Any]) -> str:
    version = _text(body, "ver")
    match = _VERSION.fullmatch(version)
    if match is None:
        raise RefusedError(Reason.BAD_PAYLOAD, "ver is not a version")
    if match[1] != _MAJOR:
        raise RefusedError(Reason.UNSUPPORTED_VERSION, f"schema version {version}; 1.x is known")
    return version


def _single_entry(body: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]]:
    found: list[tuple[str, Any]] = []
    for key in _ENTRIES:
        group = body.get(key)
        if group is None:
            continue
        if not isinstance(group, list | tuple):
            raise RefusedError(Reason.BAD_PAYLOAD, f"{key} is not an array")
        found += [(key, fields) for fields in group]
    if len(found) != 1:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(found)} entries where there must be exactly one")
    key, fields = found[0]
    if not isinstance(fields, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, f"the entry in {key} is not a map")
    if not fields:  # which rules would take for none, and let pass what they say of such entries
        raise RefusedError(Reason.BAD_PAYLOAD, f"the entry in {key} is empty")
    return key, fields


def _name(name: Mapping[Any, Any]) -> Name:
    return Name(_text(name, "fn"), _text(name, "gn"), _text(name, "fnt"), _text(name, "gnt"))


def _vaccination(entry: Mapping[Any, Any]) -> Vaccination:
    return Vaccination(
        _text(entry, "tg"),
        _raw(entry, "co"),
        _text(entry, "is"),
        Uci(_raw(entry, "ci")),
        _text(entry, "vp"),
        _text(entry, "mp"),
        _text(entry, "ma"),
        _count(entry, "dn"),
        _count(entry, "sd"),
        _text(entry, "dt"),
    )


def _test(entry: Mapping[Any, Any]) -> Test:
    return Test(
        _text(entry, "tg"),
        _raw(entry, "co"),
        _text(entry, "is"),
        Uci(_raw(entry, "ci")),
        _text(entry, "tt"),
        _text(entry, "nm"),
        _text(entry, "ma"),
        _text(entry, "sc"),
        _text(entry, "dr"),
        _text(entry, "tr"),
        _text(entry, "tc"),
    )


def _recovery(entry: Mapping[Any, Any]) -> Recovery:
    return Recovery(
        _text(entry, "tg"),
        _raw(entry, "co"),
        _text(entry, "is"),
        Uci(_raw(entry, "ci")),
        _text(entry, "fr"),
        _text(entry, "df"),
        _text(entry, "du"),
    )


_ENTRIES: dict[str, Callable[[Mapping[Any, Any]], Entry]] = {"v": _vaccination, "t": _test, "r": _recovery}


def _text(fields: Mapping[Any, Any], key: str) -> str:
    return _raw(fields, key).strip()


def _raw(fields: Mapping[Any, Any], key: str) -> str:
    """Return a text with the spaces that its issuer left in it: revocation hashes may cover them."""
    value = fields.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise RefusedError(Reason.BAD_PAYLOAD, f"{key} is not a text")


def _count(fields: Mapping[Any, Any], key: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _COUNT_MAX:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{key} is not a count")
    if value != int(value):
        raise RefusedError(Reason.BAD_PAYLOAD, f"{key} is not a whole number")
    return int(value)


def _unprefix(workings: Workings) -> None:
    workings.encoded = unprefixed(workings.text)


def _inflate(workings: Workings) -> None:
    workings.content = compression.inflated(workings.packed)


def _claims(workings: Workings) -> None:
    workings.claims = cwt.decode(workings.message.payload, _CLAIM)


def _certificate(workings: Workings) -> None:
    workings.document = parse(workings.claims.content)


def _scopes(workings: Workings) -> tuple[str, tuple[str, ...]]:
    return workings.claims.issuer.strip(), (workings.document.country,)


def _revoking(workings: Workings) -> Iterator[Revoking]:
    entry = cast(HealthCertificate, workings.document).entry  # as this format reads it
    return hcert_hashes(entry.country, entry.uci, workings.claims.issuer, workings.sign1)


FORMAT = Format(
    "hcert",
    transport=(
        (Layer.UNPREFIX, (), _unprefix),
        (Layer.BASE45, ("encoded",), decode_base45),
        (Layer.COMPRESSION, ("packed",), _inflate),
        (Layer.COSE, ("content",), open_sign1),
    ),
    contents=(
        (Layer.CWT, ("message",), _claims),
        (Layer.PAYLOAD, ("claims",), _certificate),
    ),
    scopes=_scopes,
    revoking=_revoking,
)
