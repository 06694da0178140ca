"""The broker's access: mosquitto's configuration from CA and registry, and revocations brought to a running one.

HOME/broker/settings.json   what was asked for, so that the same command without options goes on with it
HOME/broker/mosquitto.conf  with acl, server.pem, and server.key for mosquitto's group only
"""

import contextlib
import grp
import os
import pwd
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta

from centre.authority.ca import Authority, CaError
from centre.authority.issue import issue_files, server_names
from centre.broker.process import BrokerTellError, reload_broker
from centre.broker.template import acl_text, config_text
from centre.devices.registry import COLLECTOR_PREFIX, NAME, Kind, Registry, RegistryError
from centre.files import PUBLIC, make_folder, write_whole
from drivers.broker import open_broker
from drivers.errors import DeviceError

FOLDER = "broker"
SETTINGS_MAX_BYTES = 64 * 1024
LOOPBACK = "127.0.0.1"
EVICTION_LIFE = timedelta(minutes=1)  # of a certificate that exists for one connection
EVICTION_MAX_S = 5.0  # ours: connecting takes milliseconds, reloading a list some tenths of a second
HELD_S = 1.0  # ours: a kiosk comes back sooner, if it still can
POLL_S = 0.05


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How devices reach the broker, and how this machine does; `hosts` are the names in its certificate."""

    hosts: Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    bind: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z.:-]{1,253}\Z")] | None = None
    user: Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_-]{0,31}\Z")] = "mosquitto"
    pid_file: Annotated[str, Meta(min_length=1, max_length=4096)] = "/run/mosquitto/mosquitto.pid"

    def __post_init__(self) -> None:
        """Refuse what would be more than one line of a configuration. Raises: ValueError."""
        if not self.pid_file.isprintable():
            raise ValueError("a path is printable")

    @property
    def address(self) -> str:
        """Return where this machine reaches the broker."""
        return LOOPBACK if self.bind in {None, "0.0.0.0"} else str(self.bind)  # noqa: S104 - compared, not bound


class BrokerFiles(NamedTuple):
    """What was written; `changed` tells whether anything is not as it was before."""

    config: Path
    acl: Path
    collectors: list[str]
    changed: bool


def load_settings(home: Path) -> BrokerSettings | None:
    """Return what the broker was set up with, None where it was not. Raises: BrokerTellError."""
    path = home / FOLDER / "settings.json"
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(SETTINGS_MAX_BYTES), type=BrokerSettings)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BrokerTellError(f"{path}: {error}: run greengate-centre mosquitto --server HOST") from None


def write_access(authority: Authority, registry: Registry, settings: BrokerSettings, at: datetime) -> BrokerFiles:
    """Write everything that mosquitto needs; what is good stays, and the same again changes nothing.

    Raises: OSError, CaError, RegistryError.
    """
    home = authority.home.absolute()
    folder = home / FOLDER
    make_folder(folder, 0o755)
    names = server_names([*settings.hosts, settings.address, "localhost"])
    issued = issue_files(authority, registry, "server", names, folder / "issued", at)
    renewed = authority.renew_crl(registry, at)
    collectors = registry.collectors(at)
    group = _group_of(settings.user)
    config = config_text(
        folder=folder,
        ca=home / "ca.pem",
        crl=home / "crl.pem",
        port=settings.port,
        bind=settings.bind,
        user=settings.user,
        pid_file=Path(settings.pid_file),
    )
    changes = [
        _ensure(folder / "acl", acl_text(collectors).encode(), PUBLIC),
        _ensure(folder / "server.pem", issued.certificate.read_bytes(), PUBLIC),
        _ensure(folder / "server.key", issued.key.read_bytes(), 0o640 if group is not None else 0o600, group),
        _ensure(folder / "mosquitto.conf", config.encode(), PUBLIC),
        _ensure(folder / "settings.json", msgspec.json.encode(settings), PUBLIC),
    ]
    return BrokerFiles(folder / "mosquitto.conf", folder / "acl", collectors, renewed or any(changes))


def apply_revocation(home: Path, names: list[str], at: datetime) -> bool:
    """Make the running broker take the revocation list, and drop the connections of those names.

    Return False where no broker was set up here. A name with another certificate in force comes back by itself.

    A client is dropped by connecting under its name, with a certificate that the CA makes for a minute and whose key
    never leaves this process: the broker ends the older of two connections of one client id (MQTT 5, 3.1.4).

    Raises: BrokerTellError.
    """
    settings = load_settings(home)
    if settings is None:
        return False
    reload_broker(Path(settings.pid_file))
    try:
        authority = Authority.open(home)
        with Registry.open(home) as registry:
            for name in names:
                if NAME.fullmatch(name.removeprefix(COLLECTOR_PREFIX)):
                    stays_out = not _in_force(registry, name, at)
                    _evict(authority, settings, name, at, held_s=HELD_S if stays_out else 0.0)
    except (CaError, RegistryError) as error:
        raise BrokerTellError(f"clients may still be connected: {error}: restart mosquitto") from error
    return True


def _in_force(registry: Registry, name: str, at: datetime) -> bool:
    known = (one for one in registry.certificates(name) if one.kind != "server")  # which may be called like a device
    return any(one.revoked_at is None and one.not_after > at for one in known)


def _evict(authority: Authority, settings: BrokerSettings, name: str, at: datetime, *, held_s: float) -> None:
    """Connect as a client, and hold its place until it can be seen that it does not come back."""
    key = ec.generate_private_key(ec.SECP256R1())
    kind: Kind = "collector" if name.startswith(COLLECTOR_PREFIX) else "device"
    certificate = authority.sign(key.public_key(), kind, [name], at, EVICTION_LIFE).pem
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with _in_memory(certificate.encode() + pem) as both, contextlib.ExitStack() as opened:
        try:
            broker = opened.enter_context(
                open_broker(
                    "mqtt",
                    host=settings.address,
                    port=settings.port,
                    client_id=name,
                    ca=authority.home / "ca.pem",
                    certificate=both,
                    key=both,
                    retry_min_s=POLL_S,
                )
            )
        except DeviceError as error:
            raise BrokerTellError(f"{name} may still be connected: {error}: restart mosquitto") from None
        end_s = time.monotonic() + EVICTION_MAX_S
        since_s: float | None = None
        while time.monotonic() < end_s:
            broker.receive(POLL_S)
            since_s = (since_s or time.monotonic()) if broker.connected else None
            if since_s is not None and time.monotonic() - since_s >= held_s:
                return
        fault = broker.fault or "it comes back"
    raise BrokerTellError(f"{name} may still be connected ({fault}): restart mosquitto")


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[Path]:
    """Give a file that is on no disk, for what takes files only."""
    descriptor = os.memfd_create("eviction")
    try:
        os.write(descriptor, data)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _ensure(path: Path, data: bytes, mode: int, group: int | None = None) -> bool:
    """Write a file where it is not just so; return whether. A key is nobody else's at any moment."""
    changed = not path.exists() or path.read_bytes() != data
    if changed:
        write_whole(path, data, mode if group is None else 0o600)
    if group is not None:
        os.chown(path, -1, group)
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)
    return changed


def _group_of(user: str) -> int | None:
    """Return the group of mosquitto's user, None where the key is for root (or this user) only."""
    if os.geteuid() != 0 or user == "root":
        return None
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_gid
    except KeyError:
        return None
