"""JSON Web Signatures in compact form (RFC 7515, section 3.1), as SMART Health Cards use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from verifier import base64url, strict_json
from verifier.cose import ES256, Kid
from verifier.reasons import Reason, RefusedError

HEADER_MAX_CHARS = 1024  # ours: alg, zip and kid take 110
KID_BYTES = 32  # SMART Health Cards: the SHA-256 thumbprint of the key (RFC 7638)
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Jws:
    """A signature with its header, not yet verified.

    Attributes:
        alg: COSE's number for ES256, the only algorithm of these cards (RFC 9053).
        kid: The thumbprint of the signer's key.
        payload: The signed bytes, compressed.
        signature: r and s, 32 bytes each.
        signed: Header and payload as they were signed.
    """

    alg: int
    kid: Kid
    payload: bytes
    signature: bytes
    signed: bytes

    kid_signed: ClassVar[bool] = True  # a JWS in compact form has no other header than the protected one

    def signed_bytes(self) -> bytes:
        """Return the JWS signing input (RFC 7515, section 5.1)."""
        return self.signed


def decode(text: str) -> Jws:
    """Take a compact JWS apart.

    Raises:
        RefusedError: BAD_JWS for another structure or header, BAD_ENCODING where base64url or JSON are not strict.
    """
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise RefusedError(Reason.BAD_JWS, "not three parts between points")
    header, payload, signature = parts
    kid = _kid(_header(header))
    signed = f"{header}.{payload}".encode()
    return Jws(ES256, kid, base64url.decode(payload), base64url.decode(signature), signed)


def _header(text: str) -> Mapping[str, Any]:
    if len(text) > HEADER_MAX_CHARS:
        raise RefusedError(Reason.BAD_JWS, f"a header of more than {HEADER_MAX_CHARS} characters")
    try:
        header = strict_json.decode(base64url.decode(text).decode())
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_ENCODING, "a header that is not UTF-8") from None
    if not isinstance(header, Mapping):
        raise RefusedError(Reason.BAD_JWS, "the header is not an object")
    if "crit" in header:
        raise RefusedError(Reason.BAD_JWS, "a critical header parameter, which is not known")  # RFC 7515, 4.1.11
    if header.get("alg") != "ES256":  # nothing else may sign, least of all none
        raise RefusedError(Reason.BAD_JWS, "alg is not ES256")
    if header.get("zip") != "DEF":
        raise RefusedError(Reason.BAD_JWS, "zip is not DEF")
    return header


def _kid(header: Mapping[str, Any]) -> Kid:
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise RefusedError(Reason.BAD_JWS, "no kid in the header")
    decoded = base64url.decode(kid)
    if len(decoded) != KID_BYTES:
        raise RefusedError(Reason.BAD_JWS, f"a kid of {len(decoded)} bytes; a thumbprint has {KID_BYTES}")
    return Kid(decoded)
