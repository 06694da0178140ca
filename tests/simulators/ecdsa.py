"""Signatures and public keys in the forms that documents carry them."""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


def base64url(data: bytes) -> str:
    """Return it without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def signed_raw(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return r and s, each as long as the curve's coordinates, by the curve's own hash."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(HASHES[key.key_size])))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def with_other_s(signature: bytes) -> bytes:
    """Return the other signature on P-256 that verifies just as well: (r, n - s)."""
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    return signature[:32] + s.to_bytes(32, "big")


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public key on P-256 as a JWK."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}


def flipped(data: bytes, index: int) -> bytes:
    """Return the bytes with one bit of one of them flipped."""
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
