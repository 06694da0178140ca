"""A signed list of signers, as the German national gateway publishes it."""

import base64
import json
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from verifier.cose import Kid
from verifier.signatures import ECDSA_SHA256, ES256_BYTES, ecdsa_der
from verifier.trust import Signer, TrustListError
from verifier.trust_list import TrustList


class Listed(NamedTuple):
    """A certificate as the list gives it, not looked into yet."""

    number: int
    kid: Kid
    country: str
    der: bytes


def parse_signed_list(data: bytes, key_pem: bytes) -> TrustList:
    """Read a signed list of signers.

    Args:
        data: A line with the base64 ECDSA P-256 signature (r and s, 64 bytes) over all that follows it; then JSON
            `{"certificates": [{"kid": base64, "country": code, "rawData": base64 DER, ...}]}`.
        key_pem: The public key that the list is signed with.

    Raises:
        TrustListError: The signature is wrong, or what it covers is no such list.
    """
    signers: list[Signer] = []
    unusable: list[str] = []
    for listed in read_signed_list(data, key_pem):
        try:
            signers.append(_signer(listed))
        except TrustListError as error:
            unusable.append(str(error))
    return TrustList(signers, unusable)


def read_signed_list(data: bytes, key_pem: bytes) -> list[Listed | TrustListError]:
    """Return the entries of a signed list in order, or what is wrong with one; otherwise as `parse_signed_list`.

    Raises:
        TrustListError: The signature is wrong, or what it covers is no such list.
    """
    signature, _, body = data.partition(b"\n")
    _check_list_signature(signature, body, key_pem)
    try:
        entries = list(json.loads(body)["certificates"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrustListError(f"the list of signers cannot be read: {type(error).__name__}: {error}") from None
    return [_listed(number, entry) for number, entry in enumerate(entries, start=1)]


def _listed(number: int, entry: Any) -> Listed | TrustListError:  # noqa: ANN401 - JSON holds anything
    try:
        kid = Kid(base64.b64decode(entry["kid"], validate=True))
        der = base64.b64decode(entry["rawData"], validate=True)
        return Listed(number, kid, str(entry.get("country", "")), der)
    except (KeyError, TypeError, ValueError) as error:
        return TrustListError(f"entry {number}: {error}")


def _signer(listed: Listed | TrustListError) -> Signer:
    if isinstance(listed, TrustListError):
        raise listed
    try:
        return Signer.from_der(listed.der, listed.kid, listed.country)
    except TrustListError as error:
        raise TrustListError(f"entry {listed.number}: {error}") from None


def _check_list_signature(line: bytes, body: bytes, key_pem: bytes) -> None:
    try:
        key = load_pem_public_key(key_pem)
        raw = base64.b64decode(line.strip(), validate=True)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustListError(f"the key or the signature line of the list cannot be read: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != ES256_BYTES:
        raise TrustListError("the list must be signed with ECDSA on P-256, 64 bytes in base64 on its first line")
    try:
        key.verify(ecdsa_der(raw), body, ECDSA_SHA256)
    except InvalidSignature:
        raise TrustListError("the list's signature is wrong: it was changed, or the key is another one") from None
