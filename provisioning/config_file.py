"""A configuration as technicians' commands write it: every key that is set, with a line that says what it is."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware.config import CONFIG_MAX_BYTES, ConfigError, load_config
from provisioning import config_keys
from provisioning.durable import DRAFT, GROUP, read_bounded, write_durably
from provisioning.words import Lang

BEFORE = ".before"  # what follows the name of the configuration that was replaced last
MODE = 0o640
CURRENT = Path("/var/lib/greengate/identity/current")  # as the programs see it
TRUST = Path("/var/lib/greengate/trust")
IDENTITY = {"broker.ca": "ca.pem", "broker.certificate": "device.pem", "broker.key": "device.key"}
ON_AN_APPLIANCE: dict[str, object] = {
    "trust.folder": str(TRUST),
    "journal.path": "/var/lib/greengate/journal/journal.db",
    "run.folder": "/run/greengate",
}
IN_SIMULATION: dict[str, object] = {
    "camera.kind": "simulated",
    "camera.source": "/run/greengate-simulation/pictures",
    "signal.kind": "simulated",
    "clock.kind": "assumed",
}
_HEADER = {
    "vi": "# Cấu hình của chốt này. Một khóa nghĩa là gì: greengate config explain KHÓA",
    "en": "# This checkpoint's configuration. What a key means: greengate config explain KEY",
}

Values = Mapping[str, object]  # by a key's whole name; None: leave it out


def values_in(path: Path) -> dict[str, object]:
    """Return what a configuration's file says, by whole names; nothing of a file that says nothing."""
    try:
        table = tomllib.loads(read_bounded(path, CONFIG_MAX_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: value for name, value in flat(table).items() if name in config_keys.all_keys()}


def flat(table: Mapping[str, Any]) -> dict[str, object]:
    """Return a table's values by whole names."""
    found: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            found[name] = value
    return found


def identity_values() -> dict[str, object]:
    """Return the keys that name this device's identity."""
    return {key: str(CURRENT / name) for key, name in IDENTITY.items()}


def render(values: Values, lang: Lang) -> str:
    """Return a configuration's text: the keys that have a value, in the code's order, each with what it is."""
    lines = [_HEADER[lang]]
    section = ""
    for name in config_keys.all_keys():
        value = values.get(name)
        if value is None:
            continue
        above, _, key = name.rpartition(".")
        if above != section:
            section = above
            lines += ["", f"[{section}]"]
        lines += [f"# {config_keys.words()[name].said(lang)}", f"{key} = {config_keys.toml(value)}"]
    return "\n".join(lines) + "\n"


def write_config(path: Path, text: str) -> None:
    """Check a configuration and put it in place; what was there is kept as `NAME.before`.

    Raises: ConfigError: it is none; OSError: it cannot be written.
    """
    if _present(path) == text.encode():
        load_config(path)
        return
    check = path.with_name(f".{path.name}{DRAFT}")
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        write_durably(check, text.encode(), mode=MODE, group=GROUP)
        load_config(check)
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(check), str(path))) from None
    finally:
        check.unlink(missing_ok=True)
    present = _present(path)
    if present is not None:
        write_durably(path.with_name(path.name + BEFORE), present, mode=MODE, group=GROUP)
    write_durably(path, text.encode(), mode=MODE, group=GROUP)


def _present(path: Path) -> bytes | None:
    try:
        return read_bounded(path, CONFIG_MAX_BYTES)
    except FileNotFoundError:
        return None
