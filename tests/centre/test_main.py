"""The command, in its own process: what it prints, and its exit codes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from centre.collecting.config import ConfigError, load_config
from centre.collecting.sqlite_store import SqliteStore
from drivers.broker import Broker, open_broker
from firmware.wire import Batch, ack_topic, batch_topic, decode_ack, decode_batch, encode_batch
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Authority, Mosquitto

EPOCH = bytes(range(8))
BATCH = Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2)))


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
def store(tmp_path: Path) -> Path:
    path = tmp_path / "centre.db"
    first = decode_batch(encode_batch(BATCH).message, allow_unsigned=True)
    with SqliteStore(path) as store:
        store.store(first)
    return path


def test_list_gives_one_checkin_a_line(store: Path) -> None:
    done = command("list", "--store", store, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert lines[0] == {
        "device": "gate-1",
        "epoch": EPOCH.hex(),
        "seq": 1,
        "id": str(checkin(1).id),
        "at": "2026-07-01T08:00:01.000+00:00",
        "clock_trusted": True,
        "lane": "Cổng số 1",
        "direction": "in",
        "verdict": "accepted",
        "reason": "valid",
        "kinds": ["vaccination"],
        "pseudonym": "00" * 15 + "01",
    }
    assert [line["seq"] for line in lines] == [1, 2]
    assert "Cổng số 1" in command("list", "--store", store).stdout


def test_status_says_by_its_exit_code_whether_all_is_there(store: Path) -> None:
    done = command("status", "--store", store, "--json")
    assert (done.returncode, json.loads(done.stdout)["sound"]) == (0, True)
    with SqliteStore(store) as opened:
        later = encode_batch(Batch("gate-1", EPOCH, 4, (checkin(4),))).message
        opened.store(decode_batch(later, allow_unsigned=True))
    done = command("status", "--store", store, "--json")
    assert (done.returncode, json.loads(done.stdout)["missing"]) == (1, [[3, 3]])


def test_wrong_usage_and_what_cannot_be_used_have_their_exit_codes(tmp_path: Path) -> None:
    assert command("collect").returncode == 2
    assert command("list", "--store", tmp_path / "missing").returncode == 2
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"nonsense" * 1000)
    for arguments in (("list", "--store"), ("status", "--store"), ("collect", "--broker", "127.0.0.1", "--store")):
        done = command(*arguments, garbage)
        assert (done.returncode, len(done.stderr.splitlines())) == (78, 1), done.stderr
    done = command("collect", "--config", tmp_path / "missing.toml")
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1), done.stderr


def test_collect_stores_acknowledges_and_stops_in_order(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "centre.db"
    device = open_broker("mqtt", host=mosquitto.host, port=mosquitto.port, client_id="gate-1")
    with device, collecting("--broker", mosquitto.host, "--port", str(mosquitto.port), "--store", path) as process:
        device.subscribe(ack_topic("gate-1"))
        wait_until_connected(device)
        device.publish(batch_topic("gate-1"), encode_batch(BATCH).message)
        message = device.receive(10)
        assert message is not None
        assert decode_ack(message.payload, allow_unsigned=True).digest == encode_batch(BATCH).digest
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        stored = json.loads(process.stdout.readline())
        assert (stored["event"], stored["new"], stored["follows"]) == ("batch-stored", 2, True)
        assert process.wait(10) == 0
    with SqliteStore(path) as store:
        assert len(store.entries()) == 2


def test_collect_by_configuration_over_tls(mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path) -> None:
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
        """
    )
    with collecting("--config", config) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert (tmp_path / "centre.db").exists()


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
    end_s = time.monotonic() + 10
    while not broker.connected and time.monotonic() < end_s:
        time.sleep(0.01)
