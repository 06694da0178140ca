"""Signers from certificates, and from a national signed list of them."""

import base64
import hashlib
import warnings
from functools import partial

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from centre.trust.importing import TrustImportError, shown
from centre.trust.signer_entries import Format, Found, Scope, key_fault
from verifier.signed_list import Listed, read_signed_list
from verifier.signers import SignerEntry
from verifier.trust import TrustListError, load_certificate, subject_of

KID_BYTES = 8  # DCC guidelines, volume 1: the first of the certificate's SHA-256; LX1: of the public key's
_PRIVATE = b"PRIVATE KEY-----"


def signed_list(data: bytes, key_pem: bytes, scope: Scope) -> Found:
    """Return the signers of a list: a line with the signature over the rest, then `{"certificates": [...]}`.

    Raises: TrustImportError where the signature is wrong, or what it covers is no such list.
    """
    try:
        listed = read_signed_list(data, key_pem)
    except TrustListError as error:
        raise TrustImportError(shown(error)) from None
    source = f"signed list {hashlib.sha256(key_pem.strip()).hexdigest()[:8]}"
    entries: list[SignerEntry] = []
    left_out: list[str] = []
    for one in listed:
        try:
            entries.append(_of_list(one, scope, source))
        except (TrustImportError, TrustListError) as error:
            left_out.append(shown(error))
    return Found(tuple(entries), source, tuple(left_out))


def _of_list(listed: Listed | TrustListError, scope: Scope, source: str) -> SignerEntry:
    if isinstance(listed, TrustListError):
        raise listed
    try:
        certificate = _loaded(listed.der, scope.format or "hcert")
        country = listed.country or subject_of(certificate, NameOID.COUNTRY_NAME)
        return scope.entry("hcert", listed.kid, country, certificate=listed.der, name=source)
    except TrustImportError as error:
        raise TrustImportError(f"entry {listed.number}: {error}") from None


def certificates(data: bytes, scope: Scope) -> Found:
    """Return the signers of a file: PEM, one or several; one in DER, or that in base64.

    Raises: TrustImportError where it is none of them, or one of its keys signs no passes.
    """
    if _PRIVATE in data:
        raise TrustImportError("a PRIVATE key is in it, which belongs nowhere near here: give the certificate alone")
    if b"-----BEGIN" in data:
        ders = _pem(data)
    else:
        try:
            ders = [base64.b64decode(b"".join(data.split()), validate=True)]
        except ValueError:
            ders = [data]
    return Found(tuple(map(partial(_single, scope=scope), ders)))


def _pem(data: bytes) -> list[bytes]:
    try:
        with warnings.catch_warnings():  # as in load_certificate
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(data)]
    except (ValueError, x509.InvalidVersion) as error:
        raise TrustImportError(f"PEM without usable certificates: {shown(error)}") from None


def _single(der: bytes, scope: Scope) -> SignerEntry:
    certificate = _loaded(der, scope.format or "hcert")
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = hashlib.sha256(spki if scope.format == "lx1" else der).digest()[:KID_BYTES]
    name = f"CN={shown(subject_of(certificate, NameOID.COMMON_NAME))}"
    return scope.entry("hcert", kid, subject_of(certificate, NameOID.COUNTRY_NAME), certificate=der, name=name)


def _loaded(der: bytes, of: Format) -> x509.Certificate:
    """Return a certificate whose key signs passes; its extensions are not read, as some are badly encoded."""
    try:
        certificate = load_certificate(der)
        fault = key_fault(certificate.public_key(), of)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustImportError(f"no certificate, JWK set or DID document to use: {shown(error)}") from None
    if fault is not None:
        raise TrustImportError(fault)
    return certificate
