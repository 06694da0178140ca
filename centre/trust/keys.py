"""Keys of the trust repository: made, found in folders, named; Ed25519 of our own, P-256 taken from others.

A key's name (`root-1`) stands beside it in the signed metadata, so that a missing one can be called by it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Key

from centre.files import PUBLIC, make_folder, write_whole
from centre.output import EX_DATA, EX_NO_INPUT
from centre.trust.home import TrustError, read_bounded, writing

NAME = "x-greengate-name"  # beside the key in signed metadata; TUF keeps fields that it does not know
NAME_MAX_CHARS = 64
KEY_MAX_BYTES = 16 * 1024  # ours: an Ed25519 key in PEM has 119
FILES_MAX = 256  # ours: key files in one folder

Held = dict[str, CryptoSigner]


def make_key(folder: Path, name: str) -> SSlibKey:
    """Make a key in a folder, with its public part beside it, or return the one that is there.

    Raises: TrustError.
    """
    path = folder / f"{name}.pem"
    with writing(folder):
        make_folder(folder, 0o700)
        if not path.exists():
            made = CryptoSigner(ed25519.Ed25519PrivateKey.generate())
            write_whole(path, made.private_bytes, replace=False)
        signer = _signer(path)
        if signer is None:
            raise TrustError(f"{path} holds no private key: bring it from a backup, or move it away")
        write_whole(folder / f"{name}.pub", _public_pem(signer), PUBLIC)
    return _named(signer.public_key, name)


def free_name(taken: Iterable[str], role: str, folder: Path) -> str:
    """Return the first name of a role's keys that is neither in use nor in a folder."""
    used = set(taken)
    number = 1
    while f"{role}-{number}" in used or (folder / f"{role}-{number}.pem").exists():
        number += 1
    return f"{role}-{number}"


def public_key(path: Path) -> SSlibKey:
    """Return a public key that somebody gave, called as its file is.

    Raises: TrustError.
    """
    data = read_bounded(path, KEY_MAX_BYTES)
    if b"PRIVATE KEY" in data:
        raise TrustError(f"{path} is a private key: bring its public part (.pub), and leave this one there", EX_DATA)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise TrustError(f"{path} holds no public key in PEM: `openssl pkey -pubout` makes one", EX_DATA) from None
    if not _ours(key):
        raise TrustError(f"{path}: only Ed25519 and ECDSA P-256 keys are taken", EX_DATA)
    name = path.name.removesuffix(".pem").removesuffix(".pub")
    return _named(SSlibKey.from_crypto(key), name)


def held_keys(own: Path, others: Iterable[Path] = ()) -> Held:
    """Return the private keys of a home and of further folders, by their identifiers.

    Raises: TrustError where a folder is missing, a key is broken, or one in the home may be read by others.
    """
    held: Held = {}
    for path in _files(own) if own.exists() else ():
        if path.stat().st_mode & 0o077:
            raise TrustError(f"{path} may be read by others: run chmod 600 {path}, and ask who has read it")
        held |= _by_id(path)
    for folder in others:
        for path in _files(folder):  # a stick's file system has no modes to look at
            held |= _by_id(path)
    return held


def name_of(key: Key) -> str:
    """Return how a key is called, with the begin of its identifier."""
    name = key.unrecognized_fields.get(NAME)
    short = key.keyid[:8]
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= NAME_MAX_CHARS:
        return short
    return f"{name} ({short})"


def plain_name(key: Key) -> str:
    """Return a key's name alone, empty where it has none."""
    name = key.unrecognized_fields.get(NAME)
    return name if isinstance(name, str) else ""


def _named(key: SSlibKey, name: str) -> SSlibKey:
    key.unrecognized_fields[NAME] = name[:NAME_MAX_CHARS]
    return key


def _by_id(path: Path) -> Held:
    signer = _signer(path)
    return {} if signer is None else {signer.public_key.keyid: signer}


def _files(folder: Path) -> Iterator[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".pem" and not path.name.startswith("."))
    except OSError as error:
        raise TrustError(f"{folder}: {error.strerror}: name a folder with keys", EX_NO_INPUT) from None
    if len(found) > FILES_MAX:
        raise TrustError(f"{folder} holds more than {FILES_MAX} keys: name the folder with those of the trust alone")
    yield from found


def _signer(path: Path) -> CryptoSigner | None:
    """Return what signs with a file's key; None where the file holds no private key at all."""
    data = read_bounded(path, KEY_MAX_BYTES)
    if b"PRIVATE KEY" not in data:
        return None
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise TrustError(f"{path} holds no key without a password: bring it from a backup", EX_DATA) from None
    if not _ours(key.public_key()):
        raise TrustError(f"{path}: only Ed25519 and ECDSA P-256 keys are taken", EX_DATA)
    return CryptoSigner(key)


def _ours(key: object) -> bool:
    p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return p256 or isinstance(key, ed25519.Ed25519PublicKey)


def _public_pem(signer: CryptoSigner) -> bytes:
    key = serialization.load_pem_private_key(signer.private_bytes, None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
