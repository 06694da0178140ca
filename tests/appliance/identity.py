"""A device's identity as enrolment leaves it, of an authority that nobody else knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAMES = {"ca": "ca.pem", "certificate": "device.pem", "key": "device.key"}
CURRENT = "/var/lib/greengate/identity/current"
_KEYS = "".join(f'\\n{key} = "{CURRENT}/{name}"' for key, name in NAMES.items())
NAMES_IN_CONFIG = f"""sed -i 's|^host = "localhost"|&{_KEYS}|' /etc/greengate/greengate.toml"""
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulation")])


def lay_identity(current: Path) -> None:
    """Write key and certificates into a new folder, root's alone, and let `current` lead to it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(SUBJECT)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    folder = current.with_name("0001")
    folder.mkdir(mode=0o700)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in zip(NAMES.values(), (certificate, certificate, private), strict=True):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    current.symlink_to(folder.name)
