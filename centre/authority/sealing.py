"""The centre's keys that devices seal to: `batches`, which every collector has, and `details`, which none is given.

HOME/sealing/batches.key   0600 in a folder of 0700; likewise details.key
HOME/sealing/batches-1.key those before it, from the oldest on: they open what was sealed to them, and are never deleted
HOME/sealing/centre.pem    certificates of the newest of both by the CA, for devices
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from centre.authority.ca import Authority, CaError, read_private
from centre.authority.profile import key_hash
from centre.devices.registry import Certificate, Registry
from centre.files import PUBLIC, make_folder, write_whole
from firmware.sealing import NAME_PREFIX, PURPOSES, Purpose, key_id_of

FOLDER, PUBLIC_FILE = "sealing", "centre.pem"
ISSUED = "issued"  # below the home: where collectors' files go that are told no other place
BATCHES = "batches"  # of what a collector is given: the folder of its keys
PURPOSE_CODES: dict[str, Purpose] = {purpose: purpose for purpose in PURPOSES}


class SealingKey(NamedTuple):
    """A key in use: its private file, how many there were before it, and the certificate for devices."""

    purpose: Purpose
    key_id: bytes
    file: Path
    older: int
    certificate: Certificate


def ensure_keys(authority: Authority, registry: Registry, at: datetime) -> list[SealingKey]:
    """Make sure that there are keys with certificates in force; what is good stays. Returns one for each purpose.

    A key whose certificate was revoked is replaced. Broken off midway, the same again goes on.

    Raises: CaError, RegistryError.
    """
    folder = authority.home / FOLDER
    with _writing(folder):
        make_folder(folder, 0o700)
        with registry.change():
            keys = [_ensured(authority, registry, purpose, at) for purpose in PURPOSES]
        _give_at_home(authority.home)  # first: devices are to seal to nothing that no collector can open
        public = "".join(key.certificate.pem for key in keys).encode("ascii")
        _write_where_other(folder / PUBLIC_FILE, public, PUBLIC)
    return keys


def rotate(authority: Authority, registry: Registry, purpose: Purpose, at: datetime) -> list[SealingKey]:
    """Replace a key, and keep the one before; return what `ensure_keys` does.

    Raises: CaError, RegistryError.
    """
    with _writing(authority.home / FOLDER):
        make_folder(authority.home / FOLDER, 0o700)
        with registry.change():
            _renewed(authority.home, purpose)
    return ensure_keys(authority, registry, at)


def public_keys(home: Path) -> str:
    """Return the certificates that devices seal to, as PEM. Raises: CaError."""
    path = home / FOLDER / PUBLIC_FILE
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise CaError(f"{path} cannot be read: run greengate-centre ca sealing --home {home}") from None


def give_batches(home: Path, folder: Path) -> Path:
    """Put what opens batches, the older keys too, into a folder's `batches`; return that.

    Raises: CaError.
    """
    given = folder / BATCHES
    with _writing(given):
        make_folder(given, 0o700)
        for path in reversed(key_files(home, "batches")):  # the newest last: it takes the name of one that is there
            _write_where_other(given / path.name, path.read_bytes(), 0o600)
    return given


def key_files(home: Path, purpose: Purpose) -> list[Path]:
    """Return a purpose's private keys, the newest first."""
    folder = home / FOLDER
    older = [path for path in folder.glob(f"{purpose}-*.key") if _number(path) is not None]
    return [folder / f"{purpose}.key", *sorted(older, key=lambda path: _number(path) or 0, reverse=True)]


def _ensured(authority: Authority, registry: Registry, purpose: Purpose, at: datetime) -> SealingKey:
    home, name = authority.home, f"{NAME_PREFIX}{purpose}"
    file = home / FOLDER / f"{purpose}.key"
    if file.exists():
        key = _read(file)
    elif registry.certificates(name):
        cure = f"bring it back from a backup; if it is lost: greengate-centre ca sealing --rotate {purpose}"
        raise CaError(f"{file} is missing, and devices seal to it: {cure}")
    else:
        key = _new_key(home, purpose)
    if any(one.revoked_at is not None for one in _certificates(registry, name, key)):
        key = _renewed(home, purpose)
    known = (one for one in _certificates(registry, name, key) if not one.ends_soon(at))
    certificate = next(known, None)
    if certificate is None:
        certificate = authority.sign(key.public_key(), "sealing", [name], at)
        registry.put_certificate(certificate)
    older = len(key_files(home, purpose)) - 1
    return SealingKey(purpose, key_id_of(key.public_key()), file, older, certificate)


def _certificates(registry: Registry, name: str, key: X25519PrivateKey) -> list[Certificate]:
    wanted = key_hash(key.public_key())
    return [one for one in registry.certificates(name) if one.kind == "sealing" and one.key == wanted]


def _renewed(home: Path, purpose: Purpose) -> X25519PrivateKey:
    """Make another key; the one before gets a number, unless it got one before this was broken off."""
    before = key_files(home, purpose)
    if before[0].exists():
        kept = before[0].read_bytes()
        if all(path.read_bytes() != kept for path in before[1:]):
            number = 1 + max((_number(path) or 0 for path in before[1:]), default=0)
            write_whole(home / FOLDER / f"{purpose}-{number}.key", kept, replace=False)
    return _new_key(home, purpose)


def _new_key(home: Path, purpose: Purpose) -> X25519PrivateKey:
    key = X25519PrivateKey.generate()
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    write_whole(home / FOLDER / f"{purpose}.key", pem)
    return key


def _read(path: Path) -> X25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(read_private(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CaError(f"{path} holds no key without a password: bring it back from a backup") from None
    if not isinstance(key, X25519PrivateKey):
        raise CaError(f"{path} is not an X25519 key: bring it back from a backup")
    return key


def _give_at_home(home: Path) -> None:
    """Bring keys to the collectors on this machine; others are given theirs by somebody."""
    if (home / ISSUED / BATCHES).is_dir():
        give_batches(home, home / ISSUED)


def _write_where_other(path: Path, data: bytes, mode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    write_whole(path, data, mode)


def _number(path: Path) -> int | None:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() else None


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CaError(f"{error.filename or folder}: {error.strerror}: check disk and rights") from error
