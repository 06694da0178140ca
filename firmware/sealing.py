"""What only the centre can read: HPKE to its public key (RFC 9180; X25519, HKDF-SHA256, ChaCha20-Poly1305).

A device holds the centre's certificates, not its keys: what it has sealed it cannot read back, nor can who steals it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, Self

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.x509.oid import NameOID

from firmware.envelope import Authority, SignatureError, SigningError, read_pem
from firmware.wire_cbor import WireError

Purpose = Literal["batches", "details"]
PURPOSES: Final[tuple[Purpose, ...]] = ("batches", "details")
NAME_PREFIX = "seal."  # of the common name in a sealing certificate; the purpose follows
KEY_ID_BYTES = 8
SEALED_EXTRA_BYTES = 48  # the encapsulated key and the tag (RFC 9180, sections 4.1 and 7.3)
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)  # no AES in a Raspberry Pi 4's processor


class UnsealError(WireError):
    """What was sealed to a key that is not here, or was altered."""


class Recipient:
    """Whom to seal to: the centre's public key for a purpose."""

    def __init__(self, key: X25519PublicKey) -> None:
        self.key_id = key_id_of(key)
        self._key = key

    @classmethod
    def load(cls, path: Path, purpose: Purpose, authority: Authority) -> Self:
        """Read the newest certificate for a purpose from a PEM file; the centre's authority must have issued it.

        One that is over is taken all the same: the centre keeps its keys, and nothing is left unrecorded.
        Raises: SigningError.
        """
        found = [one for one in _certificates(path) if _is_for(one, purpose)]
        try:
            for certificate in found:
                authority.check_issued(certificate)
        except SignatureError as error:
            raise SigningError(f"{path}: {error}: run greengate renew") from None
        newest = max(found, key=lambda one: one.not_valid_before_utc, default=None)
        key = None if newest is None else newest.public_key()
        if not isinstance(key, X25519PublicKey):
            raise SigningError(f"{path} holds no key of the centre's to seal {purpose} to: run greengate renew")
        return cls(key)

    def seal(self, data: bytes, context: bytes) -> bytes:
        """Return data as only the centre can read it, and only in this context. `SEALED_EXTRA_BYTES` longer."""
        return _SUITE.encrypt(data, self._key, context)


class Unsealer:
    """The centre's private keys for a purpose, the older ones too."""

    def __init__(self, keys: Iterable[X25519PrivateKey]) -> None:
        self._keys = {key_id_of(key.public_key()): key for key in keys}

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Self:
        """Read private keys from PEM files without a password. Raises: SigningError."""
        return cls(_private(path) for path in paths)

    def unseal(self, key_id: bytes, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed to a key in a context. Raises: UnsealError."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnsealError("sealed to a key that is not here: give this program the centre's older keys, too")
        try:
            return _SUITE.decrypt(sealed, key, context)
        except (InvalidTag, ValueError):
            raise UnsealError("what is sealed was altered, or moved from elsewhere") from None


def key_id_of(key: X25519PublicKey) -> bytes:
    """Return what a key is called in messages: the beginning of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def _is_for(certificate: x509.Certificate, purpose: Purpose) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [name.value for name in names] == [NAME_PREFIX + purpose]


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(read_pem(path))
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError(f"{path} holds no certificate of the centre's: run greengate renew") from None


def _private(path: Path) -> X25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(read_pem(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningError(f"{path} holds no key without a password: bring it from a backup") from None
    if not isinstance(key, X25519PrivateKey):
        raise SigningError(f"{path} is not an X25519 key: bring it from a backup")
    return key
