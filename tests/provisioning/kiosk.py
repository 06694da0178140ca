"""A machine's root folder in a test, and the enrolment command on it."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.provisioning.command import Done, greengate
from tests.provisioning.fake_centre import TYPED, FakeCentre

SETTINGS = {"site": "Bến Thành", "lane": "A", "direction": "in", "broker_host": "broker.example", "broker_port": 8883}


def signer(at: datetime) -> bytes:
    """Return a signer's certificate that is no demonstration's, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, "DSC 1")
    ])  # fmt: skip
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(at).not_valid_after(at.replace(year=at.year + 2))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def trust_folder(folder: Path, at: datetime) -> Path:
    folder.mkdir()
    (folder / "dsc.der").write_bytes(signer(at))
    (folder / "revoked.json").write_text('{"uci": []}')
    (folder / "notes.txt").write_text("not trust data")
    return folder


def enrol(root: Path, centre: FakeCentre, *more: str | Path, code: str | None = TYPED) -> Done:
    """Enrol with everything said."""
    said: tuple[str, ...] = (
        "--centre",
        centre.url,
        "--ca-fingerprint",
        centre.authority.fingerprint,
        "--name",
        "gate-1",
    )
    said += ("--camera", "opencv:/dev/video0", "--red-pin", "17", "--green-pin", "27")
    return greengate("enrol", "--root", root, "--lang", "en", *said, *more, given=f"{code}\n" if code else "")


def identity(root: Path) -> Path:
    return root / "var/lib/greengate/identity"


def everything_in(folder: Path) -> bytes:
    """Return every file's name and content, to look for what must not be there."""
    return b"".join(str(path).encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())
