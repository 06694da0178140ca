"""The desk: what `greengate demo` lays out before anything runs."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from centre.collecting.config import load_config as load_collector_config
from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import load_luma
from firmware.config import load_config
from firmware.envelope import Authority, Signer
from firmware.sealing import Recipient, Unsealer
from firmware.trust_folder import load_trust
from firmware.trust_switch import Trusted, trust_of
from provisioning import desk, showing
from provisioning.demo_office import DemoOffice
from provisioning.desk import Desk, DeskError
from provisioning.issuer import DemoIssuer
from tests.firmware.appliance import wait_until
from tests.firmware.judged import judge
from tests.provisioning.command import greengate
from tests.provisioning.passes import GREEN_LANE, forms_of, holds_a_key
from verifier.profile_checks import Lane

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


Issuer = DemoIssuer | DemoOffice


@pytest.fixture
def issuers(monkeypatch: pytest.MonkeyPatch) -> list[Issuer]:
    """Return all issuers that are made, from now on."""
    made: list[Issuer] = []

    def remembering(kind: type[Issuer]) -> Callable[..., Issuer]:
        def make(*arguments: Any) -> Issuer:  # noqa: ANN401 - as the issuer's own
            made.append(kind(*arguments))
            return made[-1]

        return make

    for kind in (DemoIssuer, DemoOffice):
        monkeypatch.setattr(showing, kind.__name__, remembering(kind))
    return made


@pytest.fixture
def laid(tmp_path: Path, issuers: list[Issuer]) -> Desk:
    assert not issuers
    return desk.lay(tmp_path, AT)


def test_a_configuration_that_the_appliance_takes(laid: Desk) -> None:
    config = load_config(laid.config)
    assert (config.broker.host, config.broker.port) == (desk.HOST, laid.broker_port)
    assert (config.panel.host, config.panel.port) == ("127.0.0.1", laid.panel_port)
    for path in (config.journal.path, config.trust.folder, config.run.folder, Path(config.camera.source)):
        assert path.is_relative_to(laid.folder)


def test_each_picture_is_answered_as_the_lane_should(laid: Desk) -> None:
    config = load_config(laid.config)
    trust = trust_of(config)
    assert trust.demo
    lane = Lane(config.area, frozenset(config.device.roads))
    trusted = Trusted(trust, lane, config.profile.name)
    assert trusted.profile_problem(AT) is None
    assert trusted.has_rules(AT)
    reader = open_symbol_reader("zxing")
    found = {}
    for path in sorted((laid.folder / "pictures").iterdir()):
        texts = [symbol.text for symbol in reader.read(load_luma(path))]
        found[path.stem.partition("-")[2]] = judge(texts, trusted, AT).reason
    assert found == GREEN_LANE | {"test": "documents-missing"}  # by itself; what went before it: test_demo.py
    assert list(found) == list(GREEN_LANE)


def test_the_forged_pass_is_wrong_in_its_signature_alone(laid: Desk) -> None:
    forged = next((laid.folder / "pictures").glob("*-forged.png"))
    done = greengate("explain", "--json", "--at", AT.isoformat(), "--trust", laid.folder / "trust", forged)
    assert [layer for layer, outcome in done.result["layers"].items() if outcome != "ok"] == ["signature"]


def test_no_issuers_private_key_is_on_the_disk(laid: Desk, issuers: list[Issuer]) -> None:
    files = [path for path in laid.folder.rglob("*") if path.is_file()]
    assert len(issuers) == 4  # the trusted one and the stranger, the transport office, the laboratory
    for path in files:
        data = path.read_bytes()
        for issuer in issuers:
            assert not any(form in data for form in forms_of(issuer)), path
    keys = {path.relative_to(laid.folder).as_posix() for path in files if holds_a_key(path.read_bytes())}
    centre = {"ca/ca.key", "sealing/batches.key", "sealing/details.key", "issued/centre.desk.key"}
    centre |= {"issued/batches/batches.key"}
    assert keys == {"identity/device.key", *(f"centre/home/{name}" for name in centre)}
    assert {(laid.folder / name).stat().st_mode & 0o777 for name in keys} == {0o600}
    assert {(laid.folder / name).stat().st_mode & 0o777 for name in ("identity", "centre")} == {0o700}


def test_device_and_collector_have_keys_that_fit(laid: Desk) -> None:
    files, collector = load_config(laid.config).centre_files, load_collector_config(laid.collector_config)
    assert files.ca
    assert files.keys
    assert files.certificate
    assert files.key
    ca, certificate, key = collector.signing
    assert Signer.load(files.certificate, files.key).name == "desk-1"
    assert Signer.load(certificate, key).name == "centre.desk"
    to = Recipient.load(files.keys, "batches", Authority.load(ca))
    assert Unsealer.load(collector.keys).unseal(to.key_id, to.seal(b"a batch", b""), b"") == b"a batch"


def test_a_centre_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "DEVICE", "no device's name")
    with pytest.raises(DeskError, match=r"the centre's keys were not made \(the centre knows no device of this name"):
        desk.lay(tmp_path, AT)


@pytest.mark.parametrize("issuer", [DemoIssuer(AT), DemoOffice(AT, "VN-SG", ("vehicle",))], ids=["hcert", "lx1"])
def test_the_search_for_keys_finds_one(tmp_path: Path, issuer: Issuer) -> None:
    raw = next(forms_of(issuer))
    (tmp_path / "key").write_bytes(b"\x04\x20" + raw)
    assert any(form in (tmp_path / "key").read_bytes() for form in forms_of(issuer))
    assert holds_a_key(b"-----BEGIN PRIVATE KEY-----")


def test_only_the_trusted_issuers_are_in_the_trust_folder(laid: Desk, issuers: list[Issuer]) -> None:
    trust = load_trust(laid.folder / "trust")
    stranger = issuers[-1].kid
    assert {signer.kid for signer in trust.signers.signers()} == {issuer.kid for issuer in issuers} - {stranger}
    assert all(signer.demo for signer in trust.signers.signers())


@pytest.mark.parametrize("taken_away", [(), ("demo.der",), ("signers.json",)], ids=["all", "lx1", "hcert"])
def test_a_gate_with_real_lamps_refuses_the_desks_trust(laid: Desk, taken_away: tuple[str, ...]) -> None:
    for name in taken_away:
        (laid.folder / "trust" / name).unlink()
    text = laid.config.read_text("utf-8")
    real = text.replace('[signal]\nkind = "simulated"', '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27')
    laid.config.write_text(real.replace('kind = "assumed"', 'kind = "system"'), "utf-8")
    command = [sys.executable, "-m", "firmware.gate", "--config", str(laid.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert "demonstration keys with gpio lamps" in json.loads(line)["why"]


def test_a_broker_and_a_centre_that_report(laid: Desk) -> None:
    with desk.broker(laid), desk.collector(laid) as centre:
        assert json.loads(centre.readline()) == {"event": "connected"}
        assert laid.store.exists()
    assert "rror" not in (laid.folder / "mosquitto.log").read_text("utf-8")


def test_what_runs_on_the_desk_is_killed_where_it_does_not_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(desk, "STOP_S", 0.05)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    )
    with (
        (tmp_path / "log").open("wb") as log,
        desk._process([sys.executable, "-c", deaf], subprocess.PIPE, log) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
    wait_until(lambda: process.returncode == -signal.SIGKILL, "it was killed")


def test_without_mosquitto_it_says_what_to_install(laid: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(DeskError, match="make setup"), desk.broker(laid):
        pass
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        done = greengate("demo", "--json")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert done.code == 69
    assert "apt-get install mosquitto" in done.result["error"]
    assert len(done.err.splitlines()) == 1
