"""The envelope of every message: COSE_Sign1 with the signer's certificate (RFC 9052, section 4.2; RFC 9360).

Whoever opens one knows the centre's certificate authority and nothing else: the certificate travels in the protected
header, and says who signed. What a message is for is signed with it, so that none passes for one of another kind.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware.wire_cbor import WireError, byte_string, dumps, require

COSE_SIGN1: Final = b"\xd2\x84"  # tag 18, and an array of four (RFC 9052, section 4.2)
HEADERS: Final = b"\xa2\x01\x26\x18\x21"  # a map: 1 (alg) is -7 (ES256), 33 (x5chain) is the byte string behind it
NO_UNPROTECTED: Final = b"\xa0"
SIGNATURE_BYTES = 64  # r and s of P-256, 32 bytes each (RFC 9053, section 2.1)
CERTIFICATE_MAX_BYTES = 2048  # ours: a device's has about 520
ENVELOPE_MAX_BYTES = CERTIFICATE_MAX_BYTES + 128  # what all of it adds to a payload
FILE_MAX_BYTES = 64 * 1024
SIGNERS_MAX = 65_536  # ours: certificates remembered as good, some 30 MiB; a region's fleet
CENTRE_PREFIX = "centre."  # of the names that the centre's own signers have; no device's name has a dot

_DEVICE = re.compile(r"[a-z0-9-]{1,32}")


class SigningError(Exception):
    """Keys or certificates that cannot be used: what is wrong and the cure, on one line."""


class SignatureError(WireError):
    """A message that nobody whom we trust has signed."""


class Signed(NamedTuple):
    """Hold what was signed, and who signed it: the certificate's common name and serial number."""

    payload: bytes
    name: str
    serial: int


