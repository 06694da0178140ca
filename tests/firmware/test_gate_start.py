"""What a gate needs to start, how it refuses, and what it says when it dies."""

import binascii
import json
import os
import shutil
import signal as signals
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from drivers.errors import DeviceMissingError
from drivers.signal.simulated import last_lamps
from firmware.config import Config, ConfigError
from firmware.gate import Gate, main
from firmware.lamps import LampsOnDemand
from firmware.program import EX_CONFIG, EX_UNAVAILABLE, StopFlag, prepare_run_folder, refuse
from firmware.sealing import Recipient
from firmware.service_state import begin, end
from firmware.trust_switch import trust_of
from firmware.wiring import signal_of
from tests.firmware.site import Site, make_site
from tests.pki import Pki


@pytest.fixture(autouse=True)
def _signals_and_hook_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    before = {number: signals.getsignal(number) for number in (signals.SIGINT, signals.SIGTERM)}
    yield
    for number, handler in before.items():
        signals.signal(number, handler)


def test_only_one_gate_runs_in_a_folder(tmp_path: Path) -> None:
    prepare_run_folder(tmp_path / "run", "gate")
    with pytest.raises(ConfigError, match="another gate runs here"):
        prepare_run_folder(tmp_path / "run", "gate")


def test_only_one_gate_runs_in_a_folder_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    lock = prepare_run_folder(folder, "gate")
    shutil.rmtree(folder)
    (tmp_path / "link").symlink_to(folder)
    for again in (folder, tmp_path / "link"):
        with pytest.raises(ConfigError, match="another gate runs here"):
            prepare_run_folder(again, "gate")
    os.close(prepare_run_folder(folder, "supervisor"))
    os.close(lock)
    os.close(prepare_run_folder(folder, "gate"))


def test_the_lock_holds_across_network_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = prepare_run_folder(tmp_path / "run", "gate")
    monkeypatch.setattr(binascii, "crc32", lambda _: 0)  # as there, the socket's name is free
    with pytest.raises(ConfigError, match="another gate runs here"):
        prepare_run_folder(tmp_path / "run", "gate")
    os.close(lock)
    os.close(prepare_run_folder(tmp_path / "run", "gate"))


def test_a_path_that_is_no_unicode_is_refused_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert refuse("gate", ConfigError("/etc/\udcff.toml: no such file")) == EX_CONFIG
    assert json.loads(capfd.readouterr().err)["why"] == "/etc/\\udcff.toml: no such file"


def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a folder this user can write"):
        prepare_run_folder(tmp_path / "file" / "run", "gate")


def test_demonstration_keys_light_no_real_lamps(tmp_path: Path) -> None:
    config = make_site(tmp_path).config
    real = msgspec.structs.replace(config.signal, kind="gpio", red_pin=17, green_pin=27)
    with pytest.raises(ConfigError, match="demonstration keys with gpio lamps"):
        trust_of(msgspec.structs.replace(config, signal=real))


def _service_state(site: Site) -> None:
    begin(site.config.service_marker, datetime.now(UTC))


def test_demonstration_keys_light_real_lamps_only_in_a_test_in_service_state(tmp_path: Path) -> None:
    site = make_site(tmp_path, run="test = true")
    real = msgspec.structs.replace(site.config.signal, kind="gpio", red_pin=17, green_pin=27)
    config = msgspec.structs.replace(site.config, signal=real)
    with pytest.raises(ConfigError, match="demonstration keys with gpio lamps"):
        trust_of(config)
    _service_state(site)
    assert trust_of(config).demo
    untested = msgspec.structs.replace(config, run=msgspec.structs.replace(config.run, test=False))
    with pytest.raises(ConfigError, match="demonstration keys with gpio lamps"):
        trust_of(untested)


def test_a_test_without_service_state_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path, run="test = true")
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == EX_CONFIG
    (line,) = capfd.readouterr().err.splitlines()
    assert "only in service state: greengate service start" in line
    assert not site.config.lamp_history.exists()


def test_a_test_ends_with_service_state_dark_and_with_a_status_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path, run="test = true")
    _service_state(site)
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    monkeypatch.setattr("firmware.gate.notify", lambda *_: end(site.config.service_marker))  # ready: it is over
    assert main() == EX_UNAVAILABLE
    lamps = last_lamps(site.config.lamp_history)
    assert (lamps.red, lamps.green) == (False, False)


def _without_signers(site: Site) -> None:
    (site.folder / "trust/demo.der").unlink()


def _with_a_broken_signer(site: Site) -> None:
    (site.folder / "trust/demo.der").write_bytes(b"no certificate")


@pytest.mark.parametrize("spoil", [_without_signers, _with_a_broken_signer])
def test_without_trust_it_does_not_start(
    tmp_path: Path, spoil: Callable[[Site], None], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    spoil(site)
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == 78
    (line,) = capfd.readouterr().err.splitlines()
    assert '"event":"start-refused"' in line
    assert str(site.folder / "trust") in line


def test_a_profile_that_asks_for_details_has_them_sealed_to_the_centre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, object] = {}

    def run(_config: Config, open_: partial[Gate], _stop: StopFlag, *, demo: bool) -> int:
        made.update(open_.keywords, demo=demo)
        return 0

    monkeypatch.setattr("firmware.gate._run", run)
    for folder, more in (("asked", '[profile]\ndetails = ["name"]'), ("usual", "")):
        site = make_site(tmp_path / folder, more=more)
        monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
        assert main() == 0
        recipient = made["recipient"]
        key_id = recipient.key_id if isinstance(recipient, Recipient) else None
        assert key_id == (Pki.shared().recipient("details").key_id if more else None)


def test_a_profile_that_asks_for_details_does_not_start_without_the_centre_s_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path, more='[profile]\ndetails = ["name"]')
    (tmp_path / "identity/centre.pem").unlink()
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == EX_CONFIG
    (line,) = capfd.readouterr().err.splitlines()
    assert f"key profile.details: {tmp_path}/identity/centre.pem" in line
    assert not site.config.lamp_history.exists()


def test_contacts_that_are_missing_at_the_start_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    site.config.contacts_pipe.touch()
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == EX_CONFIG
    (line,) = capfd.readouterr().err.splitlines()
    assert "is no named pipe" in line
    assert not site.config.lamp_history.exists()


def test_without_a_configuration_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(tmp_path / "none.toml")])
    assert main() == 78
    assert "no such file" in capfd.readouterr().err


def test_lamps_that_are_missing_at_the_start_are_refused(tmp_path: Path) -> None:
    config = make_site(tmp_path).config
    gone = msgspec.structs.replace(config.signal, history=tmp_path / "nowhere" / "lamps.jsonl")
    with pytest.raises(DeviceMissingError):
        LampsOnDemand(lambda: signal_of(msgspec.structs.replace(config, signal=gone)))


def test_a_run_folder_that_holds_something_else_is_refused_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    site.config.events_socket.mkdir()
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == 78
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == ["trust-loaded", "start-refused", "stopped"]
    assert (events[0]["signers"], events[0]["unusable"]) == (1, 0)
    assert str(site.config.run.folder) in events[1]["why"]


CRASH = """
import sys
from firmware.crash import report_crash
sys.excepthook = report_crash
def gate(text):
    raise ValueError(text)
gate("HC1:6BF")
"""


def test_the_last_words_of_a_gate_quote_no_pass() -> None:
    died = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, timeout=30, check=False)
    assert died.returncode == 1
    (line,) = died.stderr.splitlines()
    assert json.loads(line)["event"] == "crashed"
    assert json.loads(line)["kind"] == "ValueError"
    assert "HC1" not in died.stderr
