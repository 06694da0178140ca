"""The command, in its own process: what it prints, and its exit codes."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centre.collecting.config import ConfigError, load_config
from centre.collecting.store import open_store
from drivers.broker import Broker, open_broker
from firmware.wire import ack_topic, batch_topic, decode_ack, encode_batch
from tests.centre.batches import batch_of
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Authority, Mosquitto
from tests.pki import Pki

PKI = Pki.shared()
BATCH = batch_of(1, checkin(1), checkin(2))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "centre.main", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def collecting(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-m", "centre.main", "collect", "--json", *map(str, arguments)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline()) == {"event": "connected"}
            yield process
        finally:
            process.kill()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Give a folder as `ca issue --collector` fills it."""
    folder = PKI.files(tmp_path / "keys", "centre.main")
    for made, named in (("device.pem", "centre.main.pem"), ("device.key", "centre.main.key")):
        (folder / made).rename(folder / named)
    (folder / "batches").mkdir()
    (folder / "batches.key").rename(folder / "batches" / "batches.key")
    return folder


def test_wrong_usage_and_what_cannot_be_used_have_their_exit_codes(tmp_path: Path, keys: Path) -> None:
    assert command("collect").returncode == 2
    assert command("status", "--store", "a", "--config", "b").returncode == 2
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"nonsense" * 1000)
    for arguments in (("status", "--store", garbage), ("collect", "--config", tmp_path / "missing.toml")):
        done = command(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (78, 1), done.stderr
    empty = ("collect", "--broker", "127.0.0.1", "--store", tmp_path / "new.db", "--keys", keys / "batches")
    done = command(*empty)
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1), done.stderr


def test_collect_stores_acknowledges_and_stops_in_order(mosquitto: Mosquitto, tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "centre.db"
    desk = ("--broker", mosquitto.host, "--port", str(mosquitto.port), "--store", path, "--keys", keys)
    device = open_broker("mqtt", host=mosquitto.host, port=mosquitto.port, client_id="gate-1")
    encoded = encode_batch(BATCH, PKI.signer("gate-1"), PKI.recipient())
    with device, collecting(*desk) as process:
        device.subscribe(ack_topic("gate-1"))
        wait_until_connected(device)
        device.publish(batch_topic("gate-1"), encoded.message)
        message = device.receive(10)
        assert message is not None
        assert decode_ack(message.payload, PKI.authority, datetime.now(UTC)).digest == encoded.digest
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        stored = json.loads(process.stdout.readline())
        assert (stored["event"], stored["new"], stored["follows"]) == ("batch-stored", 2, True)
        assert process.wait(10) == 0
    with open_store(path) as store:
        assert len(store.entries()) == 2


def test_collect_by_configuration_over_tls(
    mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path, keys: Path
) -> None:
    certificate, key = authority.issue("collector")
    config = tmp_path / "centre.toml"
    config.write_text(
        f"""
        [broker]
        host = "{mosquitto_tls.host}"
        port = {mosquitto_tls.port}
        ca = "{authority.file}"
        certificate = "{certificate}"
        key = "{key}"
        [store]
        path = "centre.db"
        [centre]
        ca = "{keys}/ca.pem"
        certificate = "{keys}/centre.main.pem"
        key = "{keys}/centre.main.key"
        batches = ["{keys}/batches"]
        """
    )
    with collecting("--config", config) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert (tmp_path / "centre.db").exists()
    assert command("status", "--config", config).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        "[broker]\nhost = 'a'",
        "[broker]\nhost = 'a'\nhots = 'b'\n[store]\npath = 'a'",
        "[broker]\nhost = 'a'\nport = 0\n[store]\npath = 'a'",
        "[broker]\nhost = 'a'\nkey = 'k'\n[store]\npath = 'a'",
        "[broker]\nhost = 'a'\n[store]\npath = 7",
        "x = " + "[" * 30_000,
        "#" * 70_000,
    ],
)
def test_a_configuration_that_is_wrong_is_one_line_with_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"centre\.toml: .") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def wait_until_connected(broker: Broker) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if broker.connected:
            return
        waiting.wait(0.01)
    pytest.fail("the broker did not take the connection")