class Signer:
    """Sign messages with the key of a certificate that the centre's authority issued (ECDSA P-256)."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Check that both belong together. Raises: SigningError."""
        if not _is_p256(key) or certificate.public_key() != key.public_key():
            raise SigningError("certificate and key do not belong together: enrol anew")
        self.name = _name_of(certificate)
        self._key = key
        encoded = certificate.public_bytes(serialization.Encoding.DER)
        self._protected = HEADERS + dumps(encoded)

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Self:
        """Read both from PEM files, the key without a password.

        Raises: SigningError.
        """
        private, own = _load_key(key), load_certificates(certificate)[0]
        try:
            return cls(private, own)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise SigningError(f"{certificate} has no name or key of a device's: enrol anew") from None

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Return a payload in its envelope, signed for a purpose (a topic's last level)."""
        der = self._key.sign(_to_sign(self._protected, purpose, payload), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return COSE_SIGN1 + dumps(self._protected) + NO_UNPROTECTED + dumps(payload) + dumps(signature)


@dataclass(frozen=True, slots=True)
class _Known:
    key: ec.EllipticCurvePublicKey
    name: str
    serial: int
    not_before: datetime
    not_after: datetime


class Authority:
    """Open envelopes that somebody with a certificate of the centre's authority has signed."""

    def __init__(self, ca: Sequence[x509.Certificate], revoked: frozenset[int] = frozenset()) -> None:
        """Trust certificates that one of `ca` issued, but those with a serial number in `revoked`."""
        self._ca = tuple(ca)
        self.revoked = revoked
        self._known: dict[bytes, _Known] = {}  # by the hash of the certificate

    @classmethod
    def load(cls, ca: Path) -> Self:
        """Read the authority's certificate(s) from a PEM file. Raises: SigningError."""
        return cls(load_certificates(ca))

    def open(self, message: bytes, purpose: str, at: datetime | None, max_bytes: int) -> Signed:
        """Return what is in an envelope, after its signature was checked; nothing of the payload is decoded.

        `at` is when the certificate has to be in force, None where it may be over (a stick from long ago).
        Raises: SignatureError where nobody trusted signed it; WireError for what is no envelope.
        """
        require(len(message) <= max_bytes, "message is too long")
        require(message.startswith(COSE_SIGN1), "message is no tagged COSE_Sign1")
        protected, behind = byte_string(message[len(COSE_SIGN1) :])
        require(behind.startswith(NO_UNPROTECTED), "message has unprotected headers")
        payload, behind = byte_string(behind[len(NO_UNPROTECTED) :])
        signature, behind = byte_string(behind)
        require(behind == b"", "more follows the message")
        require(len(signature) == SIGNATURE_BYTES, "signature has a wrong length")
        signer = self._signer(protected, at)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            der = encode_dss_signature(r, s)
            signer.key.verify(der, _to_sign(protected, purpose, payload), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise SignatureError("signature is wrong") from None
        return Signed(payload, signer.name, signer.serial)

    def _signer(self, protected: bytes, at: datetime | None) -> _Known:
        require(protected.startswith(HEADERS), "headers are not ES256 and a certificate")
        encoded, behind = byte_string(protected[len(HEADERS) :])
        require(behind == b"" and len(encoded) <= CERTIFICATE_MAX_BYTES, "headers are not as written")
        digest = hashlib.sha256(encoded).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._checked(encoded)
            if len(self._known) >= SIGNERS_MAX:
                self._known.clear()
            self._known[digest] = known
        if known.serial in self.revoked:
            raise SignatureError("the signer's certificate is revoked")
        if at is not None and not known.not_before <= at <= known.not_after:
            raise SignatureError("the signer's certificate is over, or not yet valid")
        return known

    def _checked(self, encoded: bytes) -> _Known:
        try:
            certificate = x509.load_der_x509_certificate(encoded)
            self.check_issued(certificate)  # first: names and extensions of a stranger's raise whatever they like
            key, name = certificate.public_key(), _name_of(certificate)
            clients = _is_for_clients(certificate)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            raise SignatureError("the signer's certificate is none") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key):
            raise SignatureError("the signer's key is not ECDSA P-256")
        if not clients:
            raise SignatureError("the signer's certificate is no device's and no collector's")
        times = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        return _Known(key, name, certificate.serial_number, *times)

    def check_issued(self, certificate: x509.Certificate) -> None:
        """Make sure that the authority issued a certificate. Raises: SignatureError."""
        for issuer in self._ca:
            try:
                certificate.verify_directly_issued_by(issuer)
            except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
                continue
            return
        raise SignatureError("the signer's certificate is another authority's")


def check_centre(signed: Signed) -> None:
    """Make sure that the centre signed, not a device. Raises: SignatureError."""
    if not signed.name.startswith(CENTRE_PREFIX):
        raise SignatureError("not signed by the centre")


def check_device(signed: Signed, device: str) -> None:
    """Make sure that a device signed what bears its name. Raises: SignatureError."""
    if signed.name != device:
        raise SignatureError("signed by another than it names")


def is_device_name(text: str) -> bool:
    """Tell whether a text may be a device's name."""
    return _DEVICE.fullmatch(text) is not None


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates in a PEM file, at least one. Raises: SigningError."""
    try:
        return x509.load_pem_x509_certificates(read_pem(path))
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError(f"{path} holds no certificate: enrol anew, or bring it from a backup") from None


def read_pem(path: Path) -> bytes:
    """Return a file's bytes, bounded. Raises: SigningError."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise SigningError(f"{path}: {error.strerror}: name a file that this user may read") from None
    if len(data) > FILE_MAX_BYTES:
        raise SigningError(f"{path}: over {FILE_MAX_BYTES} bytes: is it the right file?")
    return data


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_pem(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningError(f"{path} holds no key without a password: enrol anew, or bring it from a backup") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SigningError(f"{path} is not an ECDSA P-256 key: enrol anew")
    return key


def _to_sign(protected: bytes, purpose: str, payload: bytes) -> bytes:
    """Return the Sig_structure; the purpose is its external_aad (RFC 9052, section 4.4)."""
    return dumps(["Signature1", protected, f"greengate/v1/{purpose}".encode("ascii"), payload])


def _is_p256(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bool:
    return isinstance(key.curve, ec.SECP256R1)


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Tell whether a device or a collector may have it: a server's host might be called as one of them is.

    Raises: ValueError.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _name_of(certificate: x509.Certificate) -> str:
    """Return the one common name. Raises: ValueError."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1 or not isinstance(names[0].value, str):
        raise ValueError("a certificate without one common name")
    return names[0].value
