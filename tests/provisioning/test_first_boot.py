"""`greengate first-boot`: a prepared card becomes a kiosk, and keeps no secret."""

import json
from pathlib import Path

import pytest

from firmware.config import load_config
from provisioning.card_secrets import mask
from provisioning.identity.keys import holder
from provisioning.issuer import DemoIssuer
from tests.provisioning.command import EVERY, greengate, stopped_at
from tests.provisioning.fake_centre import CODE, TYPED, FakeCentre
from tests.provisioning.kiosk import everything_in
from tests.provisioning.prepared import NETWORK, NOW, PASSWORD, first_boot, prepared, result


@pytest.fixture
def root(root: Path) -> Path:
    (root / "etc/cloud").mkdir(parents=True)  # a system with cloud-init
    return root


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


def test_stopped_anywhere_it_goes_on(tmp_path: Path, centre: FakeCentre) -> None:
    for nth in range(0, 200, EVERY):
        root, boot = tmp_path / f"root{nth}", tmp_path / f"boot{nth}"
        (root / "etc/cloud").mkdir(parents=True)
        prepared(boot, centre)
        centre.used.clear()
        with stopped_at(nth):
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


def test_a_card_that_could_not_be_installed_counts_as_not_installed(root: Path, boot: Path) -> None:
    signer = boot / "greengate/trust/dsc.der"
    whole = signer.read_bytes()
    signer.write_bytes(b"no certificate")
    assert first_boot(root, boot).code == 65
    assert result(boot)["installed"] == ""
    signer.write_bytes(whole)
    assert first_boot(root, boot).code == 0
    assert result(boot)["installed"]
