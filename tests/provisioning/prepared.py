"""A prepared card in a test, and the first boot with it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from provisioning.config_file import ON_AN_APPLIANCE, identity_values, render
from tests.provisioning.command import Done, greengate
from tests.provisioning.fake_centre import TYPED, FakeCentre
from tests.provisioning.kiosk import trust_folder

NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "3f" * 32
NETWORK = f'# netplan\n{{"network": {{"wifis": {{"wlan0": {{"auth": {{\n "password": "{PASSWORD}"\n}}}}}}}}}}\n'
VALUES = {
    "device.name": "gate-1", "device.site": "S", "device.lane": "A", "device.direction": "in",
    "camera.kind": "picamera2", "camera.source": "0",
    "signal.kind": "gpio", "signal.red_pin": 17, "signal.green_pin": 27, "broker.host": "b.example",
    **ON_AN_APPLIANCE, **identity_values(),
}  # fmt: skip


def prepared(boot: Path, centre: FakeCentre) -> Path:
    """Make a card as `prepare` does."""
    folder = boot / "greengate"
    folder.mkdir(parents=True)
    trust_folder(folder / "trust", NOW)
    (folder / "greengate.toml").write_text(render(VALUES, "vi"), "utf-8")
    origin = {"centre": centre.url, "ca_fingerprint": centre.authority.fingerprint, "name": "gate-1"}
    (folder / "enrol.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in origin.items()))
    (folder / "code").write_text(f"{TYPED}\n")
    (boot / "network-config").write_text(NETWORK)
    (boot / "user-data").write_text("#cloud-config\npasswd: $6$salt$hash\nlock_passwd: true\n")
    return folder


def first_boot(root: Path, boot: Path) -> Done:
    return greengate("first-boot", "--root", root, "--boot", boot, "--lang", "en")


def result(boot: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((boot / "greengate/result.json").read_bytes())
    return found
