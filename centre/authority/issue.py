"""Certificates for the centre's own machines: brokers and other servers, collectors; key and certificate as files."""

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from centre.authority.ca import CRL, Authority, CaError, ensured_key, new_key
from centre.authority.profile import key_hash
from centre.devices.registry import COLLECTOR_PREFIX, NAME, Certificate, Kind, Registry
from centre.files import PUBLIC, make_folder, write_whole

HOSTS_MAX = 20  # ours: a server has some names and addresses
COMMON_NAME_MAX_CHARS = 64  # RFC 5280, appendix A: ub-common-name
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class IssuedFiles(NamedTuple):
    """A key and its certificate; `new` where it was issued just now."""

    key: Path
    certificate: Path
    ca: Path
    until: datetime
    new: bool


def server_names(hosts: list[str]) -> list[str]:
    """Return a server's names in the one form that they are compared in.

    Raises: CaError.
    """
    names = [_host(host) for host in hosts]
    if len(names) > HOSTS_MAX:
        raise CaError(f"over {HOSTS_MAX} hosts: issue several certificates")
    if len(names[0]) > COMMON_NAME_MAX_CHARS:
        raise CaError(f"{names[0]} has over {COMMON_NAME_MAX_CHARS} characters: name a shorter host first")
    return list(dict.fromkeys(names))


def collector_names(name: str) -> list[str]:
    """Return a collector's common name.

    Raises: CaError.
    """
    name = name.removeprefix(COLLECTOR_PREFIX)
    if not NAME.fullmatch(name):
        raise CaError(f"{name[:40]!a} is no collector's name: 1 to 32 of a-z, 0-9 and -")
    return [f"{COLLECTOR_PREFIX}{name}"]


def issue_files(
    authority: Authority, registry: Registry, kind: Kind, names: list[str], folder: Path, at: datetime
) -> IssuedFiles:
    """Make sure that a folder holds a key and a certificate in force for it; what is good stays.

    A key whose certificate was revoked is replaced. Broken off midway, the same again goes on.

    Raises: CaError, RegistryError.
    """
    key_file, file, ca = folder / f"{names[0]}.key", folder / f"{names[0]}.pem", folder / "ca.pem"
    with _writing(folder):
        make_folder(folder, 0o755)
        with registry.change():
            issued, new = _issued(authority, registry, kind, names, key_file, at)
        _ensure(ca, authority.pem)
        _ensure(file, issued.pem)
    return IssuedFiles(key_file, file, ca, issued.not_after, new)


def copy_crl(home: Path, folder: Path) -> Path:
    """Copy the revocation list as it is now into a folder; return where it is.

    Raises: CaError.
    """
    with _writing(folder):
        _ensure(folder / CRL, (home / CRL).read_text("ascii"))
    return folder / CRL


def _issued(
    authority: Authority, registry: Registry, kind: Kind, names: list[str], key_file: Path, at: datetime
) -> tuple[Certificate, bool]:
    key = ensured_key(key_file)
    known = [one for one in registry.certificates(names[0]) if one.key == key_hash(key.public_key())]
    if any(one.revoked_at is not None for one in known):
        key, known = new_key(key_file), []
    good = next((one for one in known if _is_good(one, kind, names, at)), None)
    if good is not None:
        return good, False
    issued = authority.sign(key.public_key(), kind, names, at)
    registry.put_certificate(issued)
    return issued, True


def _is_good(known: Certificate, kind: Kind, names: list[str], at: datetime) -> bool:
    good = known.revoked_at is None and known.kind == kind and not known.ends_soon(at)
    return good and _names_of(known.pem) == set(names)


def _names_of(pem: str) -> set[str]:
    certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    return {*hosts, *map(str, names.get_values_for_type(x509.IPAddress))}


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = "check disk and rights, or name another --to"
        raise CaError(f"{error.filename or folder}: {error.strerror}: {cure}") from None


def _ensure(file: Path, pem: str) -> None:
    content = pem.encode("ascii")
    with contextlib.suppress(FileNotFoundError):
        if file.read_bytes() == content:
            return
    write_whole(file, content, PUBLIC)


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        host = text.lower().rstrip(".")
    if not _HOST.fullmatch(host):
        raise CaError(f"{text[:60]!a} is no host's name or address: write it as devices reach it, without https://")
    return host
