"""Keys, requests and certificates (pure): what a device makes, and what it accepts of the centre."""

import contextlib
import re
import tempfile
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware.envelope import Authority, SigningError
from firmware.sealing import PURPOSES, Recipient

PEM_MAX_BYTES = 16 * 1024  # ours: a P-256 certificate takes about 1 KB
DUE_PART = 3  # a certificate is due for renewal once less than a third of its life is left
NAME = re.compile(r"[a-z0-9-]{1,32}")
_FINGERPRINT = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
# What cryptography raises for what is no certificate or request, some of it only when a field is read.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    CryptographyDeprecationWarning,  # what RFC 5280 forbids and the library still reads, as a serial number below 1
)


class CertificateError(Exception):
    """What is wrong with a certificate: a code of the words."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        with warnings.catch_warnings(category=CryptographyDeprecationWarning, action="error"):
            yield
    except _UNREADABLE:
        raise CertificateError("no-certificate") from None


def new_key() -> bytes:
    """Return a new P-256 key as PEM (PKCS #8)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request(key_pem: bytes, name: str) -> bytes:
    """Return a certificate request (PKCS #10) for a device's name, as PEM. Raises: CertificateError."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(_private(key_pem), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


def request_fits(csr_pem: bytes, key_pem: bytes, name: str) -> bool:
    """Tell whether a request is this key's, for this name."""
    try:
        csr = x509.load_pem_x509_csr(csr_pem)
        return _public(csr.public_key()) == _public(_private(key_pem).public_key()) and _name(csr.subject) == name
    except (*_UNREADABLE, CertificateError):
        return False


def parse_fingerprint(text: str) -> str | None:
    """Return a CA's fingerprint as `sha256:` and 64 digits, however it is written; None where it is none."""
    found = _FINGERPRINT.fullmatch("".join(text.split()).lower().replace(":", "").replace("sha256", "sha256:"))
    return f"sha256:{found[1]}" if found else None


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate's DER as it is written."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


@_reading()
def certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in a PEM text. Raises: CertificateError."""
    if len(pem) > PEM_MAX_BYTES:
        raise CertificateError("no-certificate")
    return x509.load_pem_x509_certificates(pem)


@_reading()
def parts(pem: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what `ca sign` gives: the device's certificate, those to seal to (older centres: none), the CA's.

    Raises: CertificateError.
    """
    found = [one.public_bytes(Encoding.PEM) for one in certificates(pem)]
    return found[0], b"".join(found[1:-1]), found[-1]


@_reading()
def pinned_ca(pem: bytes, pinned: str, at: datetime) -> bytes:
    """Return a CA's certificate as PEM where it is the pinned one, an authority, and valid.

    Raises: CertificateError.
    """
    found = certificates(pem)
    if len(found) != 1:
        raise CertificateError("no-certificate")
    if fingerprint(found[0]) != pinned:
        raise CertificateError("fingerprint-differs", pinned=pinned, shown=fingerprint(found[0]))
    if not _is_authority(found[0]):
        raise CertificateError("ca-is-none")
    _check_valid(found[0], at)
    return found[0].public_bytes(Encoding.PEM)


@_reading()
def own_certificate(pem: bytes, key_pem: bytes, ca_pem: bytes, name: str, at: datetime) -> bytes:
    """Return a device's certificate as PEM where it is this key's, this device's, of this CA, and valid.

    Raises: CertificateError.
    """
    certificate = certificates(pem)[0]
    (ca,) = certificates(ca_pem)
    if _public(certificate.public_key()) != _public(_private(key_pem).public_key()):
        raise CertificateError("certificate-of-another-key")
    if _name(certificate.subject) != name:
        raise CertificateError("certificate-of-another-device", name=name, found=_name(certificate.subject))
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError("certificate-of-another-ca") from None
    if _is_authority(certificate) or not _may_be_client(certificate):
        raise CertificateError("certificate-of-another-kind")
    _check_valid(certificate, at)
    return certificate.public_bytes(Encoding.PEM)


@_reading()
def centre_keys(pem: bytes, ca_pem: bytes) -> bytes:
    """Return the certificates that are sealed to as PEM, where the uplink and the gate will take them all.

    Raises: CertificateError.
    """
    whole = b"".join(one.public_bytes(Encoding.PEM) for one in certificates(pem))
    authority = Authority(certificates(ca_pem))
    with tempfile.NamedTemporaryFile() as file:  # as they will read it
        file.write(whole)
        file.flush()
        try:
            for purpose in PURPOSES:
                Recipient.load(Path(file.name), purpose, authority)
        except SigningError:
            raise CertificateError("centre-keys-bad") from None
    return whole


@_reading()
def holder(pem: bytes) -> tuple[str, datetime]:
    """Return whose a certificate is, and until when (aware). Raises: CertificateError."""
    certificate = certificates(pem)[0]
    return _name(certificate.subject), certificate.not_valid_after_utc


@_reading()
def is_due(pem: bytes, at: datetime) -> bool:
    """Tell whether less than a third of a certificate's life is left. Raises: CertificateError."""
    certificate = certificates(pem)[0]
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (end - at) * DUE_PART < end - begin


def _check_valid(certificate: x509.Certificate, at: datetime) -> None:
    if at < certificate.not_valid_before_utc:
        raise CertificateError("not-yet-valid", since=_day(certificate.not_valid_before_utc), now=_day(at))
    if at > certificate.not_valid_after_utc:
        raise CertificateError("no-longer-valid", until=_day(certificate.not_valid_after_utc), now=_day(at))


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _may_be_client(certificate: x509.Certificate) -> bool:
    try:
        return (
            ExtendedKeyUsageOID.CLIENT_AUTH
            in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        )
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError("key-damaged") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError("key-damaged")
    return key


def _public(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _name(subject: x509.Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""
