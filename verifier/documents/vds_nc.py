"""ICAO VDS-NC 1.x: a JSON seal over a proof of vaccination or of testing, with its signer's certificate inside.

    {"data": {"hdr": {"t", "v", "is"}, "msg": {...}}, "sig": {"alg", "cer", "sigvl"}}

Signed is the canonical JSON (RFC 8785) of `data`; `cer` and `sigvl` are base64url. A seal has no end of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from verifier import base64url, canonical_json, strict_json
from verifier.barcode_signer import kid_of, signers_of
from verifier.cose import ES256, Kid
from verifier.countries import alpha_2
from verifier.cwt import Claims
from verifier.documents.document import FormatName, Holder
from verifier.documents.record import HealthRecord, RecordKind, record
from verifier.documents.vaccines import (
    BY_ICD_11,
    DETECTED,
    NOT_DETECTED,
    NUCLEIC_ACID,
    RAPID_ANTIGEN,
    UNKNOWN_VACCINE,
    Vaccine,
    by_brand,
)
from verifier.layers import Format, Layer, Revoking, Workings
from verifier.prefix import TEXT_MAX_CHARS
from verifier.reasons import Reason, RefusedError
from verifier.revocation import country_uci_hash, uci_hash
from verifier.signatures import ES384, ES512
from verifier.steps import identify
from verifier.trust import Signer
from verifier.trust_list import TrustList

VERSION = 1
EVENTS_MAX = 32  # ours: vaccines, and doses of each
DIGITS_KEPT = 6  # ours: as many as a permit carries (LX1); no more of a document number is kept than is compared
_ALGORITHMS = {"ES256": ES256, "ES384": ES384, "ES512": ES512}
_COVID_19 = "RA01"  # ICD-11, with what is behind a point
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEQUENCE = re.compile(r"[0-9]{1,2}")
_METHODS = {"molecular(PCR)": NUCLEIC_ACID, "antigen": RAPID_ANTIGEN}
_ANTIBODY = "antibody"
_RESULTS = {"negative": NOT_DETECTED, "positive": DETECTED}  # what normal and abnormal stand for, nothing says
_PARTS = re.compile(r"  |<<")  # Doc 9303, part 3: between primary and secondary identifier

_Map = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal with its certificate, not yet verified.

    Attributes:
        alg: COSE's number of the algorithm.
        kid: By what the certificate is called here.
        payload: The signed bytes: `data` in canonical form.
        signature: r and s.
        certificate: DER.
    """

    alg: int
    kid: Kid
    payload: bytes
    signature: bytes
    certificate: bytes

    kid_signed: ClassVar[bool] = False  # one key may have two certificates, and either may stand here

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return self.payload


def decode(text: str) -> Seal:
    """Take a seal apart.

    Raises:
        RefusedError: BAD_ENCODING for anything but strict JSON of that form.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise RefusedError(Reason.BAD_ENCODING, f"{len(text)} characters; a QR code holds {TEXT_MAX_CHARS}")
    found = _map(strict_json.decode(text))
    data, sealed = found.get("data"), _map(found.get("sig"))
    alg, certificate, signature = (sealed.get(name) for name in ("alg", "cer", "sigvl"))
    if not isinstance(data, Mapping) or not isinstance(certificate, str) or not isinstance(signature, str):
        raise RefusedError(Reason.BAD_ENCODING, "no data, certificate or signature")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise RefusedError(Reason.BAD_ENCODING, f"alg is none of {', '.join(_ALGORITHMS)}")
    der = base64url.decode(certificate, padded=True)
    return Seal(
        _ALGORITHMS[alg], kid_of(der), canonical_json.encode(data), base64url.decode(signature, padded=True), der
    )


def claims(payload: bytes) -> Claims:
    """Read a signed payload; the issuer is the state, as travel documents name it.

    Raises:
        RefusedError: BAD_PAYLOAD, UNSUPPORTED_VERSION for a later version, UNSUPPORTED_KIND for another type.
    """
    data = _map(strict_json.decode(payload.decode()))
    header, message = _map(data.get("hdr")), data.get("msg")
    state, version, type_ = (header.get(name) for name in ("is", "v", "t"))
    if not isinstance(state, str) or not isinstance(message, Mapping) or not isinstance(type_, str):
        raise RefusedError(Reason.BAD_PAYLOAD, "no issuing state, type or message")
    if type(version) is not int or version != VERSION:
        raise RefusedError(Reason.UNSUPPORTED_VERSION, f"a version other than {VERSION}")
    if type_ not in _TYPES:
        raise RefusedError(Reason.UNSUPPORTED_KIND, "neither a proof of vaccination nor of testing")
    return Claims(state, None, None, data)


def parse(found: Claims) -> HealthRecord:
    """Read the message.

    Raises:
        RefusedError: BAD_PAYLOAD; UNSUPPORTED_KIND where nothing in it is about COVID-19, or only antibodies.
    """
    kind, read = _TYPES[found.content["hdr"]["t"]]
    message = found.content["msg"]
    return record("vds-nc", kind, alpha_2(found.issuer), _holder(_map(message.get("pid"))), read(message))


def _vaccination(message: _Map) -> dict[str, Any]:
    doses = sorted(_doses(message), key=_when)
    if not doses:
        raise RefusedError(Reason.UNSUPPORTED_KIND, "no vaccination against COVID-19 with a date")
    date, dose, vaccine = doses[-1]
    said = {"dn": _sequence(dose.get("seq")), "dt": date, "co": alpha_2(_text(dose, "ctr"))}
    return {"ci": _text(message, "uvci"), **vaccine.fields(), **said}


def _doses(message: _Map) -> Iterator[tuple[str, _Map, Vaccine]]:
    for event in _maps(message.get("ve")):
        vaccine = _vaccine(event)
        for dose in _maps(event.get("vd")):
            if vaccine is not None and _DATE.fullmatch(_text(dose, "dvc")):
                yield _text(dose, "dvc"), dose, vaccine


def _when(dose: tuple[str, _Map, Vaccine]) -> str:
    return dose[0]


def _vaccine(event: _Map) -> Vaccine | None:
    """Return the vaccine of an event, None where it is not known to be against COVID-19."""
    disease, coded = _text(event, "dis"), BY_ICD_11.get(_text(event, "des"))
    if disease and disease.partition(".")[0] != _COVID_19:
        return None
    if not disease and coded is None:
        return None
    if coded is None or coded == UNKNOWN_VACCINE:
        return by_brand(_text(event, "nam")) or UNKNOWN_VACCINE
    return coded


def _sequence(value: Any) -> int | None:  # noqa: ANN401 - JSON holds anything
    """Return the dose's number, which versions of the specification write as a number or as a text."""
    return int(str(value)) if type(value) in {int, str} and _SEQUENCE.fullmatch(str(value)) else None


