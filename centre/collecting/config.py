"""The collector's configuration: one TOML file, checked whole at start."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from centre.collecting.store import is_postgres
from firmware.envelope import CENTRE_PREFIX

CONFIG_MAX_BYTES = 64 * 1024  # ours: a configuration has some twenty lines; guards against a wrong file
RETENTION_DAYS_MAX = 3660
KEYS = "batches*.key"
NO_CENTRE = "section [centre] is missing: put in it batches and crl as `ca issue --collector NAME` prints them"

Port = Annotated[int, Meta(ge=1, le=65535)]


class ConfigError(Exception):
    """A configuration that cannot be used: one line with the file, the key and the cure."""


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where batches arrive; with `ca` over TLS. `group` is a file: collectors with one name in it share the batches.

    Leave `group` out at a broker without shared subscriptions: each collector then gets every batch, which is stored
    once all the same.
    """

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Port = 8883
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    group: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where check-ins are kept, a SQLite file or a PostgreSQL database, and for how many days: for good if not told."""

    path: Path | None = None
    postgresql: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    retention_days: Annotated[int, Meta(ge=1, le=RETENTION_DAYS_MAX)] | None = None

    @property
    def where(self) -> str | Path:
        """Return what `open_store` takes."""
        found = self.postgresql or self.path
        assert found is not None, "checked by load_config"  # noqa: S101
        return found


class CentreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to believe (`ca`, without what `crl` revokes), what to unseal batches with, and what to sign answers with.

    `batches` are private keys: files, or folders whose files named batches*.key are meant. What is left out is the
    broker's.
    """

    batches: Annotated[tuple[Path, ...], Meta(min_length=1)]
    ca: Path | None = None
    crl: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class MetricsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where Prometheus may ask."""

    port: Port
    bind: str = "127.0.0.1"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration, one attribute a section."""

    broker: BrokerConfig
    store: StoreConfig
    centre: CentreConfig
    metrics: MetricsConfig | None = None

    @property
    def signing(self) -> tuple[Path, Path, Path]:
        """Return the authority's certificate, this collector's certificate and its key."""
        own = self.centre.certificate or self.broker.certificate, self.centre.key or self.broker.key
        ca = self.centre.ca or self.broker.ca
        assert ca and own[0] and own[1], "checked by load_config"  # noqa: S101, PT018
        return ca, own[0], own[1]

    @property
    def keys(self) -> list[Path]:
        """Return the files of the keys that unseal batches, those there are now. Raises: ConfigError."""
        files = [file for path in self.centre.batches for file in (_keys_in(path) if path.is_dir() else [path])]
        if not files:
            raise ConfigError(f"{self.centre.batches[0]} holds no {KEYS}: run ca issue --collector NAME")
        return files


def load_config(path: Path) -> Config:
    """Return the configuration in a TOML file; relative paths in it are relative to the file.

    Raises: ConfigError.
    """

    def hook(kind: type, value: object) -> object:
        if kind is Path and isinstance(value, str) and value and "\0" not in value and "://" not in value:
            return path.absolute().parent / value
        raise ValueError("Expected a path")

    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_MAX_BYTES + 1)
        if len(data) > CONFIG_MAX_BYTES:
            raise ConfigError(f"{path}: over {CONFIG_MAX_BYTES} bytes: is this the right file?")
        table = tomllib.loads(data.decode())
        if "centre" not in table:  # written before there was anything to unseal
            raise ConfigError(f"{path}: {NO_CENTRE}")
        config = msgspec.convert(table, Config, dec_hook=hook)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: name a file this user can read with --config") from None
    except (ValueError, RecursionError) as error:  # of UTF-8, of TOML, of msgspec
        raise ConfigError(f"{path}: {str(error) or 'nested too deeply'}".replace("\n", " ")) from None
    check_config(config, str(path))
    return config


def desk_config(broker: BrokerConfig, store: str, keys: Path) -> Config:
    """Return a configuration for a desk: a broker without TLS, and the folder that `ca issue --collector` filled.

    Raises: ConfigError.
    """
    found = sorted(keys.glob(f"{CENTRE_PREFIX}*.pem"))
    if len(found) != 1:
        raise ConfigError(f"{keys} holds {len(found)} collectors' certificates, not one: run ca issue --collector NAME")
    crl = keys / "crl.pem"
    centre = CentreConfig(
        batches=(keys / "batches",),
        ca=keys / "ca.pem",
        crl=crl if crl.exists() else None,
        certificate=found[0],
        key=found[0].with_suffix(".key"),
    )
    kept = StoreConfig(postgresql=store) if is_postgres(store) else StoreConfig(path=Path(store))
    return Config(broker, kept, centre)


def check_config(config: Config, named: str) -> None:
    """Make sure that what goes together is there together. Raises: ConfigError."""
    broker, store, centre = config.broker, config.store, config.centre
    problems = {
        "keys broker.certificate and broker.key go together: set both or neither": (
            (broker.certificate is None) != (broker.key is None)
        ),
        "keys centre.certificate and centre.key go together: set both or neither": (
            (centre.certificate is None) != (centre.key is None)
        ),
        "set one of store.path and store.postgresql": (store.path is None) == (store.postgresql is None),
        "set centre.ca: whose signatures are believed": (centre.ca or broker.ca) is None,
        "set centre.certificate and centre.key: what acknowledgements are signed with": (
            (centre.key or broker.key) is None
        ),
    }
    for problem, there in problems.items():
        if there:
            raise ConfigError(f"{named}: {problem}")


def _keys_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(KEYS))
