"""Certificates of signers, of every sort that tests need."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

AT = datetime(2026, 6, 1, tzinfo=UTC)
BAD_BASIC_CONSTRAINTS = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.19"), bytes.fromhex("30030101ff02"))


def certificate(
    *usages: str,
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | None = None,
    extra: tuple[x509.UnrecognizedExtension, ...] = (),
    country: str | None = "VN",
) -> bytes:
    """Return a certificate (DER) that is valid on the day from `AT` on."""
    signing_key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, country)] if country else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key.public_key())
        .serial_number(1)
        .not_valid_before(AT)
        .not_valid_after(AT + timedelta(days=1))
    )
    if usages:
        oids = [x509.ObjectIdentifier(oid) for oid in usages]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    for extension in extra:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signing_key, algorithm).public_bytes(Encoding.DER)
