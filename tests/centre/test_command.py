"""`greengate-centre command`: a signed word to one device over a real broker, and what comes back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from centre.main import app
from centre.showing import command as module
from drivers.broker import Broker, open_broker
from firmware.checkin import milliseconds
from firmware.wire_device import (
    Order,
    Report,
    Status,
    command_topic,
    decode_order,
    encode_report,
    encode_status,
    report_topic,
    status_topic,
)
from tests.fixtures_mqtt import HOST, Mosquitto, free_port
from tests.pki import Pki

PKI = Pki.shared()
DEVICE = PKI.signer("gate-1")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["command", *map(str, words)], env={"COLUMNS": "200", "TERM": "dumb"})


def configuration(folder: Path, port: int) -> Path:
    keys = PKI.files(folder / "keys", "centre.desk")
    path = folder / "centre.toml"
    path.write_text(f"""
        [broker]
        host = "{HOST}"
        port = {port}
        [store]
        path = "centre.db"
        [centre]
        ca = "{keys}/ca.pem"
        certificate = "{keys}/device.pem"
        key = "{keys}/device.key"
        batches = ["{keys}/batches.key"]
        """)
    return path


def now() -> datetime:
    return datetime.now(UTC)


class Kiosk:
    """A device at the broker: it says that it is online, and answers each command with what it was given to say."""

    def __init__(self, broker: Broker, report: bytes | None) -> None:
        self.orders: list[Order] = []
        self._broker, self._report = broker, report
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live)

    @contextmanager
    def living(self) -> Iterator["Kiosk"]:
        self._broker.subscribe(command_topic("gate-1"))
        while not self._broker.connected:
            self._ended.wait(0.01)
        status = Status("gate-1", milliseconds(now()), online=True)
        self._broker.publish(status_topic("gate-1"), encode_status(status, DEVICE), retained=True)
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join(10)

    def _live(self) -> None:
        while not self._ended.is_set():
            message = self._broker.receive(0.05)
            if message is None:
                continue
            self.orders.append(decode_order(message.payload, PKI.authority, now()))
            if self._report is not None:
                made = Report("gate-1", milliseconds(now()), self._report)
                signed = encode_report(made, DEVICE, PKI.recipient())
                self._broker.publish(report_topic("gate-1"), b"nonsense")
                self._broker.publish(report_topic("gate-1"), signed)


@contextmanager
def kiosk(mosquitto: Mosquitto, report: bytes | None = None) -> Iterator[Kiosk]:
    broker = open_broker("mqtt", host=HOST, port=mosquitto.port, client_id="gate-1")
    with broker, Kiosk(broker, report).living() as device:
        yield device


@pytest.mark.parametrize("word", ["sync-now", "identify", "report"])
def test_a_word_reaches_its_device_signed_by_the_centre(mosquitto: Mosquitto, tmp_path: Path, word: str) -> None:
    with kiosk(mosquitto) as device:
        done = run("gate-1", word, "--config", configuration(tmp_path, mosquitto.port))
        assert done.exit_code == 0, done.output
        assert f"{word} is with the broker for gate-1, which said just now that it is online" in done.stdout
    assert [(order.device, order.command) for order in device.orders] == [("gate-1", word)]


def test_each_command_has_an_identifier_of_its_own(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, mosquitto.port)
    with kiosk(mosquitto) as device:
        for _ in range(2):
            assert run("gate-1", "identify", "--config", config).exit_code == 0
    assert len({order.id for order in device.orders}) == 2


def test_a_report_is_shown_when_it_comes(mosquitto: Mosquitto, tmp_path: Path) -> None:
    told = {"health": {"unsent": 3}, "lane": "Cổng \x1b[2J số 1"}
    config = configuration(tmp_path, mosquitto.port)
    with kiosk(mosquitto, json.dumps(told).encode()):
        done = run("gate-1", "report", "--config", config, "--wait", "20")
        assert done.exit_code == 0, done.output
        assert '"unsent": 3' in done.stdout
        assert "\x1b" not in done.stdout
        said = run("gate-1", "report", "--config", config, "--wait", "20", "--json").stdout
    sent, report = map(json.loads, said.splitlines())
    assert (sent["event"], sent["status"]["online"]) == ("command-sent", True)
    assert (report["event"], report["device"], report["report"]) == ("report", "gate-1", told)


@pytest.mark.parametrize("content", [b"[]", b"nonsense", b"[" * 20_000])
def test_a_report_that_is_none_is_told(mosquitto: Mosquitto, tmp_path: Path, content: bytes) -> None:
    with kiosk(mosquitto, content):
        done = run("gate-1", "report", "--config", configuration(tmp_path, mosquitto.port), "--wait", "20")
    assert done.exit_code == 75
    assert "no JSON object" in done.stderr


def test_a_device_that_never_said_anything_is_told_so(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, mosquitto.port)
    done = run("gate-1", "identify", "--config", config)
    assert (done.exit_code, "never said how it is" in done.stdout) == (0, True)
    done = run("gate-1", "report", "--config", config, "--wait", "0.5")
    assert (done.exit_code, "is it online?" in done.stderr) == (75, True)


def test_a_device_that_is_offline_is_told_so(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with open_broker("mqtt", host=HOST, port=mosquitto.port, client_id="gate-1") as broker:
        while not broker.connected:
            threading.Event().wait(0.01)
        gone = encode_status(Status("gate-1", milliseconds(now()), online=False), DEVICE)
        broker.publish(status_topic("gate-1"), gone, retained=True)
        done = run("gate-1", "sync-now", "--config", configuration(tmp_path, mosquitto.port))
    assert "gate-1, which is offline: it acts where it is back within an hour" in done.stdout


def test_a_broker_that_is_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAKEN_S", 0.5)
    port = free_port()
    done = run("gate-1", "identify", "--config", configuration(tmp_path, port), "--json")
    assert done.exit_code == 75
    assert f"{HOST}:{port} cannot be reached" in json.loads(done.stdout)["error"]
    assert len(done.stderr.splitlines()) == 1


def test_a_broker_that_refuses_the_command_is_told(start_mosquitto: Any, tmp_path: Path) -> None:  # noqa: ANN401
    rules = tmp_path / "acl"
    rules.write_text("topic read #\n")
    rules.chmod(0o644)
    broker = start_mosquitto(options=(f"acl_file {rules}",))
    done = run("gate-1", "identify", "--config", configuration(tmp_path, broker.port))
    assert done.exit_code == 75
    assert "refuses a message" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["Gate 1", "identify"], 2),
        (["gate-1\n", "identify"], 2),
        (["../gate", "identify"], 2),
        (["gate-1", "open"], 2),
        (["gate-1"], 2),
        (["gate-1", "identify", "--config", "/nowhere/centre.toml"], 78),
    ],
)
def test_what_is_no_command_is_refused(tmp_path: Path, words: list[str], code: int) -> None:
    more = [] if "--config" in words else ["--config", str(configuration(tmp_path, 1))]
    assert run(*words, *more).exit_code == code


def test_keys_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    config = configuration(tmp_path, 1)
    (tmp_path / "keys" / "device.key").write_text("nonsense")
    done = run("gate-1", "identify", "--config", config)
    assert (done.exit_code, len(done.stderr.splitlines())) == (78, 1)
