"""Layers 7 to 9: whose key it is, whether it signed this, and what it may sign."""

import hashlib
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from verifier.areas import covers
from verifier.cose import Kid
from verifier.documents.document import FormatName
from verifier.signatures import PublicKey, Signed, fault_of, may_sign

KINDS = ("test", "vaccination", "recovery")
_USAGE_OIDS = {  # the second arc of zero is a misprint in early guidelines that certificates still carry
    f"1.3.6.1.4.1.{arc}1847.2021.1.{number}": kind for arc in ("", "0.") for number, kind in enumerate(KINDS, start=1)
}
_USAGE_DER = {  # the same, as DER object identifiers, for certificates whose extensions cannot be parsed
    bytes.fromhex(head) + bytes([number]): kind
    for head in ("060b2b060104018e378f6501", "060c2b06010401008e378f6501")
    for number, kind in enumerate(KINDS, start=1)
}
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
DEMO_ORGANISATION = "Cong Xanh demo, not an issuer"
"""Organisation in the subject of every certificate that the demo issuer makes, so that a real gate refuses it."""


class TrustListError(Exception):
    """Trust data that cannot be used; the text says which part and why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signatures count, by certificate or bare key.

    Attributes:
        kid: Key identifier that passes name it by, usually 8 bytes.
        country: ISO 3166-1 code, empty where the certificate does not say.
        key: Which algorithm it verifies, `verifier.signatures` says; one of another kind verifies nothing.
        kinds: Kinds of documents it may sign; all of its format's where nothing names any.
        not_before, not_after: The certificate's validity, both included, UTC; a bare key's has no end of its own.
        demo: True where the demo issuer made it.
        issuers: Names of issuers that it may sign as; empty: any.
        areas: Areas that it may sign for, each with all within; empty: any.
        format: The format of the passes that it signs.
        subject: Of a CSCA (`vds-nc`) its certificate's subject in DER: the certificates that it issued name it so.
    """

    kid: Kid
    country: str
    key: PublicKey
    kinds: frozenset[str]
    not_before: datetime
    not_after: datetime
    demo: bool
    issuers: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    format: FormatName = "hcert"
    subject: bytes = b""

    @classmethod
    def from_der(
        cls,
        der: bytes,
        kid: Kid | None = None,
        country: str | None = None,
        *,
        format_: FormatName = "hcert",
        kinds: Collection[str] = (),
    ) -> "Signer":
        """Read a certificate; `kid` defaults to the first 8 bytes of its SHA-256 (DCC guidelines, volume 1).

        `kinds` are those of its format; of a health certificate's signer its own extension says which.

        Raises:
            TrustListError: Not a certificate, or its key is of a kind that signs no passes.
        """
        try:
            certificate = load_certificate(der)
            key = certificate.public_key()
            not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            subject = certificate.subject.public_bytes() if format_ == "vds-nc" else b""
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: a name with a part that is no text
            raise TrustListError(f"not a usable certificate: {error}") from None
        if not may_sign(key, format_):
            raise TrustListError(f"a key of kind {type(key).__name__} signs no passes")
        return cls(
            kid or Kid(hashlib.sha256(der).digest()[:8]),
            country or subject_of(certificate, NameOID.COUNTRY_NAME),
            key,
            frozenset(kinds) or _kinds(certificate),
            not_before,
            not_after,
            subject_of(certificate, NameOID.ORGANIZATION_NAME) == DEMO_ORGANISATION,
            format=format_,
            subject=subject,
        )

    @classmethod
    def from_key(cls, key: PublicKey, kid: Kid, country: str, format_: FormatName, kinds: Collection[str]) -> "Signer":
        """Take a bare key, which says nothing of itself: not until when it holds, nor for what.

        Raises:
            TrustListError: It is of a kind that signs no passes of this format.
        """
        if not may_sign(key, format_):
            raise TrustListError(f"a key of kind {type(key).__name__} signs no passes of {format_}")
        return cls(kid, country, key, frozenset(kinds), *_EVER, demo=False, format=format_)

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

    def allows(self, issuer: str, areas: Collection[str]) -> bool:
        """Tell whether it may sign under an issuer's name, for each of some areas.

        A document that is for no area is bound by its issuer's name: where areas bound the signer, names must too.
        """
        if self.issuers and issuer not in self.issuers:
            return False
        if not self.areas:
            return True
        return all(covers(self.areas, area) for area in areas) if areas else bool(self.issuers)

    def valid_at(self, at: datetime) -> bool:
        """Tell whether the certificate is within its validity at an aware time."""
        return self.not_before <= at <= self.not_after

    def verify(self, message: Signed) -> str | None:
        """Return None where the signature is this key's over the message, else what is wrong, in a few words."""
        return fault_of(self.key, message, self.format)


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
        except (ValueError, TypeError):  # the latter of a part that is no text
            return ""
    return values[0] if values else ""
