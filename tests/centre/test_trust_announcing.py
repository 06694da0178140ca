"""`greengate-centre trust announce`: a signed word to every kiosk over a real broker, which keeps it."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from centre.trust import announcing as module
from centre.trust.announcing import announce
from drivers.broker import Broker, open_broker
from firmware.checkin import milliseconds
from firmware.wire_trust import TRUST_TOPIC, Announcement, decode_announcement
from tests.centre.test_command import PKI, configuration, now
from tests.fixtures_mqtt import HOST, Mosquitto, free_port
from tests.pki import NOW

ISSUED = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
SIGNED: dict[str, Any] = {"version": 7, "issued": ISSUED, "_type": "timestamp", "meta": {}}

app = typer.Typer()
app.command()(announce)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200", "TERM": "dumb"})


def published(folder: Path, version: object = 7, **other: object) -> Path:
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    timestamp = {"signatures": [], "signed": SIGNED | {"version": version} | other}
    (folder / "metadata/timestamp.json").write_text(json.dumps(timestamp))
    return folder


def heard(broker: Broker) -> Announcement:
    message = broker.receive(5)
    assert message is not None
    return decode_announcement(message.payload, PKI.authority, now())


def test_it_reaches_who_is_there_and_who_comes_later(mosquitto: Mosquitto, tmp_path: Path) -> None:
    published(tmp_path / "home/trust/repo")
    config = configuration(tmp_path, mosquitto.port)
    with open_broker("mqtt", host=HOST, port=mosquitto.port, client_id="gate-1") as device:
        device.subscribe(TRUST_TOPIC)
        done = run("--config", config, "--home", tmp_path / "home")
        assert done.exit_code == 0, done.output
        assert heard(device) == Announcement(7, milliseconds(NOW))
    assert done.stdout.startswith("version 7, issued 2026-03-02T07:00:00")
    with open_broker("mqtt", host=HOST, port=mosquitto.port, client_id="gate-2") as later:
        later.subscribe(TRUST_TOPIC)
        assert heard(later).version == 7


def test_another_machine_s_folder_is_named_and_the_next_version_takes_its_place(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = configuration(tmp_path, mosquitto.port)
    for version in (7, 8):
        done = run("--config", config, "--from", published(tmp_path / "web", version), "--json")
        assert json.loads(done.stdout) == {
            "event": "announced",
            "version": version,
            "issued": "2026-03-02T07:00:00.000+00:00",
        }
    with open_broker("mqtt", host=HOST, port=mosquitto.port, client_id="gate-1") as device:
        device.subscribe(TRUST_TOPIC)
        assert heard(device).version == 8


def test_nothing_published_is_told(tmp_path: Path) -> None:
    done = run("--config", configuration(tmp_path, 1), "--home", tmp_path)
    assert done.exit_code == 66
    assert "timestamp.json" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [{"version": 0}, {"version": "7"}, {"issued": "soon"}, {"issued": "2026-03-02T07:00:00"}, {"version": 2**63}],
    ids=["version 0", "a text", "no time", "no zone", "too high"],
)
def test_what_is_no_timestamp_is_not_announced(tmp_path: Path, wrong: dict[str, Any]) -> None:
    done = run("--config", configuration(tmp_path, 1), "--from", published(tmp_path, **wrong))
    assert done.exit_code == 65
    assert len(done.stderr.splitlines()) == 1


def test_a_broker_that_is_away_is_told_with_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAKEN_S", 0.2)
    port = free_port()
    done = run("--config", configuration(tmp_path, port), "--from", published(tmp_path), "--json")
    assert done.exit_code == 75
    assert f"{HOST}:{port} cannot be reached" in json.loads(done.stdout)["error"]


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("[broker]")
    assert run("--config", tmp_path / "none.toml", "--from", published(tmp_path)).exit_code == 78
