"""Signers from JSON Web Keys (RFC 7517): an issuer's set of a SMART Health Card; also the key in a DID document."""

import base64
import hashlib
import re
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm

from centre.trust.importing import TrustImportError, decode_json, shown
from centre.trust.signer_entries import Found, Scope
from verifier import base64url
from verifier.signers import Jwk, SignerEntry, jwk_of
from verifier.trust import TrustListError, load_certificate

KEYS_MAX = 10_000  # ours: an issuer has a handful
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518, sections 6.2.2, 6.3.2, 6.4
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes
_THUMBPRINT = '{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


def jwk_set(data: bytes, scope: Scope) -> Found:
    """Return the signers of an issuer's set; keys that sign no health cards are left out.

    Raises: TrustImportError where it is no set, has a private key in it, or nobody said whose it is.
    """
    keys = decode_json(data, _Set, "no JWK set").keys
    if len(keys) > KEYS_MAX:
        raise TrustImportError(f"over {KEYS_MAX} keys: is it the right file?")
    for key in keys:
        refuse_private(key)
    if len(scope.issuers) != 1:
        raise TrustImportError("a JWK set does not say whose it is: give one --issuer, the URL before /.well-known")
    source = f"JWK set of {scope.issuers[0]}"
    entries: list[SignerEntry] = []
    left_out: list[str] = []
    for number, key in enumerate(keys, start=1):
        try:
            entries.append(_of_set(key, scope, source))
        except TrustImportError as error:
            left_out.append(f"key {number}: {error}")
    return Found(tuple(dict.fromkeys(entries)), source, tuple(left_out))


def refuse_private(key: dict[str, Any]) -> None:
    """Refuse a file with a private key in it, loudly: whoever published it gave it away.

    Raises: TrustImportError.
    """
    if private := sorted(_PRIVATE & key.keys()):
        what = f"a PRIVATE key is in it (member {', '.join(private)})"
        raise TrustImportError(f"{what}: nothing is taken; tell its issuer that this key is known to others")


def public_jwk(key: dict[str, Any]) -> Jwk:
    """Return the public members of a P-256 key, checked.

    Raises: TrustImportError.
    """
    if (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise TrustImportError("no EC key on P-256: it signs none of these passes")
    if key.get("use", "sig") != "sig" or key.get("alg", "ES256") != "ES256":
        raise TrustImportError("its use or alg is not that of ES256 signatures")
    if not all(_is_canonical(key.get(name)) for name in ("x", "y")):
        raise TrustImportError("its x or y is not 32 bytes in base64url")
    try:
        return jwk_of(key)
    except TrustListError as error:
        raise TrustImportError(shown(error)) from None


def _of_set(key: dict[str, Any], scope: Scope, source: str) -> SignerEntry:
    jwk = public_jwk(key)
    thumbprint = hashlib.sha256(_THUMBPRINT.format(x=jwk.x, y=jwk.y).encode()).digest()
    if key.get("kid") != base64url.encode(thumbprint):
        raise TrustImportError("its kid is not the RFC 7638 thumbprint of the key")
    if "x5c" in key:
        _check_chain(key["x5c"], jwk)
    return scope.entry("shc", thumbprint, jwk=jwk, name=source)


def _check_chain(chain: object, jwk: Jwk) -> None:
    """Check that the first certificate is of this key (RFC 7517, section 4.7)."""
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise TrustImportError("its x5c is no chain of certificates")
    try:
        certificate = load_certificate(base64.b64decode(chain[0], validate=True))
        same = certificate.public_key() == jwk.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustImportError(f"its x5c cannot be read: {shown(error)}") from None
    if not same:
        raise TrustImportError("its x5c is of another key")


def _is_canonical(value: object) -> bool:
    """Tell whether a coordinate is in its one proper form, or the thumbprint would be another."""
    if not isinstance(value, str) or not _COORDINATE.fullmatch(value):
        return False
    return base64url.encode(base64.urlsafe_b64decode(value + "=")) == value