def _test(message: _Map) -> dict[str, Any]:
    conducted, facility = _map(message.get("tr")), _map(message.get("sp"))
    if _text(conducted, "tc") == _ANTIBODY:
        raise RefusedError(Reason.UNSUPPORTED_KIND, "a test for antibodies, which says nothing of an infection now")
    return {
        "ci": _text(message, "utci"),
        "tt": _METHODS.get(_text(conducted, "tc"), ""),
        "tr": _RESULTS.get(_text(conducted, "r").lower(), ""),
        "sc": _text(_map(message.get("dat")), "sc"),  # ri is when the report was issued, which may be months later
        "tc": _text(facility, "spn"),
        "co": alpha_2(_text(facility, "ctr")),
    }


_TYPES: Mapping[str, tuple[RecordKind, Callable[[_Map], dict[str, Any]]]] = {
    "icao.vacc": ("vaccination", _vaccination),
    "icao.test": ("test", _test),
}


def _holder(person: _Map) -> Holder:
    """Return whom a seal names: in two parts where two spaces or fillers are between, else in one."""
    first, *others = (part.replace("<", " ").strip() for part in _PARTS.split(_text(person, "n"), maxsplit=1))
    family, given = (first, others[0]) if others else ("", first)
    number = _text(person, "i") or _text(person, "dn")
    return Holder(family, given, birth_date=_text(person, "dob"), document_digits=number[-DIGITS_KEPT:])


def _map(value: Any) -> _Map:  # noqa: ANN401 - JSON holds anything
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[_Map]:  # noqa: ANN401 - JSON holds anything
    if not isinstance(value, list):
        return []
    if len(value) > EVENTS_MAX:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(value)} events or doses; at most {EVENTS_MAX}")
    return [one for one in value if isinstance(one, Mapping)]


def _text(fields: _Map, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _open(workings: Workings) -> None:
    identify(workings, decode(workings.text))


def _seal_of(workings: Workings) -> Seal:
    return cast(Seal, workings.message)  # as this format's transport made it


def _signers(trust: TrustList, format_: FormatName, workings: Workings) -> tuple[Signer, ...]:
    return signers_of(_seal_of(workings).certificate, trust.of_format(format_))


def _claims(workings: Workings) -> None:
    workings.claims = claims(workings.message.payload)
    workings.document = parse(workings.claims)


def _scopes(workings: Workings) -> tuple[str, tuple[str, ...]]:
    state = workings.claims.issuer
    return state, (alpha_2(state) or state,)  # a state that is not known is in nobody's area


def _revoking(workings: Workings) -> Iterator[Revoking]:
    message = workings.claims.content["msg"]
    identifiers = [uci for uci in (_text(message, "uvci"), _text(message, "utci")) if uci]
    states = dict.fromkeys((workings.claims.issuer, workings.document.country))
    yield "uci", "identifier", (uci_hash(uci) for uci in identifiers)
    named = (country_uci_hash(state, uci) for state in states if state for uci in identifiers)
    yield "country-uci", "country and identifier", named


FORMAT = Format(
    "vds-nc",
    transport=((Layer.JSON, (), _open),),
    contents=((Layer.PAYLOAD, ("message",), _claims),),
    scopes=_scopes,
    revoking=_revoking,
    signers=_signers,
)
