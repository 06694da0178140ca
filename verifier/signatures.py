"""Whether a signature is a key's over exactly these bytes: the key decides the algorithm, and `alg` must agree."""

from collections.abc import Mapping
from typing import Protocol, TypeGuard, assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from verifier.cose import EDDSA, ES256, PS256, Kid
from verifier.documents.document import FormatName

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

ES256_BYTES = 64
_ED25519_BYTES = 64  # RFC 8032, section 5.1.6
_RSA_MIN_BITS, _RSA_MAX_BITS = 2048, 8192  # ours: weak keys are no proof, huge ones hold up the lane
ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
_PSS_SHA256 = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
ES384, ES512 = -35, -36  # RFC 9053, section 2.1
_ECDSA: Mapping[str, tuple[int, str, str, int, ec.ECDSA]] = {  # by curve: alg, its name, the curve's, bytes of r, hash
    "secp256r1": (ES256, "ES256", "P-256", 32, ECDSA_SHA256),
    "secp384r1": (ES384, "ES384", "P-384", 48, ec.ECDSA(hashes.SHA384())),
    "secp521r1": (ES512, "ES512", "P-521", 66, ec.ECDSA(hashes.SHA512())),
}
_P256 = frozenset({"secp256r1"})
_CURVES: Mapping[FormatName, frozenset[str]] = {  # of each format
    "hcert": _P256,
    "lx1": _P256,
    "shc": _P256,
    "nzcp": _P256,
    "vds-nc": frozenset(_ECDSA),
}


class Signed(Protocol):
    """A signed message of any envelope, not yet verified; algorithms are COSE's numbers (RFC 9053)."""

    @property
    def alg(self) -> int: ...  # noqa: D102 - as in `verifier.cose.Sign1`
    @property
    def kid(self) -> Kid | None: ...  # noqa: D102 - likewise
    @property
    def kid_signed(self) -> bool: ...  # noqa: D102 - likewise
    @property
    def payload(self) -> bytes: ...  # noqa: D102 - likewise
    @property
    def signature(self) -> bytes: ...  # noqa: D102 - likewise
    def signed_bytes(self) -> bytes: ...  # noqa: D102 - likewise


def may_sign(key: object, format_: FormatName) -> TypeGuard[PublicKey]:
    """Tell whether a key is of a kind that signs passes of a format; on which curve, `fault_of` judges."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return format_ == "lx1"
    if isinstance(key, rsa.RSAPublicKey):
        return format_ in {"hcert", "vds-nc"}  # of the latter an authority's, which certifies and signs no pass
    return isinstance(key, ec.EllipticCurvePublicKey)


def fault_of(key: PublicKey, message: Signed, format_: FormatName) -> str | None:
    """Return None where the signature is this key's over the message, else what is wrong, in a few words."""
    match key:
        case ec.EllipticCurvePublicKey():
            return _fault_of_ecdsa(key, message, format_)
        case rsa.RSAPublicKey():
            return _fault_of_ps256(key, message)
        case ed25519.Ed25519PublicKey():
            return _fault_of_eddsa(key, message)
        case _:
            assert_never(key)


def _fault_of_ecdsa(key: ec.EllipticCurvePublicKey, message: Signed, format_: FormatName) -> str | None:
    curve = key.curve.name
    if curve not in _CURVES[format_]:
        return f"the signer's key is on curve {curve}; ES256 needs P-256"
    alg, name, short, coordinate_bytes, ecdsa = _ECDSA[curve]
    if message.alg != alg:
        return f"algorithm {message.alg} with a {short} key"
    signature = message.signature
    if len(signature) != 2 * coordinate_bytes:
        return f"{len(signature)} bytes of signature; {name} has {2 * coordinate_bytes}"
    try:
        key.verify(ecdsa_der(signature), message.signed_bytes(), ecdsa)
    except InvalidSignature:
        return "the signature does not match"
    return None


def _fault_of_ps256(key: rsa.RSAPublicKey, message: Signed) -> str | None:
    if not _RSA_MIN_BITS <= key.key_size <= _RSA_MAX_BITS:
        return f"an RSA key of {key.key_size} bits"
    if message.alg != PS256:
        return f"algorithm {message.alg} with an RSA key"
    if len(message.signature) != (key.key_size + 7) // 8:  # OpenSSL takes one without its leading zeros, too:
        return f"{len(message.signature)} bytes of signature"  # its hash would then be on no revocation list
    try:
        key.verify(message.signature, message.signed_bytes(), _PSS_SHA256, hashes.SHA256())
    except InvalidSignature:
        return "the signature does not match"
    return None


def _fault_of_eddsa(key: ed25519.Ed25519PublicKey, message: Signed) -> str | None:
    if message.alg != EDDSA:
        return f"algorithm {message.alg} with an Ed25519 key"
    if len(message.signature) != _ED25519_BYTES:
        return f"{len(message.signature)} bytes of signature; Ed25519 has {_ED25519_BYTES}"
    try:
        key.verify(message.signature, message.signed_bytes())
    except InvalidSignature:
        return "the signature does not match"
    return None


def ecdsa_der(signature: bytes) -> bytes:
    """Return an ECDSA signature, r and s of the same length, in the form that OpenSSL takes."""
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
