"""What a simulation's passes and a desk's visitors are answered with, and a search for keys on a disk."""

import base64
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from provisioning.demo_office import DemoOffice
from provisioning.issuer import DemoIssuer

EXPECTED = {
    "accepted": "valid",
    "expired": "expired",
    "forged": "bad-signature",
    "revoked": "revoked",
    "unknown-issuer": "unknown-issuer",
    "not-a-pass": "unsupported-kind",
}
GREEN_LANE = {  # each after those before it
    "permit": "documents-missing",
    "test": "valid",
    "permit-and-vaccination": "valid",
    "two-people": "two-holders",
    "old-test": "rule-failed",
    **{name: reason for name, reason in EXPECTED.items() if name != "accepted"},
    "identity-card": "unsigned",
    "green-lane-link": "online-only",
}


def forms_of(issuer: DemoIssuer | DemoOffice) -> Iterator[bytes]:
    """Yield the private number in every form that a file may hold it in."""
    key = issuer._key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        secret = int.from_bytes(key.private_bytes_raw())
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        secret = key.private_numbers().private_value
    for order in ("big", "little"):
        raw = secret.to_bytes(32, order)
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:-2])
    yield str(secret).encode()


def holds_a_key(data: bytes) -> bool:
    if b"PRIVATE KEY" in data or b'"d":' in data:
        return True
    for load in (load_der_private_key, load_pem_private_key):
        try:
            load(data, None)
        except (ValueError, TypeError):
            continue
        return True
    return False


def keys_in(folder: Path) -> set[Path]:
    """Return the files in a folder that hold a private key."""
    return {path for path in folder.rglob("*") if path.is_file() and holds_a_key(path.read_bytes())}
