"""Layer 4: COSE_Sign1 (RFC 9052, section 4.2), tagged with 18, with 61 and 18, or untagged."""

from collections.abc import Mapping
from typing import Any, NamedTuple, NewType

import cbor2
from cbor2 import CBORTag

from verifier import cbor
from verifier.reasons import Reason, RefusedError

Kid = NewType("Kid", bytes)

ES256 = -7  # RFC 9053, section 2.1
PS256 = -37  # RFC 8230, section 2
EDDSA = -8  # RFC 9053, section 2.2
_ALG, _CRIT, _KID = 1, 2, 4  # RFC 9052, section 3.1
_PARTS = 4


class Sign1(NamedTuple):
    """A COSE_Sign1 message, not yet verified.

    Attributes:
        alg: The algorithm label, from the protected header, else from the unprotected one.
        kid: The signer's key identifier, from the protected header, else from the unprotected one.
        protected: The protected header as it was signed.
        payload: The signed bytes.
        signature: ES256: r and s, 32 bytes each; PS256: as long as the key's modulus; EdDSA: 64 bytes.
        kid_signed: Whether the signature covers the kid; else whoever shows the pass may have changed it.
    """

    alg: int
    kid: Kid | None
    protected: bytes
    payload: bytes
    signature: bytes
    kid_signed: bool = True

    def signed_bytes(self) -> bytes:
        """Return the Sig_structure that the signature covers (RFC 9052, section 4.4)."""
        return cbor2.dumps(["Signature1", self.protected, b"", self.payload])


def decode(data: bytes) -> Sign1:
    """Take a COSE_Sign1 message apart.

    Raises:
        RefusedError: BAD_COSE for any other structure, a missing algorithm, or a critical header.
    """
    parts = _untagged(cbor.decode(data, Reason.BAD_COSE))
    if not isinstance(parts, list | tuple) or len(parts) != _PARTS:
        raise RefusedError(Reason.BAD_COSE, "not an array of four parts")
    protected, unprotected, payload, signature = parts
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise RefusedError(Reason.BAD_COSE, "protected header, payload and signature must be byte strings")
    if not isinstance(unprotected, Mapping):
        raise RefusedError(Reason.BAD_COSE, "the unprotected header is not a map")
    if _CRIT in unprotected:
        raise RefusedError(Reason.BAD_COSE, "critical headers must be protected")  # RFC 9052, section 3.1
    header = _protected_header(protected)
    kid = _kid(header, unprotected)
    return Sign1(_alg(header, unprotected), kid, protected, payload, signature, kid_signed=_KID in header)


def _untagged(item: Any) -> Any:  # noqa: ANN401 - CBOR holds anything
    if isinstance(item, CBORTag) and item.tag == cbor.CWT_TAG:
        item = item.value
        if not isinstance(item, CBORTag):
            raise RefusedError(Reason.BAD_COSE, "tag 61 must hold a tagged COSE message")
    if isinstance(item, CBORTag):
        if item.tag != cbor.COSE_SIGN1_TAG:
            raise RefusedError(Reason.BAD_COSE, f"tag {item.tag} where 18 is expected")
        item = item.value
    return item


def _protected_header(protected: bytes) -> Mapping[Any, Any]:
    if not protected:
        return {}  # RFC 9052, section 3: an empty map is encoded as a zero-length string
    header = cbor.decode(protected, Reason.BAD_COSE)
    if not isinstance(header, Mapping):
        raise RefusedError(Reason.BAD_COSE, "the protected header is not a map")
    if _CRIT in header:
        raise RefusedError(Reason.BAD_COSE, "a critical header parameter that is not known")
    return header


def _alg(header: Mapping[Any, Any], unprotected: Mapping[Any, Any]) -> int:
    alg = header[_ALG] if _ALG in header else unprotected.get(_ALG)
    if not isinstance(alg, int) or isinstance(alg, bool):
        raise RefusedError(Reason.BAD_COSE, "no algorithm in the headers")
    return alg


def _kid(header: Mapping[Any, Any], unprotected: Mapping[Any, Any]) -> Kid | None:
    kid = header[_KID] if _KID in header else unprotected.get(_KID)
    return Kid(kid) if isinstance(kid, bytes) else None
