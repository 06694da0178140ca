"""SMART Health Cards 1.x: a JWS in digits, its payload compressed, health data of FHIR in it.

    shc:/ + digits, two for each character of   base64url(header) . base64url(DEFLATE(claims)) . base64url(signature)

Cards in several codes (chunks) are deprecated since 1.3.0 and rare: named, not judged.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verifier import compression, jws, strict_json
from verifier.cwt import Claims
from verifier.documents import fhir
from verifier.documents.record import HealthRecord, record
from verifier.layers import Format, Layer, Revoking, Workings
from verifier.reasons import Reason, RefusedError
from verifier.revocation import shc_rid_hash
from verifier.steps import identify

PREFIX = "shc:/"
TEXT_MAX_CHARS = len(PREFIX) + 7089  # what the largest QR code (version 40, L) holds in numeric mode, ISO/IEC 18004
_CHUNK = re.compile(r"[0-9]{1,4}/[0-9]{1,4}/[0-9]*")
_OFFSET = 45  # "-", the lowest character of a JWS: SMART Health Cards, "Encoding Chunks as QR Codes"
_TENS = bytes.maketrans(b"0123456789", bytes(range(0, 100, 10)))
_ONES = bytes.maketrans(b"0123456789", bytes(range(_OFFSET, _OFFSET + 10)))
_HEALTH_CARD = "https://smarthealth.cards#health-card"
_FHIR_VERSION = "4."
_RID = re.compile(r"[A-Za-z0-9_-]{1,24}")  # SMART Health Cards 1.2.0, "Revocation"


def unprefixed(text: str) -> str:
    """Return the digits.

    Raises:
        RefusedError: UNSUPPORTED_KIND for any other text, UNSUPPORTED_VERSION for a part of a card, BAD_ENCODING for
            more than a QR code holds.
    """
    if not text.startswith(PREFIX):
        raise RefusedError(Reason.UNSUPPORTED_KIND, f"the text does not begin with {PREFIX}")
    if len(text) > TEXT_MAX_CHARS:
        raise RefusedError(Reason.BAD_ENCODING, f"{len(text)} characters; a QR code holds {TEXT_MAX_CHARS}")
    digits = text[len(PREFIX) :]
    if _CHUNK.fullmatch(digits):
        raise RefusedError(Reason.UNSUPPORTED_VERSION, "one of several codes of a card (chunked)")
    return digits


def characters(digits: str) -> str:
    """Return the text that pairs of digits stand for.

    Raises:
        RefusedError: BAD_ENCODING for anything but pairs of digits of ASCII characters.
    """
    if not (digits.isascii() and digits.isdigit()) or len(digits) % 2:
        raise RefusedError(Reason.BAD_ENCODING, "not pairs of digits")
    tens, ones = digits[::2].encode().translate(_TENS), digits[1::2].encode().translate(_ONES)
    # All sums at once, as of two long numbers: none is beyond a byte. One by one took as long as the signature check.
    total = int.from_bytes(tens) + int.from_bytes(ones)
    values = total.to_bytes(len(tens))
    if not values.isascii():
        raise RefusedError(Reason.BAD_ENCODING, "digits that stand for no character")
    return values.decode()


def claims(payload: bytes) -> Claims:
    """Read the claims of a signed payload, already inflated.

    Raises:
        RefusedError: BAD_ENCODING where it is no strict JSON, BAD_JWS where a claim is missing or of another type.
    """
    try:
        found = strict_json.decode(payload.decode())
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_ENCODING, "claims that are not UTF-8") from None
    if not isinstance(found, Mapping):
        raise RefusedError(Reason.BAD_JWS, "the claims are not an object")
    issuer, credential = found.get("iss"), found.get("vc")
    if not isinstance(issuer, str) or not isinstance(credential, Mapping):
        raise RefusedError(Reason.BAD_JWS, "no issuer or no credential in the claims")
    issued_s = _numeric_date(found, "nbf")
    if issued_s is None:
        raise RefusedError(Reason.BAD_JWS, "no nbf: nobody can say since when it holds")
    return Claims(issuer, issued_s, _numeric_date(found, "exp"), credential)


def _numeric_date(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(Reason.BAD_JWS, f"{name} is not a time")
    return value


def parse(found: Claims) -> HealthRecord:
    """Read the credential.

    Raises:
        RefusedError: UNSUPPORTED_KIND for what is no health card against COVID-19, UNSUPPORTED_VERSION for another FHIR
            than R4, BAD_PAYLOAD.
    """
    types, subject = found.content.get("type"), found.content.get("credentialSubject")
    if not isinstance(types, list) or _HEALTH_CARD not in types:
        raise RefusedError(Reason.UNSUPPORTED_KIND, "a credential that is no health card")
    if not isinstance(subject, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, "no subject in the credential")
    version, bundle = subject.get("fhirVersion"), subject.get("fhirBundle")
    if not isinstance(version, str) or not isinstance(bundle, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, "no bundle, or no version of it")
    if not version.startswith(_FHIR_VERSION):
        raise RefusedError(Reason.UNSUPPORTED_VERSION, "a version of FHIR other than R4 (4.0)")
    kind, holder, entry = fhir.read(bundle)
    return record("shc", kind, "", holder, {"is": found.issuer, **entry})


def _unprefix(workings: Workings) -> None:
    workings.encoded = unprefixed(workings.text)


def _characters(workings: Workings) -> None:
    workings.packed = characters(workings.encoded).encode()


def _open(workings: Workings) -> None:
    identify(workings, jws.decode(workings.packed.decode()))


def _inflate(workings: Workings) -> None:
    workings.content = compression.inflated(workings.message.payload, raw=True)


def _claims(workings: Workings) -> None:
    workings.claims = claims(workings.content)


def _card(workings: Workings) -> None:
    workings.document = parse(workings.claims)


def _scopes(workings: Workings) -> tuple[str, tuple[str, ...]]:
    return workings.claims.issuer, ()  # a card names no area


def _revoking(workings: Workings) -> Iterator[Revoking]:
    rid = workings.claims.content.get("rid")
    if isinstance(rid, str) and _RID.fullmatch(rid):
        yield "shc-rid", "revocation identifier", (shc_rid_hash(one) for one in (rid,))


FORMAT = Format(
    "shc",
    transport=(
        (Layer.UNPREFIX, (), _unprefix),
        (Layer.NUMERIC, ("encoded",), _characters),
        (Layer.JWS, ("packed",), _open),
    ),
    contents=(
        (Layer.COMPRESSION, ("message",), _inflate),
        (Layer.JSON, ("content",), _claims),
        (Layer.PAYLOAD, ("claims",), _card),
    ),
    scopes=_scopes,
    revoking=_revoking,
)
