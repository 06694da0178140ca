"""The collector's configuration: one TOML file, checked whole at start."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

CONFIG_MAX_BYTES = 64 * 1024  # ours: a configuration has about ten lines; guards against a wrong file


class ConfigError(Exception):
    """A configuration that cannot be used: one line with the file, the key and the cure."""


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where batches arrive; with `ca` over TLS. `group` is a file: collectors with one name in it share the batches."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    group: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where check-ins are kept."""

    path: Path


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration, one attribute a section."""

    broker: BrokerConfig
    store: StoreConfig


def load_config(path: Path) -> Config:
    """Return the configuration in a TOML file; relative paths in it are relative to the file.

    Raises: ConfigError.
    """

    def hook(kind: type, value: object) -> object:
        if kind is Path and isinstance(value, str) and value and "\0" not in value:
            return path.absolute().parent / value
        raise ValueError("Expected a path")

    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_MAX_BYTES + 1)
        if len(data) > CONFIG_MAX_BYTES:
            raise ConfigError(f"{path}: over {CONFIG_MAX_BYTES} bytes: is this the right file?")
        config = msgspec.convert(tomllib.loads(data.decode()), Config, dec_hook=hook)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: name a file this user can read with --config") from None
    except (ValueError, RecursionError) as error:  # of UTF-8, of TOML, of msgspec
        raise ConfigError(f"{path}: {str(error) or 'nested too deeply'}".replace("\n", " ")) from None
    if (config.broker.certificate is None) != (config.broker.key is None):
        raise ConfigError(f"{path}: keys broker.certificate and broker.key go together: set both or neither")
    return config
