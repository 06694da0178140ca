"""`greengate first-boot`: a prepared card becomes a kiosk, and keeps no secret."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.config import load_config
from provisioning.card_secrets import mask
from provisioning.config_file import ON_AN_APPLIANCE, identity_values, render
from provisioning.identity.keys import holder
from provisioning.issuer import DemoIssuer
from tests.provisioning.command import EVERY, Done, greengate
from tests.provisioning.fake_centre import CODE, TYPED, FakeCentre, serving
from tests.provisioning.kiosk import everything_in, trust_folder

NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "3f" * 32
NETWORK = f'# netplan\n{{"network": {{"wifis": {{"wlan0": {{"auth": {{\n "password": "{PASSWORD}"\n}}}}}}}}}}\n'
VALUES = {
    "device.name": "gate-1", "device.site": "S", "device.lane": "A", "device.direction": "in",
    "camera.kind": "picamera2", "camera.source": "0",
    "signal.kind": "gpio", "signal.red_pin": 17, "signal.green_pin": 27, "broker.host": "b.example",
    **ON_AN_APPLIANCE, **identity_values(),
}  # fmt: skip


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[FakeCentre]:
    (tmp_path / "centre").mkdir()
    with serving(FakeCentre(tmp_path / "centre")) as made:
        yield made


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


@pytest.fixture
def boot(tmp_path: Path, centre: FakeCentre) -> Path:
    prepared(tmp_path / "boot", centre)
    return tmp_path / "boot"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc/cloud").mkdir(parents=True)
    return tmp_path / "root"


def first_boot(root: Path, boot: Path) -> Done:
    return greengate("first-boot", "--root", root, "--boot", boot, "--lang", "en")


def result(boot: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((boot / "greengate/result.json").read_bytes())
    return found


def test_it_makes_the_kiosk_and_erases_the_secrets(root: Path, boot: Path) -> None:
    done = first_boot(root, boot)
    assert (done.code, done.err) == (0, "")
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.device.name, config.signal.kind) == ("gate-1", "gpio")
    assert holder((root / "var/lib/greengate/identity/current/device.pem").read_bytes())[0] == "gate-1"
    assert (root / "var/lib/greengate/trust/dsc.der").exists()
    left = everything_in(boot)
    for secret in (TYPED, CODE, PASSWORD, "$6$salt"):
        assert secret.encode() not in left
        assert secret not in done.out
    network = (boot / "network-config").read_text()
    assert network == NETWORK.replace(PASSWORD, "x" * len(PASSWORD))
    assert "lock_passwd: true" in (boot / "user-data").read_text()
    assert "config: disabled" in (root / "etc/cloud/cloud.cfg.d/99-greengate-network.cfg").read_text()
    assert sorted(path.name for path in (boot / "greengate").iterdir()) == [
        "enrol.toml", "greengate.toml.done", "result.json", "trust",
    ]  # fmt: skip
    assert result(boot)["state"] == "enrolled"
    again = first_boot(root, boot)
    assert (again.code, "nothing to do" in again.out) == (0, True)


def test_a_dry_run_says_what_the_card_brings_and_takes_nothing(root: Path, boot: Path) -> None:
    before = everything_in(boot)
    done = greengate("first-boot", "--root", root, "--boot", boot, "--lang", "en", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert str(root / "etc/greengate/greengate.toml") in done.out
    assert "dry run" in done.out
    assert everything_in(boot) == before
    assert not (root / "etc/greengate").exists()
    assert TYPED not in done.out


def test_the_centre_away_the_kiosk_is_in_service_and_the_code_stays(root: Path, boot: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    done = first_boot(root, boot)
    assert done.code == 75
    assert load_config(root / "etc/greengate/greengate.toml").device.name == "gate-1"
    assert (root / "var/lib/greengate/trust/dsc.der").exists()
    assert (boot / "greengate/code").exists()
    assert (result(boot)["state"], "cannot be reached" in result(boot)["why"]) == ("waiting", True)
    centre.hang_up = False
    assert first_boot(root, boot).code == 0
    assert result(boot)["state"] == "enrolled"


@pytest.mark.parametrize(("code", "stays"), [("code-expired", False), ("code-used", False), ("code-wrong", True)])
def test_a_code_that_is_refused(root: Path, boot: Path, centre: FakeCentre, code: str, stays: bool) -> None:  # noqa: FBT001 - a case
    body = json.dumps({"error": {"code": code, "message": ""}})
    centre.raw = f"HTTP/1.1 403 No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    done = first_boot(root, boot)
    assert done.code == 65
    assert result(boot)["state"] == "failed"
    assert (boot / "greengate/code").exists() is stays
    assert TYPED not in json.dumps(result(boot))
    centre.raw = None
    if not stays:
        missing = first_boot(root, boot)
        assert (missing.code, "put one there" in missing.err) == (65, True)
        (boot / "greengate/code").write_text(TYPED)
    assert first_boot(root, boot).code == 0


def test_enrolled_by_hand_meanwhile(root: Path, boot: Path) -> None:
    (boot / "greengate/code").unlink()
    assert first_boot(root, boot).code == 65
    said = ("--simulated-lamps", "--camera", "simulated", "--site", "S", "--lane", "A", "--direction", "in")
    done = greengate("enrol", "--root", root, *said, given=TYPED)  # centre, name and key are known by now
    assert (done.code, done.err) == (0, "")
    assert first_boot(root, boot).code == 0
    assert PASSWORD.encode() not in everything_in(boot)


def test_without_a_centre_on_the_card(root: Path, boot: Path) -> None:
    (boot / "greengate/enrol.toml").unlink()
    done = first_boot(root, boot)
    assert (done.code, result(boot)["state"]) == (0, "configured")
    assert PASSWORD.encode() not in everything_in(boot)


def test_stopped_anywhere_it_goes_on(tmp_path: Path, centre: FakeCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, left = os.fsync, 0

    def stopping(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        sync(descriptor)

    for nth in range(0, 200, EVERY):
        root, boot = tmp_path / f"root{nth}", tmp_path / f"boot{nth}"
        (root / "etc/cloud").mkdir(parents=True)
        prepared(boot, centre)
        centre.used.clear()
        left = nth
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", stopping)
            done = first_boot(root, boot)
        if done.code == 0:
            break
        assert done.code == 130
        done = first_boot(root, boot)
        assert (nth, done.code, done.err) == (nth, 0, "")
        assert PASSWORD.encode() not in everything_in(boot)
        assert TYPED.encode() not in everything_in(boot)
    assert nth > 20


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("greengate.toml", "[device]\nnmae = 1\n", 78), ("greengate.toml", "\x00", 78),
        ("enrol.toml", "centre = 1", 78), ("enrol.toml", "x" * 5000, 65),
        ("enrol.toml", 'name = "gate-2"\ncentre = "https://c"\nca_fingerprint = "sha256:' + "00" * 32 + '"\n', 65),
        ("enrol.toml", 'name = "gate-1"\ncentre = "ftp://c"\nca_fingerprint = "sha256:' + "00" * 32 + '"\n', 2),
        ("trust/dsc.der", "no certificate", 65), ("code", "no code", 65), ("code", "\xff" * 5000, 65),
    ],
)  # fmt: skip
def test_a_card_that_is_wrong(root: Path, boot: Path, centre: FakeCentre, name: str, text: str, code: int) -> None:
    (boot / "greengate" / name).write_text(text)
    done = first_boot(root, boot)
    assert done.code == code
    assert len(done.err.splitlines()) == 1
    assert result(boot)["state"] == "failed"
    assert "/v1/enrol" not in centre.asked


def test_demonstration_trust_with_real_lamps(root: Path, boot: Path) -> None:
    (boot / "greengate/trust/demo.der").write_bytes(DemoIssuer(NOW).certificate_der)
    assert first_boot(root, boot).code == 65
    assert not (root / "etc/greengate/greengate.toml").exists()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('password: "s3cret"', 'password: "xxxxxx"'), ("  password: s3cret", "  password: xxxxxx"),
        ("{password: s3cret, x: 1}", "{password: xxxxxx, x: 1}"), ("psk: 's3c''ret'", "psk: 'xxxxxxxx'"),
        ('"hashed_passwd": "a\\"b", "x": "y"', '"hashed_passwd": "xxxx", "x": "y"'),
        ("plain_text_passwd: mật khẩu", "plain_text_passwd: xxxxxxxxxxxx"),
        ("lock_passwd: true", "lock_passwd: true"), ("ssh_pwauth: false", "ssh_pwauth: false"),
        ("no_password: a", "no_password: a"), ("password:", "password:"),
    ],
)  # fmt: skip
def test_passwords_are_overwritten_where_they_lie(tmp_path: Path, text: str, left: str) -> None:
    path = tmp_path / "user-data"
    path.write_text(f"#cloud-config\n{text}\nhostname: gate\n", "utf-8")
    for _ in range(2):
        mask(path)
        assert path.read_text("utf-8") == f"#cloud-config\n{left}\nhostname: gate\n"


def test_a_centre_that_stays_away_costs_the_card_nothing(root: Path, boot: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    assert first_boot(root, boot).code == 75
    files = [
        path for folder in (root, boot) for path in folder.rglob("*") if path.is_file() and "lock" not in path.parts
    ]
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
    assert first_boot(root, boot).code == 75
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files} == before
    assert boot / "greengate/result.json" in before


def test_drafts_of_a_preparation_that_was_broken_off_go_too(root: Path, boot: Path) -> None:
    for name in ("network-config.new", "greengate/code.new"):
        (boot / name).write_text(PASSWORD)
    assert first_boot(root, boot).code == 0
    assert PASSWORD.encode() not in everything_in(boot)


def test_what_a_power_cut_left_of_the_enrolment_goes(root: Path, boot: Path) -> None:
    assert first_boot(root, boot).code == 0
    identity = root / "var/lib/greengate/identity"
    (identity / "pending.gone").mkdir()
    (identity / "pending.gone/device.key").write_bytes(b"a key")
    (boot / "greengate/greengate.toml.done").rename(boot / "greengate/greengate.toml")
    assert first_boot(root, boot).code == 0
    assert sorted(path.name for path in identity.iterdir()) == ["0001", "current"]
