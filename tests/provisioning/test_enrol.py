"""`greengate enrol`: one command makes a device, and goes on wherever it was stopped."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from firmware.config import load_config
from provisioning.identity.keys import holder
from tests.provisioning.command import EVERY, greengate, stopped_at
from tests.provisioning.fake_centre import CODE, TYPED, Authority, FakeCentre
from tests.provisioning.kiosk import enrol, everything_in, identity

NOW = datetime.now(UTC).replace(microsecond=0)


def test_it_makes_a_device(root: Path, centre: FakeCentre, trust: Path) -> None:
    done = enrol(root, centre, "--trust", trust)
    assert (done.code, done.err) == (0, "")
    assert "gate-1 is enrolled" in done.out
    current = identity(root) / "current"
    names = ["ca.pem", "centre.json", "centre.pem", "device.key", "device.pem"]
    assert sorted(path.name for path in current.iterdir()) == names
    assert (current / "centre.pem").read_bytes() == centre.authority.sealing
    assert current.readlink() == Path("0001")
    assert sorted(path.name for path in identity(root).iterdir()) == ["0001", "current"]
    assert holder((current / "device.pem").read_bytes())[0] == "gate-1"
    assert (identity(root).stat().st_mode & 0o777, (current / "device.key").stat().st_mode & 0o777) == (0o700, 0o600)
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.device.name, config.device.site, config.device.lane) == ("gate-1", "Bến Thành", "A")
    assert (config.camera.kind, config.signal.kind, config.clock.kind) == ("opencv", "gpio", "system")
    assert (config.signal.red_pin, config.signal.green_pin) == (17, 27)
    assert (config.broker.host, config.broker.port) == ("broker.example", 8883)
    assert config.broker.key == Path("/var/lib/greengate/identity/current/device.key")
    brought = root / "var/lib/greengate/trust"
    assert sorted(path.name for path in brought.iterdir()) == ["dsc.der", "revoked.json"]
    assert brought.stat().st_mode & 0o7777 == 0o2750


def test_the_code_is_nowhere_and_the_key_never_leaves(root: Path, centre: FakeCentre, trust: Path) -> None:
    done = enrol(root, centre, "--trust", trust, "--json")
    said = (done.out + done.err).encode() + everything_in(root)
    assert CODE.encode() not in said
    assert TYPED.encode() not in said
    (body,) = centre.bodies
    assert body["code"] == CODE
    assert "PRIVATE" not in json.dumps(body)
    assert all("event" in result for result in done.results)


def test_enrolled_already_it_does_nothing(root: Path, centre: FakeCentre, trust: Path) -> None:
    enrol(root, centre, "--trust", trust)
    asked = list(centre.asked)
    done = enrol(root, centre, code=None)
    assert (done.code, centre.asked) == (0, asked)
    assert "nothing to do" in done.out
    other = enrol(root, centre, "--name", "gate-2", code=None)
    assert (other.code, centre.asked) == (65, asked)
    assert "gate-1" in other.err


def test_with_a_certificate_that_ended_or_is_damaged_it_says_how_to_go_on(
    root: Path, centre: FakeCentre, trust: Path
) -> None:
    enrol(root, centre, "--trust", trust)
    key = Authority().key.public_key()
    (identity(root) / "current/device.pem").write_bytes(
        centre.authority.sign(key, "gate-1", at=NOW - timedelta(days=400))
    )
    done = enrol(root, centre, code=None)
    assert (done.code, "--again" in done.err) == (65, True)
    (identity(root) / "current/device.pem").write_bytes(b"\xff")
    done = enrol(root, centre, code=None)
    assert (done.code, "--again" in done.err) == (65, True)


def test_again_replaces_key_and_certificate(root: Path, centre: FakeCentre, trust: Path) -> None:
    enrol(root, centre, "--trust", trust)
    key = (identity(root) / "current/device.key").read_bytes()
    centre.codes = {"1" * 26: "gate-1"}
    done = enrol(root, centre, "--again", code="1" * 26)
    assert done.code == 0
    assert (identity(root) / "current/device.key").read_bytes() != key
    assert sorted(path.name for path in identity(root).iterdir()) == ["0002", "current"]


def test_stopped_anywhere_the_same_command_goes_on(root: Path, centre: FakeCentre, trust: Path) -> None:
    stops = 0
    for nth in range(0, 200, EVERY):
        folder = root / str(nth)
        folder.mkdir()
        centre.used.clear()
        with stopped_at(nth):
            first = enrol(folder, centre, "--trust", trust)
        if first.code == 0:
            break
        stops += 1
        assert first.code == 130
        assert first.err.splitlines() == ["stopped midway: run the same command again to go on"]
        second = enrol(folder, centre, "--trust", trust)
        assert (nth, second.code, second.err) == (nth, 0, "")
        assert sorted(path.name for path in identity(folder).iterdir()) in (["0001", "current"], ["0002", "current"])
        assert holder((identity(folder) / "current/device.pem").read_bytes())[0] == "gate-1"
        load_config(folder / "etc/greengate/greengate.toml")
    assert stops > 8


def test_without_a_network(root: Path, tmp_path: Path, trust: Path) -> None:
    authority, csr, signed = Authority(), tmp_path / "gate-1.csr", tmp_path / "gate-1.pem"
    done = greengate("enrol", "--root", root, "--lang", "en", "--name", "gate-1", "--csr", csr)
    assert done.code == 0
    assert "ca sign" in done.out
    assert x509.load_pem_x509_csr(csr.read_bytes()).is_signature_valid
    request = csr.read_bytes()
    assert greengate("enrol", "--root", root, "--name", "gate-1", "--csr", csr).code == 0
    assert csr.read_bytes() == request
    signed.write_bytes(authority.sign_request(request, "gate-1") + authority.pem)
    said = ("--site", "S", "--lane", "A", "--direction", "out", "--broker", "b.example:1", "--simulated-lamps")
    more = (*said, "--camera", "simulated", "--trust", trust, "--certificate", signed)
    missing = greengate("enrol", "--root", root, "--lang", "en", *more)
    assert (missing.code, "--ca-fingerprint" in missing.err) == (2, True)
    wrong = greengate("enrol", "--root", root, *more, "--ca-fingerprint", Authority().fingerprint)
    assert wrong.code == 65
    assert greengate("enrol", "--root", root, *more, "--ca-fingerprint", authority.fingerprint).code == 0
    assert (identity(root) / "current/centre.pem").read_bytes() == b""
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.device.direction, config.broker.port, config.signal.kind) == ("out", 1, "simulated")


def test_the_centres_keys_come_by_the_stick_too(root: Path, tmp_path: Path, trust: Path) -> None:
    authority, csr, signed = Authority(), tmp_path / "gate-1.csr", tmp_path / "gate-1.pem"
    said = ("--root", root, "--lang", "en", "--name", "gate-1", "--camera", "simulated", "--simulated-lamps")
    said += ("--site", "S", "--lane", "A", "--direction", "out", "--broker", "b.example:1", "--trust", trust)
    assert greengate("enrol", *said, "--csr", csr).code == 0
    own = authority.sign_request(csr.read_bytes(), "gate-1")
    for keys in (Authority().sealing, authority.new_sealing("batches"), authority.pem):
        signed.write_bytes(own + keys + authority.pem)
        done = greengate("enrol", *said, "--certificate", signed, "--ca-fingerprint", authority.fingerprint)
        assert (done.code, "ca sealing" in done.err) == (65, True)
        assert not (identity(root) / "current").exists()
    signed.write_bytes(own + authority.sealing + authority.pem)
    assert greengate("enrol", *said, "--certificate", signed, "--ca-fingerprint", authority.fingerprint).code == 0
    assert (identity(root) / "current/centre.pem").read_bytes() == authority.sealing


def test_a_centre_from_before_there_were_keys_to_seal_to(root: Path, centre: FakeCentre, trust: Path) -> None:
    centre.knows_sealing = False
    assert enrol(root, centre, "--trust", trust).code == 0
    assert (identity(root) / "current/centre.pem").read_bytes() == b""


def test_a_certificate_file_that_is_none_of_ours(root: Path, tmp_path: Path, trust: Path) -> None:
    authority, csr, signed = Authority(), tmp_path / "r", tmp_path / "c"
    said = ("--root", root, "--lang", "en", "--name", "gate-1", "--camera", "simulated", "--simulated-lamps")
    more = ("--trust", trust, "--ca-fingerprint", authority.fingerprint, "--certificate", signed)
    signed.write_bytes(authority.pem)
    assert "--csr FILE` first" in greengate("enrol", *said, *more).err
    assert greengate("enrol", *said, "--csr", csr).code == 0
    old = authority.sign_request(csr.read_bytes(), "gate-1", NOW - timedelta(days=400))
    young = authority.sign_request(csr.read_bytes(), "gate-1", NOW + timedelta(days=2))
    stranger = Authority().sign_request(csr.read_bytes(), "gate-1")
    other_key = authority.sign(Authority().key.public_key(), "gate-1")
    server = authority.sign(Authority().key.public_key(), "gate-1", "server")
    cases: list[tuple[bytes, int, str]] = [
        (b"", 65, "no certificate"), (b"\xff" * 70000, 65, "right file"), (authority.pem, 65, "machine's key"),
        (authority.sign_request(csr.read_bytes(), "gate-2"), 65, "gate-2's"), (stranger, 65, "pinned"),
        (other_key, 65, "this machine's key"), (old, 65, "ended"), (young, 75, "set the clock"),
        (server, 65, "this machine's key"),
    ]  # fmt: skip
    for data, exit_, says in cases:
        signed.write_bytes(data + (authority.pem if data.startswith(b"-----") else b""))
        done = greengate("enrol", *said, *more)
        assert (done.code, says in done.err or done.err) == (exit_, True)
        assert not (identity(root) / "current").exists()
    assert greengate("enrol", *said, *more[:-1], tmp_path / "none").code == 66
    assert greengate("enrol", *said, *more, "--csr", csr).code == 2


def test_a_dry_run_changes_nothing_and_asks_nothing(root: Path, centre: FakeCentre, trust: Path) -> None:
    done = enrol(root, centre, "--trust", trust, "--dry-run", code=None)
    assert done.code == 0
    assert centre.asked == []
    assert not identity(root).exists()
    assert "nothing was changed" in done.out
    assert "the device's key is made" in done.out
    assert "the programs are restarted" in done.out


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--name", "Gate 1"), "a-z, 0-9 and -"), (("--centre", "http://c"), "https://"),
        (("--centre", "https://u:p@c"), "https://"), (("--centre", "https://c/path"), "https://"),
        (("--centre", "https://c:99999"), "https://"), (("--ca-fingerprint", "sha256:00"), "64"),
        (("--site", "\n"), "printable"), (("--lane", "x" * 65), "printable"), (("--direction", "up"), "in or out"),
        (("--broker", "a b"), "HOST"), (("--camera", "film"), "picamera2"), (("--green-pin", "17"), "pin 17"),
        (("--green-pin", "99"), "0 to 27"), (("--trust", "/nowhere"), "no such folder"),
        (("--simulated-lamps",), "go together"), (("--lang", "fr"), "vi or en"),
    ],
)  # fmt: skip
def test_wrong_options(root: Path, centre: FakeCentre, option: tuple[str, ...], says: str) -> None:
    done = enrol(root, centre, *option)
    assert done.code == 2
    assert says in done.err
    assert centre.asked == []
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("code", [None, "short", "U" * 26, "8" + "0" * 25, "0" * 27, "x" * 5000])
def test_what_can_be_no_code_is_not_sent(root: Path, centre: FakeCentre, trust: Path, code: str | None) -> None:
    done = enrol(root, centre, "--trust", trust, code=code)
    assert done.code in {2, 65}
    assert code is None or code not in done.err
    assert centre.bodies == []


def test_what_is_needed_is_named_where_nobody_can_be_asked(root: Path) -> None:
    done = greengate("enrol", "--root", root, "--lang", "en")
    assert (done.code, done.err) == (2, "--centre is needed: there is no terminal to ask at\n")


def test_one_line_holds_the_centre_and_its_fingerprint(root: Path, centre: FakeCentre, trust: Path) -> None:
    both = f"{centre.url}#{centre.authority.fingerprint.upper()}"
    said = ("--centre", both, "--name", "gate-1", "--trust", trust, "--simulated-lamps", "--camera", "simulated")
    assert greengate("enrol", "--root", root, *said, given=TYPED.lower()).code == 0


@pytest.mark.parametrize("named", [(), ("--trust", "/run/greengate-simulation/trust")])
def test_a_simulation_goes_on_trusting_by_what_is_made_anew_with_each_start(
    root: Path, centre: FakeCentre, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) == "/run/greengate-simulation/trust" or path.exists())
    both = f"{centre.url}#{centre.authority.fingerprint}"
    said = ("--centre", both, "--name", "gate-1", "--simulated-lamps", "--camera", "simulated", *named)
    assert greengate("enrol", "--root", root, *said, given=TYPED).code == 0
    config = load_config(root / "etc/greengate/greengate.toml")
    assert str(config.trust.folder) == "/run/greengate-simulation/trust"
    assert not (root / "var/lib/greengate/trust").exists(), "no copy of a key that ends with the machine's power"


def test_demonstration_trust_opens_no_real_gate(root: Path, centre: FakeCentre, tmp_path: Path) -> None:
    from provisioning.issuer import DemoIssuer  # noqa: PLC0415 - only here

    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / "demo.der").write_bytes(DemoIssuer(NOW).certificate_der)
    done = enrol(root, centre, "--trust", demo)
    assert done.code == 65
    assert "demonstration" in done.err
    assert not (root / "etc/greengate/greengate.toml").exists()


def test_what_a_configuration_said_beyond_this_stays(root: Path, centre: FakeCentre, trust: Path) -> None:
    path = root / "etc/greengate/greengate.toml"
    path.parent.mkdir(parents=True)
    before = '[timing]\ngreen_s = 4.5\n[signal]\nactive_high = false\nkind = "simulated"\n[device]\nsite = "old"\n'
    path.write_text(before)
    assert enrol(root, centre, "--trust", trust).code == 0
    config = load_config(path)
    assert (config.timing.green_s, config.signal.active_high, config.device.site) == (4.5, False, "Bến Thành")
    assert path.with_name("greengate.toml.before").read_text() == before


def test_without_lamps_a_desks_clock_stays_as_it_was(root: Path, centre: FakeCentre, trust: Path) -> None:
    path = root / "etc/greengate/greengate.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[clock]\nkind = "assumed"\n')
    said = ("--centre", f"{centre.url}#{centre.authority.fingerprint}", "--name", "gate-1", "--trust", trust)
    done = greengate("enrol", "--root", root, *said, "--simulated-lamps", "--camera", "simulated", given=TYPED)
    assert (done.code, load_config(path).clock.kind) == (0, "assumed")


def test_a_full_disk(root: Path, centre: FakeCentre, trust: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device", "device.key")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        done = enrol(root, centre, "--trust", trust)
    assert done.code == 73
    assert "No space left" in done.err
    assert enrol(root, centre, "--trust", trust).code == 0


def test_a_folder_whose_name_is_no_text(root: Path, centre: FakeCentre, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    done = enrol(root, centre, "--trust", str(folder))
    assert (done.code, len(done.err.splitlines())) == (2, 1)
