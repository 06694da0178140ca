"""What the centre's certificates and revocation lists say (pure): the profile of RFC 5280 that we issue."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from centre.devices.registry import Certificate, Kind

BEFORE = timedelta(hours=1)  # ours: a kiosk's clock may be behind, and its certificate is to be valid at once
CA_LIFE = timedelta(days=3653)  # ten years
LIFE = timedelta(days=365)  # of every certificate but the CA's own
CRL_LIFE = timedelta(days=30)  # ours: a broker refuses everybody once its list is over; it is renewed far earlier
SERIAL_DIGITS = 40  # of 20 bytes, the most that RFC 5280, section 4.1.2.2 allows

PublicKey = ec.EllipticCurvePublicKey | X25519PublicKey  # X25519: to seal to; it signs nothing and proves nobody

_PURPOSES = {
    "device": ExtendedKeyUsageOID.CLIENT_AUTH,
    "collector": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
}


def ca_certificate(key: ec.EllipticCurvePrivateKey, name: str, at: datetime) -> x509.Certificate:
    """Return the self-signed certificate of a CA that issues to ends only."""
    subject = _common_name(name)
    builder = _builder(key.public_key(), subject, subject, at, at + CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def end_certificate(
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    key: PublicKey,
    *,
    kind: Kind,
    names: list[str],
    at: datetime,
    until: datetime,
) -> x509.Certificate:
    """Return a certificate for a key. The first of `names` is its common name; a server's names are its hosts.

    One of kind `sealing` is for key agreement alone (RFC 8410, section 5), and no host's or client's.
    """
    until = min(until, issuer.not_valid_after_utc)
    builder = _builder(key, _common_name(names[0]), issuer.subject, at, until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if kind == "sealing":
        builder = builder.add_extension(_usage(key_agreement=True), critical=True)
    else:
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([_PURPOSES[kind]]), critical=False)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    return builder.add_extension(authority, critical=False).sign(issuer_key, hashes.SHA256())


def revocation_list(
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    revoked: Iterable[Certificate],
    number: int,
    at: datetime,
) -> x509.CertificateRevocationList:
    """Return the revocation list of a moment (RFC 5280, section 5)."""
    builder = x509.CertificateRevocationListBuilder(issuer.subject).last_update(at - BEFORE).next_update(at + CRL_LIFE)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = builder.add_extension(authority, critical=False).add_extension(x509.CRLNumber(number), critical=False)
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(int(certificate.serial, 16), certificate.revoked_at or at)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer_key, hashes.SHA256())


def pem_of(made: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """Return a certificate or list as PEM."""
    return made.public_bytes(serialization.Encoding.PEM)


def serial_of(certificate: x509.Certificate) -> str:
    """Return a certificate's serial number as the registry has it."""
    return f"{certificate.serial_number:0{SERIAL_DIGITS}x}"


def key_hash(key: PublicKey) -> bytes:
    """Return the SHA-256 of a public key's SubjectPublicKeyInfo."""
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).digest()


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return what a device pins: `sha256:` and 64 hexadecimal digits of the certificate's DER."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _builder(
    key: PublicKey, subject: x509.Name, issuer: x509.Name, at: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())  # 159 random bits
        .not_valid_before(at - BEFORE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(
    *,
    digital_signature: bool = False,
    key_agreement: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_agreement=key_agreement,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
