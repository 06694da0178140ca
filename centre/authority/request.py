"""A device's certificate request (PKCS #10, RFC 2986), from strangers (pure): nothing is taken of it but its key."""

from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REQUEST_MAX_BYTES = 8 * 1024  # ours: a request for a P-256 key takes about 500 bytes as PEM
_BEGIN = b"-----BEGIN CERTIFICATE REQUEST-----"


class CsrError(ValueError):
    """A request that is not signed: what is wrong with it, on one line, with nothing of its content."""


class Request:
    """A request whose key is P-256 and whose own signature is right: who sent it has the key."""

    def __init__(self, pem: bytes) -> None:
        """Read and check a request.

        Raises: CsrError.
        """
        if len(pem) > REQUEST_MAX_BYTES:
            raise CsrError(f"the request has over {REQUEST_MAX_BYTES} bytes")
        if pem.count(_BEGIN) != 1:
            raise CsrError("this is not one certificate request in PEM format")
        try:
            self._request = x509.load_pem_x509_csr(pem)
            key = self._request.public_key()
        except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
            _refuse("the certificate request cannot be read")
        # the kind of key before the signature: an RSA key may be chosen so that checking takes long
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise CsrError("the request's key is not ECDSA P-256")
        self.key = key
        self._check_signature()

    def name(self) -> str:
        """Return the common name that it asks for, a hint only; empty where there is no single one."""
        try:
            names = self._request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        except (ValueError, TypeError):  # of a BIT STRING it says TypeError
            return ""
        value = names[0].value if len(names) == 1 else ""
        return value if isinstance(value, str) else ""

    def _check_signature(self) -> None:
        try:
            sound = self._request.is_signature_valid
        except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
            _refuse("the request's signature cannot be checked")
        if not sound:
            raise CsrError("the request's signature is wrong")


def _refuse(why: str) -> NoReturn:
    raise CsrError(why) from None
