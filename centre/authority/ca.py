"""The centre's certificate authority: its key and certificate in the home folder, and what it signs.

HOME/ca/ca.key      0600 in a folder of 0700: whoever reads it can make themselves any device
HOME/ca.pem         its certificate, for everybody
HOME/crl.pem        the revocation list, always there, for brokers
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from centre.authority.profile import (
    LIFE,
    PublicKey,
    ca_certificate,
    end_certificate,
    fingerprint_of,
    key_hash,
    pem_of,
    revocation_list,
    serial_of,
)
from centre.devices.registry import FILE as REGISTRY
from centre.devices.registry import Certificate, Kind, Registry
from centre.files import PUBLIC, belong, make_folder, write_whole

HOME = Path("/var/lib/greengate-centre")
CA_NAME = "Cong Xanh CA"  # ASCII: some tools still stumble over anything else in a name
CRL = "crl.pem"
CRL_COUNTER = "crl"
CRL_RENEWED = timedelta(days=1)  # ours: an older list is written anew whenever somebody looks
FILE_MAX_BYTES = 64 * 1024
BUSY_S = 10.0  # ours: another command's list is written in milliseconds
POLL_S = 0.02


class CaError(Exception):
    """A certificate authority that cannot be used: what is wrong and the cure, on one line."""


class Authority:
    """A CA whose key is here. It signs; what it signed is the registry's."""

    def __init__(self, home: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Sign with a key; `open` and `init` are how one gets here."""
        self.home = home
        self.certificate = certificate
        self.pem = pem_of(certificate).decode("ascii")
        self.fingerprint = fingerprint_of(certificate)
        self._key = key

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open the CA in a home folder.

        Raises: CaError where there is none, or not a whole one.
        """
        if not (home / "ca.pem").exists():
            raise CaError(f"{home} has no CA: run greengate-centre ca init --home {home}")
        certificate, key = _certificate(home / "ca.pem"), _key(home / "ca" / "ca.key")
        if key_hash(key.public_key()) != _key_hash_of(certificate):
            raise CaError(f"{home}: ca.pem is not the certificate of ca/ca.key: bring both back from one backup")
        return cls(home, key, certificate)

    @classmethod
    def init(cls, home: Path, at: datetime, name: str = CA_NAME) -> tuple[Self, bool]:
        """Make a CA, or open the one that is there; return it, and whether it is new.

        Broken off midway, the same again goes on: a key without a certificate has signed nothing yet.

        Raises: CaError, RegistryError.
        """
        with _writing(home):
            make_folder(home, 0o755)
            make_folder(home / "ca", 0o700)
            with _alone(home):
                new = not (home / "ca.pem").exists()
                if new:
                    _check_first(home)
                    key = ensured_key(home / "ca" / "ca.key")
                    write_whole(home / "ca.pem", pem_of(ca_certificate(key, name, at)), PUBLIC, replace=False)
        authority = cls.open(home)
        with Registry.open(home) as registry:
            authority.renew_crl(registry, at)
        return authority, new

    def sign(self, key: PublicKey, kind: Kind, names: list[str], at: datetime, life: timedelta = LIFE) -> Certificate:
        """Return a certificate; put it into the registry before anybody gets it."""
        if at >= self.certificate.not_valid_after_utc:
            raise CaError(f"{self.home}: the CA's certificate is over since {self.certificate.not_valid_after_utc:%F}")
        made = end_certificate(
            self.certificate, self._key, key, kind=kind, names=names, at=at.replace(microsecond=0), until=at + life
        )
        times = (made.not_valid_before_utc, made.not_valid_after_utc)
        return Certificate(serial_of(made), kind, names[0], key_hash(key), *times, pem_of(made).decode("ascii"))

    def write_crl(self, registry: Registry, at: datetime) -> None:
        """Write the revocation list as the registry has it now.

        Raises: CaError, RegistryError.
        """
        with _writing(self.home), _alone(self.home):  # so that the list written last knows the most
            with registry.change():
                number = registry.next_number(CRL_COUNTER)
            revoked = registry.revoked(at)
            made = revocation_list(self.certificate, self._key, revoked=revoked, number=number, at=at)
            write_whole(self.home / CRL, pem_of(made), PUBLIC)

    def renew_crl(self, registry: Registry, at: datetime) -> bool:
        """Write the revocation list where it is missing, a day old, or not what the registry says; return whether."""
        if self._crl_is_good(registry, at):
            return False
        self.write_crl(registry, at)
        return True

    def _crl_is_good(self, registry: Registry, at: datetime) -> bool:
        try:
            crl = x509.load_pem_x509_crl((self.home / CRL).read_bytes())
        except (OSError, ValueError):
            return False
        listed = {entry.serial_number for entry in crl}
        age = at - crl.last_update_utc
        wanted = {int(certificate.serial, 16) for certificate in registry.revoked(at)}
        return timedelta(0) <= age < CRL_RENEWED and wanted <= listed


def ensured_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file, made there where there is none.

    Raises: OSError, CaError.
    """
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # somebody else made it just now
            new_key(path, replace=False)
    return _key(path)


def new_key(path: Path, *, replace: bool = True) -> ec.EllipticCurvePrivateKey:
    """Make a key in a file that only its owner may read.

    Raises: OSError.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    write_whole(path, pem, replace=replace)
    return key


def _check_first(home: Path) -> None:
    """Refuse to make another certificate of a CA that has issued."""
    if (home / REGISTRY).exists():
        with Registry.open(home) as registry:
            if registry.certificates():
                raise CaError(f"{home}: ca.pem is missing, and its CA has issued certificates: bring it from a backup")


def read_private(path: Path) -> bytes:
    """Return the content of a key's file that only its owner may read.

    Raises: CaError.
    """
    pem = _read(path)
    if path.stat().st_mode & 0o077:
        raise CaError(f"{path} may be read by others: run chmod 600 {path}, and ask who has read it")
    return pem


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_private(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CaError(f"{path} holds no key without a password: bring it back from a backup") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CaError(f"{path} is not an ECDSA P-256 key: bring it back from a backup")
    return key


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        raise CaError(f"{path} holds no certificate: bring it back from a backup") from None


def _key_hash_of(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    return key_hash(key) if isinstance(key, ec.EllipticCurvePublicKey) else b""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX_BYTES)
    except OSError as error:
        raise CaError(
            f"{path}: {error.strerror}: run as the user that owns the CA, or bring it from a backup"
        ) from None


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait for other commands that write this home's files; the lock ends with the process, whatever ends it."""
    lock = os.open(home / "ca" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        belong(lock, home / "ca")
        end_s = time.monotonic() + BUSY_S
        while not _locked(lock):
            if time.monotonic() > end_s:
                raise CaError(f"{home}: another command works on it: try again")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _writing(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CaError(f"{error.filename or home}: {error.strerror}: check --home, disk and rights") from error
