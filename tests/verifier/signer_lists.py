"""Entries and lists of signers as tests need them."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.simulators.ecdsa import base64url
from tests.verifier.certificates import certificate
from verifier.signers import (
    SignerEntry,
)

AT = datetime(2026, 6, 1, tzinfo=UTC)
CERTIFICATE = certificate("1.3.6.1.4.1.1847.2021.1.1")
KID = b"12345678"


def p256() -> dict[str, Any]:
    """Return a key as a JWK."""
    point = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    encoded = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": base64url(encoded[1:33]), "y": base64url(encoded[33:])}


def edwards() -> dict[str, Any]:
    """Return a key as a JWK."""
    raw = (
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
        .public_key()
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    )
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}


P256, EDWARDS = p256(), edwards()
OFF_THE_CURVE = P256 | {"y": P256["x"]}


def entry(**fields: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
    """Return an entry that is good but for the fields that are named."""
    return SignerEntry(**({"kid": KID, "format": "hcert", "certificate": CERTIFICATE} | fields))


def written(**fields: object) -> bytes:
    """Return a list of one signer as somebody else may have written it."""
    usual = {"kid": base64.b64encode(KID).decode(), "format": "hcert"}
    if "jwk" not in fields:
        usual["certificate"] = base64.b64encode(CERTIFICATE).decode()
    return json.dumps({"version": 1, "signers": [usual | fields]}).encode()
