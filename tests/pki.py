"""A centre's keys for tests, in memory: an authority, signers under any name, and the keys to seal to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware.envelope import Authority, Signer
from firmware.sealing import NAME_PREFIX, PURPOSES, Purpose, Recipient, Unsealer

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # within the life of every certificate here
LIFE = timedelta(days=3653)
PEM = serialization.Encoding.PEM
PLAIN = (PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass
class Pki:
    """One centre's authority. `signer(name)` is the same key each time; `files(folder)` writes what programs read."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    since: datetime = NOW - timedelta(days=365)

    def __post_init__(self) -> None:
        self.certificate = self._certificate("Test CA", self.key.public_key(), ca=True)
        self.sealing: dict[Purpose, X25519PrivateKey] = {purpose: X25519PrivateKey.generate() for purpose in PURPOSES}
        self._signers: dict[str, tuple[ec.EllipticCurvePrivateKey, x509.Certificate]] = {}

    @classmethod
    @cache
    def shared(cls) -> Self:
        """Return one for all tests that only need any."""
        return cls()

    @property
    def authority(self) -> Authority:
        """Return a new one, as each program has its own."""
        return Authority([self.certificate])

    def signer(self, name: str) -> Signer:
        return Signer(*self.identity(name))

    def identity(self, name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        if name not in self._signers:
            self._signers[name] = self.issued(name, ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._signers[name]

    def issued(
        self, name: str, usage: x509.ObjectIdentifier | None
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Return a new key and its certificate, for clients, for servers, or for nothing in particular."""
        key = ec.generate_private_key(ec.SECP256R1())
        return key, self._certificate(name, key.public_key(), usage)

    def recipient(self, purpose: Purpose = "batches") -> Recipient:
        return Recipient(self.sealing[purpose].public_key())

    def unsealer(self, purpose: Purpose = "batches") -> Unsealer:
        return Unsealer([self.sealing[purpose]])

    def keys_pem(self) -> bytes:
        """Return the sealing certificates, as a device has them in its file of the centre's keys."""
        keys = {NAME_PREFIX + purpose: key.public_key() for purpose, key in self.sealing.items()}
        return b"".join(self._certificate(name, key).public_bytes(PEM) for name, key in keys.items())

    def files(self, folder: Path, name: str) -> Path:
        """Write `device.key`, `device.pem`, `ca.pem`, `centre.pem` and `batches.key`, `details.key` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        key, certificate = self.identity(name)
        contents = {
            "device.key": key.private_bytes(*PLAIN),
            "device.pem": certificate.public_bytes(PEM),
            "ca.pem": self.certificate.public_bytes(PEM),
            "centre.pem": self.keys_pem(),
            **{f"{purpose}.key": key.private_bytes(*PLAIN) for purpose, key in self.sealing.items()},
        }
        for file, content in contents.items():
            (folder / file).write_bytes(content)
            (folder / file).chmod(0o600)
        return folder

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey | X25519PublicKey,
        usage: x509.ObjectIdentifier | None = None,
        *,
        ca: bool = False,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if ca else self.certificate.subject
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(self.since).not_valid_after(self.since + LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self.key, hashes.SHA256())
