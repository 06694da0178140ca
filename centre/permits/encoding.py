"""LX1 permits as text and back (docs/formats/lx1.md): CWT claims in a COSE_Sign1, Base45 behind `LX1:` (pure)."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

import cbor2

from verifier import base45
from verifier.cbor import COSE_SIGN1_TAG
from verifier.cose import EDDSA, Kid
from verifier.documents import lx1
from verifier.prefix import LX1
from verifier.reasons import RefusedError

Kind = Literal["vehicle", "travel", "declaration", "test"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""By the number in field 0."""
TEXT_MAX_CHARS = 4296  # the largest QR code's in alphanumeric mode (ISO/IEC 18004, table 7)

_ISSUER, _EXPIRES, _NOT_BEFORE, _ISSUED, _IDENTIFIER, _PERMIT = 1, 4, 5, 6, 7, -65537  # RFC 8392, section 4, and ours
_KIND = 0
_ALG, _KID = 1, 4  # RFC 9052, section 3.1


class PermitTextError(ValueError):
    """A text that is no permit: what is wrong, on one line, without anything of it."""


class Times(NamedTuple):
    """When a permit was made, from when and until when it holds; whole seconds, UTC."""

    issued_at: datetime
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A permit before it is signed.

    Attributes:
        identifier: 16 random bytes; what revocation lists carry is their hash.
        kind: Of document.
        issuer: An ISO 3166-2 code or the organisation's name in the list of signers.
        times: Its times.
        content: The claim's map but for the kind, by the numbers of docs/formats/lx1.md.
    """

    identifier: bytes
    kind: Kind
    issuer: str
    times: Times
    content: Mapping[int, Any]


class Read(NamedTuple):
    """What a permit's text says, whoever signed it; times in UTC."""

    identifier: bytes
    kid: Kid
    begins: datetime
    ends: datetime
    document: lx1.Permit


def encode(permit: Unsigned, kid: Kid, sign: Callable[[bytes], bytes]) -> str:
    """Return a permit's text, signed with Ed25519: the same permit gives the same text."""
    protected = cbor2.dumps({_ALG: EDDSA, _KID: kid}, canonical=True)
    payload = cbor2.dumps(_claims(permit), canonical=True)
    signature = sign(cbor2.dumps(["Signature1", protected, b"", payload]))  # RFC 9052, section 4.4
    plain = cbor2.dumps(cbor2.CBORTag(COSE_SIGN1_TAG, [protected, {}, payload, signature]), canonical=True)
    return LX1 + base45.encode(min(plain, zlib.compress(plain, zlib.Z_BEST_COMPRESSION), key=len))


def decode(text: str) -> Read:
    """Return what a text says.

    Raises: PermitTextError.
    """
    line = text.strip()
    if not line.startswith(LX1) or len(line) > TEXT_MAX_CHARS:
        raise PermitTextError(f"no permit's text: it begins with {LX1} and has at most {TEXT_MAX_CHARS} characters")
    try:
        message = lx1.message(lx1.cose_bytes(base45.decode(line.removeprefix(LX1))))
        claims = lx1.claims(message.payload)
        document = lx1.parse(claims)
    except RefusedError as error:
        raise PermitTextError(f"no permit's text: {error.detail}: take what permit issue wrote, whole") from None
    begins, ends = (datetime.fromtimestamp(seconds or 0, UTC) for seconds in (claims.issued_s, claims.expires_s))
    return Read(claims.identifier, message.kid or Kid(b""), begins, ends, document)


def _claims(permit: Unsigned) -> dict[int, Any]:
    issued_at, begins, ends = permit.times
    claims: dict[int, Any] = {
        _ISSUER: permit.issuer,
        _EXPIRES: _seconds(ends),
        _ISSUED: _seconds(issued_at),
        _IDENTIFIER: permit.identifier,
        _PERMIT: {_KIND: KINDS.index(permit.kind), **permit.content},
    }
    return claims | ({_NOT_BEFORE: _seconds(begins)} if begins > issued_at else {})


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
