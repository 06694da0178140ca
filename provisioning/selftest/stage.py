"""What a self-test is made of: three pictures, whom to trust, and the device's configuration turned to them.

The issuer's key is made for this test and lives in this process's memory only.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from firmware.config import Config
from firmware.config_sections import ContactsConfig, PlatesConfig
from provisioning.issuer import DemoIssuer
from provisioning.pictures import codes_png, png
from provisioning.selftest.account import Account
from provisioning.showing import passes

LIGHT_S = 1.5  # ours: seen by a person, and over before the next picture (after 2.5 s)
HELD_S = 0.5
EMPTY_PX = 200
VALID, FORGED, EMPTY = "1-valid.png", "2-forged.png", "3-empty.png"
IN_MEMORY = Path("/run")  # where it can be written: nothing of a test is ever on a card


@dataclass(frozen=True, slots=True)
class Stage:
    """A test's folder, and the configuration of the programs in it."""

    folder: Path
    config: Config

    @property
    def config_path(self) -> Path:
        """Return the configuration's file."""
        return self.folder / "greengate.toml"

    def show(self) -> None:
        """Put all pictures before the camera at once: it lists the folder anew for each round."""
        (self.folder / "drafts").rename(self.folder / "pictures")

    def take_away(self, picture: str) -> None:
        """Show a picture in no later round."""
        (self.folder / "pictures" / picture).unlink(missing_ok=True)


@contextlib.contextmanager
def staged(device: Config, at: datetime, account: Account) -> Iterator[Stage]:
    """Make a test of a device's configuration in a folder of its own, as of now (`at`, aware). Raises: OSError."""
    parent = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="greengate-selftest-", dir=parent))
    try:
        stage = Stage(folder, derived(device, folder))
        _lay(stage, at)
        account.take_over(folder)
        yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def derived(device: Config, folder: Path) -> Config:
    """Return the configuration of a test: the device's lamps, clock and journal; everything else in the folder.

    Without contacts and plates, which somebody might close or enter meanwhile, without details (the test's gate is
    given no keys), and without the site's own rules and profiles: its passes are a demonstration's.
    """
    history = device.lamp_history if device.lamp_history.parent.is_dir() else folder / "lamps.jsonl"
    replace = msgspec.structs.replace
    return replace(
        device,
        camera=replace(device.camera, kind="simulated", source=str(folder / "pictures"), width_px=1280, height_px=720),
        signal=replace(device.signal, history=history if device.signal.kind == "simulated" else None),
        trust=replace(device.trust, folder=folder / "trust"),
        profile=replace(device.profile, details=(), folder=None),
        contacts=ContactsConfig(),
        plates=PlatesConfig(),
        run=replace(device.run, folder=folder / "run", service=device.service_marker, test=True),
        timing=replace(device.timing, green_s=LIGHT_S, red_s=LIGHT_S, held_s=HELD_S),
    )


def toml_of(config: Config) -> str:
    """Return a configuration as TOML."""
    values = msgspec.to_builtins(config, enc_hook=str)
    plain = [f"{key} = {_literal(value)}\n" for key, value in values.items() if not isinstance(value, dict)]
    return "".join([*plain, *(_section(name, keys) for name, keys in values.items() if isinstance(keys, dict))])


def _section(name: str, keys: dict[str, Any]) -> str:
    lines = [f"{key} = {_literal(value)}\n" for key, value in keys.items() if value is not None]
    return f"[{name}]\n{''.join(lines)}"


def _literal(value: Any) -> str:  # noqa: ANN401 - what msgspec makes of a section's values
    # JSON's strings and numbers are TOML's too, but for DEL, which TOML wants escaped
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lay(stage: Stage, at: datetime) -> None:
    for name in ("drafts", "pictures", "trust"):
        (stage.folder / name).mkdir()
    issuer = DemoIssuer(at)
    texts = passes(issuer, at)
    for picture, kind in ((VALID, "accepted"), (FORGED, "forged")):
        (stage.folder / "drafts" / picture).write_bytes(codes_png(texts[kind]))
    (stage.folder / "drafts" / EMPTY).write_bytes(png([[True] * EMPTY_PX] * EMPTY_PX))
    (stage.folder / "trust" / "demo.der").write_bytes(issuer.certificate_der)
    stage.config_path.write_text(toml_of(stage.config), "utf-8")
