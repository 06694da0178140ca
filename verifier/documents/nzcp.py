"""NZ COVID Pass, technical specification 1: a CWT in base32, with a verifiable credential of who may pass.

    NZCP:/1/ + base32( COSE_Sign1( CWT ) )          the key of a did:web document, by the name behind its #

It says that its holder was vaccinated, or was exempted; nothing of doses or dates.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from verifier import base32, cwt
from verifier.cwt import Claims
from verifier.documents.document import Holder
from verifier.documents.record import HealthRecord, record
from verifier.layers import Format, Layer, Revoking, Workings
from verifier.prefix import TEXT_MAX_CHARS
from verifier.reasons import Reason, RefusedError
from verifier.revocation import uci_hash
from verifier.steps import open_sign1

PREFIX = "NZCP:/"
COUNTRY = "NZ"
_VERSION = "1"
_VERSIONED = re.compile(r"([0-9]{1,3})/(.*)", re.DOTALL)
_CREDENTIAL = "vc"  # the claim's name: it has no number
_CONTEXTS = ["https://www.w3.org/2018/credentials/v1", "https://nzcp.covid19.health.nz/contexts/v1"]
_TYPES = frozenset({"VerifiableCredential", "PublicCovidPass"})
_PASS_VERSION = re.compile(r"([0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}")
_DID_WEB = "did:web:"
_UUID_BYTES = 16


def unprefixed(text: str) -> str:
    """Return the base32 part.

    Raises:
        RefusedError: UNSUPPORTED_KIND for any other text, UNSUPPORTED_VERSION, BAD_ENCODING for more than a QR code
            holds, or without a version.
    """
    if not text.startswith(PREFIX):
        raise RefusedError(Reason.UNSUPPORTED_KIND, f"the text does not begin with {PREFIX}")
    if len(text) > TEXT_MAX_CHARS:
        raise RefusedError(Reason.BAD_ENCODING, f"{len(text)} characters; a QR code holds {TEXT_MAX_CHARS}")
    found = _VERSIONED.fullmatch(text[len(PREFIX) :])
    if found is None:
        raise RefusedError(Reason.BAD_ENCODING, "no version behind the prefix")
    if found[1] != _VERSION:
        raise RefusedError(Reason.UNSUPPORTED_VERSION, f"version {found[1]}; {_VERSION} is known")
    return found[2]


def claims(payload: bytes) -> Claims:
    """Read the claims of a signed payload.

    Raises:
        RefusedError: BAD_CWT for anything but a map with issuer (did:web), times, identifier and credential.
    """
    found = cwt.decode(payload, _CREDENTIAL)
    if found.issued_s is None:
        raise RefusedError(Reason.BAD_CWT, "no time from which it holds")
    if not found.issuer.startswith(_DID_WEB):
        raise RefusedError(Reason.BAD_CWT, f"the issuer is no {_DID_WEB}")
    if len(found.identifier) != _UUID_BYTES:
        raise RefusedError(Reason.BAD_CWT, f"the identifier is not {_UUID_BYTES} bytes")
    return found


def parse(found: Claims) -> HealthRecord:
    """Read the credential.

    Raises:
        RefusedError: UNSUPPORTED_KIND for another credential, UNSUPPORTED_VERSION for one of a later major version,
            BAD_PAYLOAD.
    """
    credential = found.content
    _check_type(credential)
    subject = credential.get("credentialSubject")
    if not isinstance(subject, Mapping):
        raise RefusedError(Reason.BAD_PAYLOAD, "no subject in the credential")
    holder = Holder(
        family=_name(subject, "familyName"),
        given=_name(subject, "givenName"),
        birth_date=_birth_date(subject.get("dob")),
    )
    if not holder.given:
        raise RefusedError(Reason.BAD_PAYLOAD, "givenName is missing")
    return record("nzcp", "vaccination", COUNTRY, holder, {"co": COUNTRY, "is": found.issuer, "ci": identifier(found)})


def identifier(found: Claims) -> str:
    """Return the pass's identifier as the specification writes it (`jti`)."""
    return uuid.UUID(bytes=found.identifier).urn


def _check_type(credential: Mapping[Any, Any]) -> None:
    contexts, types, version = (credential.get(name) for name in ("@context", "type", "version"))
    if not isinstance(contexts, list | tuple) or list(contexts[:2]) != _CONTEXTS:
        raise RefusedError(Reason.UNSUPPORTED_KIND, "a credential in another context than NZ COVID Pass")
    if not isinstance(types, list | tuple) or any(name not in types for name in _TYPES):
        raise RefusedError(Reason.UNSUPPORTED_KIND, "a credential that is no PublicCovidPass")
    numbers = _PASS_VERSION.fullmatch(version) if isinstance(version, str) else None
    if numbers is None:
        raise RefusedError(Reason.BAD_PAYLOAD, "version is none")
    if numbers[1] != _VERSION:
        raise RefusedError(Reason.UNSUPPORTED_VERSION, f"pass version {numbers[0]}; 1.x is known")


def _name(subject: Mapping[Any, Any], field: str) -> str:
    name = subject.get(field, "")
    if not isinstance(name, str):
        raise RefusedError(Reason.BAD_PAYLOAD, f"{field} is not a text")
    return name.strip()


def _birth_date(born: Any) -> str:  # noqa: ANN401 - CBOR holds anything
    try:
        return date.fromisoformat(born).isoformat()
    except (TypeError, ValueError):
        raise RefusedError(Reason.BAD_PAYLOAD, "dob is not a date") from None


def _unprefix(workings: Workings) -> None:
    workings.encoded = unprefixed(workings.text)


def _base32(workings: Workings) -> None:
    workings.content = base32.decode(workings.encoded)


def _claims(workings: Workings) -> None:
    workings.claims = claims(workings.message.payload)


def _pass(workings: Workings) -> None:
    workings.document = parse(workings.claims)


def _scopes(workings: Workings) -> tuple[str, tuple[str, ...]]:
    return workings.claims.issuer, (COUNTRY,)


def _revoking(workings: Workings) -> Iterator[Revoking]:
    yield "uci", "identifier", (uci_hash(identifier(found)) for found in (workings.claims,))


FORMAT = Format(
    "nzcp",
    transport=(
        (Layer.UNPREFIX, (), _unprefix),
        (Layer.BASE32, ("encoded",), _base32),
        (Layer.COSE, ("content",), open_sign1),
    ),
    contents=(
        (Layer.CWT, ("message",), _claims),
        (Layer.PAYLOAD, ("claims",), _pass),
    ),
    scopes=_scopes,
    revoking=_revoking,
)
