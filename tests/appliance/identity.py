"""A device's identity as enrolment leaves it, of an authority that nobody else knows."""

from pathlib import Path

from tests.pki import PEM, PLAIN, Pki

NAMES = {"ca": "ca.pem", "certificate": "device.pem", "key": "device.key"}
CURRENT = "/var/lib/greengate/identity/current"
_KEYS = "".join(f'\\n{key} = "{CURRENT}/{name}"' for key, name in NAMES.items())
NAMES_IN_CONFIG = f"""sed -i 's|^host = "localhost"|&{_KEYS}|' /etc/greengate/greengate.toml"""
DEVICE = "simulation"


def lay_identity(current: Path) -> None:
    """Write key and certificates into a new folder, root's alone, and let `current` lead to it."""
    pki = Pki.shared()
    key, certificate = pki.identity(DEVICE)
    contents = {
        "device.key": key.private_bytes(*PLAIN),
        "device.pem": certificate.public_bytes(PEM),
        "ca.pem": pki.certificate.public_bytes(PEM),
        "centre.pem": pki.keys_pem(),
    }
    folder = current.with_name("0001")
    folder.mkdir(mode=0o700)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    current.symlink_to(folder.name)
