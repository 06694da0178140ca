"""Layers 7 to 9: whose key it is, whether it signed this, and what it may sign."""

import hashlib
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from verifier.areas import covers
from verifier.cose import ES256, PS256, Kid, Sign1

KINDS = ("test", "vaccination", "recovery")
_USAGE_OIDS = {  # the second arc of zero is a misprint in early guidelines that certificates still carry
    f"1.3.6.1.4.1.{arc}1847.2021.1.{number}": kind for arc in ("", "0.") for number, kind in enumerate(KINDS, start=1)
}
_USAGE_DER = {  # the same, as DER object identifiers, for certificates whose extensions cannot be parsed
    bytes.fromhex(head) + bytes([number]): kind
    for head in ("060b2b060104018e378f6501", "060c2b06010401008e378f6501")
    for number, kind in enumerate(KINDS, start=1)
}
ES256_BYTES = 64
_COORDINATE_BYTES = 32
_RSA_MIN_BITS, _RSA_MAX_BITS = 2048, 8192  # ours: weak keys are no proof, huge ones hold up the lane
ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
_PSS_SHA256 = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
DEMO_ORGANISATION = "Cong Xanh demo, not an issuer"
"""Organisation in the subject of every certificate that the demo issuer makes, so that a real gate refuses it."""


class TrustListError(Exception):
    """Trust data that cannot be used; the text says which part and why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A document signer certificate.

    Attributes:
        kid: Key identifier that passes name it by, usually 8 bytes.
        country: ISO 3166-1 code, empty where the certificate does not say.
        key: P-256 for ES256, RSA for PS256; no other key verifies anything.
        kinds: Kinds of entries it may sign; all of them where the certificate names none.
        not_before, not_after: The certificate's validity, both included, UTC.
        demo: True where the demo issuer made it.
        issuers: Names of issuers that it may sign as; empty: any.
        areas: Areas that it may sign for, each with all within; empty: any.
    """

    kid: Kid
    country: str
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    kinds: frozenset[str]
    not_before: datetime
    not_after: datetime
    demo: bool
    issuers: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()

    @classmethod
    def from_der(cls, der: bytes, kid: Kid | None = None, country: str | None = None) -> "Signer":
        """Read a certificate; `kid` defaults to the first 8 bytes of its SHA-256 (DCC guidelines, volume 1).

        Raises:
            TrustListError: Not a certificate, or its key is of a kind that signs no passes.
        """
        try:
            certificate = load_certificate(der)
            key = certificate.public_key()
            not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except (ValueError, UnsupportedAlgorithm) as error:
            raise TrustListError(f"not a usable certificate: {error}") from None
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise TrustListError(f"a key of kind {type(key).__name__} signs no passes")
        return cls(
            kid or Kid(hashlib.sha256(der).digest()[:8]),
            country or subject_of(certificate, NameOID.COUNTRY_NAME),
            key,
            _kinds(certificate),
            not_before,
            not_after,
            subject_of(certificate, NameOID.ORGANIZATION_NAME) == DEMO_ORGANISATION,
        )

    def narrowed(
        self,
        *,
        kinds: Collection[str] = (),
        issuers: Collection[str] = (),
        areas: Collection[str] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> "Signer":
        """Return the signer within what a trust list allows it, never more than its certificate; empty: no bound."""
        return replace(
            self,
            kinds=self.kinds & frozenset(kinds) if kinds else self.kinds,
            issuers=frozenset(issuers),
            areas=frozenset(areas),
            not_before=max(self.not_before, not_before or self.not_before),
            not_after=min(self.not_after, not_after or self.not_after),
        )

    def allows(self, issuer: str, area: str) -> bool:
        """Tell whether it may sign under an issuer's name, for an area."""
        return (not self.issuers or issuer in self.issuers) and (not self.areas or covers(self.areas, area))

    def valid_at(self, at: datetime) -> bool:
        """Tell whether the certificate is within its validity at an aware time."""
        return self.not_before <= at <= self.not_after

    def verify(self, message: Sign1) -> str | None:
        """Return None where the signature is this key's over the message, else what is wrong, in a few words."""
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return self._verify_es256(self.key, message)
        return self._verify_ps256(self.key, message)

    def _verify_es256(self, key: ec.EllipticCurvePublicKey, message: Sign1) -> str | None:
        if not isinstance(key.curve, ec.SECP256R1):
            return f"the signer's key is on curve {key.curve.name}; ES256 needs P-256"
        if message.alg != ES256:
            return f"algorithm {message.alg} with a P-256 key"
        signature = message.signature
        if len(signature) != ES256_BYTES:
            return f"{len(signature)} bytes of signature; ES256 has {ES256_BYTES}"
        try:
            key.verify(ecdsa_der(signature), message.signed_bytes(), ECDSA_SHA256)
        except InvalidSignature:
            return "the signature does not match"
        return None

    def _verify_ps256(self, key: rsa.RSAPublicKey, message: Sign1) -> str | None:
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


def load_certificate(der: bytes) -> x509.Certificate:
    """Return a certificate.

    Raises:
        ValueError: It is none.
    """
    with warnings.catch_warnings():
        # Some national certificates have serial numbers that RFC 5280 forbids; their keys count all the same.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return x509.load_der_x509_certificate(der)
        except x509.InvalidVersion as error:
            raise ValueError(str(error)) from None


def _kinds(certificate: x509.Certificate) -> frozenset[str]:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        named = {_USAGE_OIDS[oid.dotted_string] for oid in usages if oid.dotted_string in _USAGE_OIDS}
    except x509.ExtensionNotFound:
        named = set()
    # Badly encoded extensions, as in 6 of 832 of a German list, or one given twice: the key still counts.
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        body = certificate.tbs_certificate_bytes
        named = {kind for oid, kind in _USAGE_DER.items() if oid in body}
    return frozenset(named or KINDS)


def subject_of(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    """Return a certificate's first name of a sort, empty where it has none that can be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a country's name where its code of two letters belongs
        try:
            values = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]
        except ValueError:
            return ""
    return values[0] if values else ""


def ecdsa_der(signature: bytes) -> bytes:
    """Return an ES256 signature, r and s in 32 bytes each, in the form that OpenSSL takes."""
    r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
