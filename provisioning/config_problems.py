"""Everything that is wrong with a configuration, and with what it names on this machine."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from firmware.config import CONFIG_MAX_BYTES, VERSION, Config, ConfigError, load_config
from firmware.trust_folder import TrustFolderError, load_trust
from provisioning import config_keys
from provisioning.config_file import flat
from provisioning.durable import TooLargeError, read_bounded
from provisioning.identity.trust_copy import ROOT

GPIO_CHIPS = "gpiochip[0-9]*"
_DEVICES = Path("/dev")


class Problem(NamedTuple):
    """One thing that is wrong: a code of the words, and its values."""

    code: str
    values: dict[str, object]


def problems(path: Path) -> list[Problem]:
    """Return all that is wrong with a file; where each key is right by itself, also what it names.

    Raises: ConfigError: nothing of it can be read.
    """
    table = _table(path)
    version = table.get("version")
    if isinstance(version, int) and version > VERSION:
        load_config(path)  # says so; what a newer program knows is no mistake here
    found = list(_in_keys(table))
    if found:
        return found
    return list(_in_surroundings(load_config(path)))


def _table(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_bounded(path, CONFIG_MAX_BYTES).decode())
    except TooLargeError as error:
        raise ConfigError(f"{error}: is this the right file?") from None
    except (OSError, ValueError, RecursionError):
        load_config(path)  # says it best
        raise


def _in_keys(table: Mapping[str, Any]) -> Iterator[Problem]:
    sections = config_keys.sections()
    whole = {name for name, value in table.items() if name in sections and not isinstance(value, dict)}
    for name in sorted(whole):
        yield Problem("not-a-section", {"key": name})
    present = {name: value for name, value in flat(table).items() if name not in whole}
    for name, value in present.items():
        if name not in config_keys.all_keys():
            yield _unknown(name)
        elif why := _wrong(config_keys.all_keys()[name], value):
            yield Problem("value-wrong", {"key": name, "why": why, "allowed": config_keys.all_keys()[name].allowed})
    for key in config_keys.all_keys().values():
        if key.required and key.name not in present and key.name.partition(".")[0] not in whole:
            yield Problem("key-missing", {"key": key.name, "allowed": key.allowed})


def _unknown(name: str) -> Problem:
    near = config_keys.nearest(name)
    return Problem("key-unknown-near", {"key": name, "near": near}) if near else Problem("key-unknown", {"key": name})


def _wrong(key: config_keys.Key, value: object) -> str | None:
    try:
        msgspec.convert(value, key.takes, dec_hook=_path)
    except msgspec.ValidationError as error:
        return " ".join(str(error).split())
    return None


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError("Expected a path")


def _in_surroundings(config: Config) -> Iterator[Problem]:
    yield from _camera(config)
    yield from _lamps(config)
    yield from _trust(config)
    for key, folder in (("journal.path", config.journal.path.parent), ("run.folder", config.run.folder.parent)):
        if not folder.is_dir():
            yield Problem("no-folder", {"key": key, "path": str(folder)})
    for key, file in (("ca", config.broker.ca), ("certificate", config.broker.certificate), ("key", config.broker.key)):
        if file is not None and not _there(file):
            yield Problem("no-identity-file", {"key": f"broker.{key}", "path": str(file)})


def _camera(config: Config) -> Iterator[Problem]:
    source = config.camera.source
    if config.camera.kind == "picamera2" or "://" in source:
        return
    path = _DEVICES / f"video{source}" if source.isdecimal() else Path(source)
    if not _there(path):
        yield Problem("no-camera", {"key": "camera.source", "path": str(path)})


def _lamps(config: Config) -> Iterator[Problem]:
    if config.signal.kind != "gpio":
        return
    if not any(_DEVICES.glob(GPIO_CHIPS)):
        yield Problem("no-gpio", {"key": "signal.kind"})
    pins = {name: getattr(config.signal, name) for name in config.signal.__struct_fields__ if name.endswith("_pin")}
    by_pin: dict[int, str] = {}
    for name, pin in pins.items():
        if pin is not None and by_pin.setdefault(pin, name) != name:
            yield Problem("pin-twice", {"key": f"signal.{name}", "other": f"signal.{by_pin[pin]}", "pin": pin})


def _trust(config: Config) -> Iterator[Problem]:
    trust = config.trust
    for key, file in (("ca", trust.ca), ("certificate", trust.certificate), ("key", trust.key)):
        if file is not None and not _there(file):
            yield Problem("no-trust-file", {"key": f"trust.{key}", "path": str(file)})
    if trust.url is not None and not _there(trust.folder / ROOT):
        yield Problem("no-trust-root", {"key": "trust.url", "path": str(trust.folder / ROOT)})
    yield from _trusted(config)


def _trusted(config: Config) -> Iterator[Problem]:
    folder = config.trust.folder
    try:
        trust = load_trust(folder)
    except TrustFolderError as error:
        yield Problem("trust-unusable", {"key": "trust.folder", "why": " ".join(str(error).split())})
        return
    if not any(True for _ in trust.signers.signers()):
        yield Problem("trust-empty", {"key": "trust.folder", "path": str(folder)})
    if trust.demo and config.signal.kind == "gpio":
        yield Problem("trust-demo", {"key": "trust.folder", "path": str(folder)})


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
