"""The keys of a fleet: one authority, a server's certificate, collectors', and one for each kiosk.

As the centre's own commands issue them, but without a registry: enrolling 2,000 is another benchmark's (bench.devices).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from centre.authority.profile import PublicKey, ca_certificate, end_certificate, pem_of, revocation_list
from centre.devices.registry import Kind
from firmware.sealing import NAME_PREFIX, PURPOSES

HOST = "127.0.0.1"
LIFE = timedelta(days=30)
PLAIN = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass
class Keys:
    """Issue what each program of a fleet needs into its folder."""

    folder: Path

    def __post_init__(self) -> None:
        """Make the authority, its empty revocation list, and the keys that batches and details are sealed to."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._at = datetime.now(UTC).replace(microsecond=0)
        self._ca = ca_certificate(self._key, "Fleet", self._at)
        self.folder.mkdir(parents=True)
        crl = revocation_list(self._ca, self._key, revoked=(), number=1, at=self._at)
        _write(self.folder / "ca.pem", pem_of(self._ca))
        _write(self.folder / "crl.pem", pem_of(crl))
        self._sealing = b""
        for purpose in PURPOSES:
            key = X25519PrivateKey.generate()
            self._sealing += pem_of(self._certificate(key.public_key(), "sealing", [NAME_PREFIX + purpose]))
            _write(self.folder / f"{purpose}.key", key.private_bytes(*PLAIN))

    def issue(self, kind: Kind, name: str, *, also: tuple[str, ...] = ()) -> Path:
        """Issue a key and certificate; return the folder of `device.key`, `device.pem`, `ca.pem` and `centre.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key.public_key(), kind, [name, *also])
        folder = self.folder / name
        folder.mkdir()
        _write(folder / "device.key", key.private_bytes(*PLAIN))
        _write(folder / "device.pem", pem_of(certificate))
        _write(folder / "ca.pem", pem_of(self._ca))
        _write(folder / "centre.pem", self._sealing)
        return folder

    def _certificate(self, key: PublicKey, kind: Kind, names: list[str]) -> x509.Certificate:
        until = self._at + LIFE
        return end_certificate(self._ca, self._key, key, kind=kind, names=names, at=self._at, until=until)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)
