"""A checkpoint in a folder: configuration, demo trust, passes as pictures."""

import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import segno

from firmware.config import Config, load_config
from provisioning.issuer import DemoIssuer
from tests.pki import Pki

DEVICE = "kiosk-1"


@dataclass(frozen=True)
class Site:
    folder: Path
    config_path: Path
    issuer: DemoIssuer
    now: datetime

    @property
    def config(self) -> Config:
        return load_config(self.config_path)

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    def show(self, name: str, text: str) -> None:
        draft = self.folder / f"{name}.png"
        segno.make(text, error="m", micro=False).save(str(draft), scale=6, border=4)
        draft.rename(self.pictures / f"{name}.png")

    def good(self) -> str:
        return self.issuer.issue()

    def expired(self) -> str:
        return self.issuer.issue(issued=self.now - timedelta(days=9), expires=self.now - timedelta(days=2))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def make_site(
    folder: Path,
    *,
    now: datetime | None = None,
    timing: str = "",
    journal: str = "journal.db",
    run: str = "",
    more: str = "",
    clock: str = "assumed",
) -> Site:
    """Make one; `more` are further sections of the configuration."""
    at = now or datetime.now(UTC)
    issuer = DemoIssuer(at)
    for name in ("trust", "pictures", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    Pki.shared().files(folder / "identity", DEVICE)
    (folder / "trust" / "demo.der").write_bytes(issuer.certificate_der)
    config_path = folder / "greengate.toml"
    config_path.write_text(
        f"""
[device]
name = "{DEVICE}"
site = "Chợ Bến Thành"
lane = "Cổng 1"
direction = "in"
[camera]
kind = "simulated"
source = "pictures"
[signal]
kind = "simulated"
[clock]
kind = {json.dumps(clock)}
[trust]
folder = "trust"
[journal]
path = {json.dumps(journal)}
[broker]
host = "127.0.0.1"
port = {free_port()}
[centre]
ca = "identity/ca.pem"
certificate = "identity/device.pem"
key = "identity/device.key"
keys = "identity/centre.pem"
[panel]
port = {free_port()}
[run]
folder = "run"
{run}
[timing]
{timing}
{more}
""",
        "utf-8",
    )
    return Site(folder, config_path, issuer, at)
