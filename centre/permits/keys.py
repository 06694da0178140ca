"""The keys that sign permits: Ed25519, each with a certificate of its own for the nation's list of signers.

The certificate's common name is the issuer whom its permits name, its end is that of the last of them.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from centre.files import PUBLIC, make_folder, write_whole
from centre.output import EX_CONFIG, EX_UNAVAILABLE, EX_USAGE
from centre.permits.home import PermitError, PermitHome
from centre.trust.home import read_bounded, writing
from verifier.cose import Kid
from verifier.documents.lx1 import ISSUER_MAX_BYTES, KID_BYTES, area_of

NAME = re.compile(r"[a-z0-9-]{1,32}")
ISSUER_MAX_CHARS = 64  # of a certificate's common name (RFC 5280, appendix A.1)
KEY_MAX_BYTES = 16 * 1024  # ours: an Ed25519 key in PEM has 119
KEYS_MAX = 256  # ours: key files in one folder
LIFE_DAYS = 730  # ours: as the nation's root
BEFORE = timedelta(hours=1)  # ours: kiosks' clocks may be behind
_ROWS = b"greengate permit rows"


@dataclass(frozen=True, slots=True)
class IssuingKey:
    """A key that signs permits. `certificate` is what others get; `private` leaves only by what it signs."""

    name: str
    private: ed25519.Ed25519PrivateKey
    certificate: x509.Certificate

    @property
    def kid(self) -> Kid:
        """Return its identifier in permits: of the public key, whatever certificate it has."""
        spki = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Kid(hashlib.sha256(spki).digest()[:KID_BYTES])

    @property
    def issuer(self) -> str:
        """Return whom its permits name as their issuer."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def ends(self) -> datetime:
        """Return until when it may sign, and its permits hold (UTC)."""
        return self.certificate.not_valid_after_utc

    def der(self) -> bytes:
        """Return the certificate as the list of signers carries it."""
        return self.certificate.public_bytes(Encoding.DER)

    def row_secret(self) -> bytes:
        """Return a secret under which the ledger knows rows of a table again, and nobody else can guess them."""
        raw = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(hashes.SHA256(), length=32, salt=None, info=_ROWS).derive(raw)


def make(home: PermitHome, name: str, issuer: str, now: datetime, days: int = LIFE_DAYS) -> tuple[IssuingKey, bool]:
    """Make a key; one of this name and issuer that is there stays. Returns it, and whether it is new.

    Raises: PermitError.
    """
    if not NAME.fullmatch(name):
        raise PermitError(f"{name[:40]!a} is no key's name: 1 to 32 of a-z, 0-9 and -", EX_USAGE)
    _check_issuer(issuer)
    path = home.keys / f"{name}.pem"
    if path.with_suffix(".crt").exists():
        there = load(home, name)
        if there.issuer != issuer:
            raise PermitError(f"{name} is there, and issues as {there.issuer}: give the new key another name")
        return there, False
    with writing(path):
        make_folder(home.keys, 0o700)
        if not path.exists():  # else it was broken off just before the certificate
            made = ed25519.Ed25519PrivateKey.generate()
            write_whole(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), replace=False)
        private = _private(path)
        certificate = _certificate(private, issuer, now, days)
        write_whole(path.with_suffix(".crt"), certificate.public_bytes(Encoding.PEM), PUBLIC)
    return IssuingKey(name, private, certificate), True


def load(home: PermitHome, name: str | None) -> IssuingKey:
    """Return a key by its name; without one the only key that there is.

    Raises: PermitError.
    """
    names = [one.name for one in listed(home)] if name is None else [name]
    if not names:
        raise PermitError(f"{home.home} has no issuing key: run greengate-centre permit key new", EX_UNAVAILABLE)
    if len(names) > 1:
        raise PermitError(f"several issuing keys: name one with --key: {', '.join(names)}", EX_USAGE)
    path = home.keys / f"{names[0]}.pem"
    if not NAME.fullmatch(names[0]) or not path.exists():
        raise PermitError(f"{names[0][:40]!a}: no such issuing key: see permit key list", EX_UNAVAILABLE)
    private = _private(path)
    data = read_bounded(path.with_suffix(".crt"), KEY_MAX_BYTES)
    try:
        certificate = x509.load_pem_x509_certificate(data)
    except ValueError:
        raise PermitError(f"{path.with_suffix('.crt')} is no certificate: bring it from a backup", EX_CONFIG) from None
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not named or certificate.public_key() != private.public_key():
        raise PermitError(f"{path.with_suffix('.crt')} is of another key: bring it from a backup", EX_CONFIG)
    return IssuingKey(names[0], private, certificate)


def listed(home: PermitHome) -> Iterator[IssuingKey]:
    """Return the keys by name.

    Raises: PermitError.
    """
    paths = sorted(home.keys.glob("*.crt"))
    if len(paths) > KEYS_MAX:
        raise PermitError(f"{home.keys} holds more than {KEYS_MAX} keys: move the old ones away", EX_CONFIG)
    yield from (load(home, path.stem) for path in paths)


def _check_issuer(issuer: str) -> None:
    if not 0 < len(issuer) <= ISSUER_MAX_CHARS or not issuer.isprintable() or issuer != issuer.strip():
        raise PermitError(f"--issuer: 1 to {ISSUER_MAX_CHARS} printable characters, such as VN-SG", EX_USAGE)
    if not area_of(issuer) and area_of(issuer.upper()):
        raise PermitError(f"--issuer: codes are in capitals: {issuer.upper()}", EX_USAGE)
    if (size := len(issuer.encode())) > ISSUER_MAX_BYTES:
        raise PermitError(f"--issuer: {size} bytes in UTF-8: at most {ISSUER_MAX_BYTES}: shorten it", EX_USAGE)


def area(key: IssuingKey) -> str:
    """Return the area that a key's issuer is, empty where it is an organisation."""
    return area_of(key.issuer)


def _private(path: Path) -> ed25519.Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise PermitError(f"{path} may be read by others: run chmod 600 {path}, and ask who has read it", EX_CONFIG)
    try:
        key = load_pem_private_key(read_bounded(path, KEY_MAX_BYTES), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PermitError(f"{path} holds no key without a password: bring it from a backup", EX_CONFIG) from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise PermitError(f"{path} is no Ed25519 key: bring it from a backup", EX_CONFIG)
    return key


def _certificate(key: ed25519.Ed25519PrivateKey, issuer: str, now: datetime, days: int) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, issuer)]
    if area_of(issuer):
        names.insert(0, x509.NameAttribute(NameOID.COUNTRY_NAME, area_of(issuer)[:2]))
    name = x509.Name(names)
    begins = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - BEFORE)
        .not_valid_after(begins + timedelta(days=days))
        .sign(key, None)
    )
