"""A real mosquitto with our configuration: who connects, who writes and reads what, and who is dropped."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from centre.authority.ca import Authority
from centre.broker import access as broker_access
from centre.broker import process as broker_process
from centre.broker.access import BrokerSettings, apply_revocation, load_settings
from centre.broker.process import BrokerTellError, check_config, reload_broker
from centre.broker.template import acl_text
from centre.devices.registry import Registry
from centre.main import app
from drivers.broker import Broker
from firmware.checkin import to_row
from firmware.envelope import Signer
from firmware.wire import Batch, ack_topic, batch_topic, decode_ack, encode_batch
from tests.centre.broker_site import PASSING_S, BrokerSite, now, until
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Authority as Stranger

SHARED = "$share/collectors/greengate/v1/+/batch"  # of a group whose name everybody knows


@pytest.fixture
def site(broker: BrokerSite) -> Iterator[BrokerSite]:
    """Give the broker; the clients of a test end with it."""
    yield broker
    broker.opened.pop_all().close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSite]:
    folder = tmp_path_factory.mktemp("broker")
    made = BrokerSite(folder / "home").make()
    for name in ("centre.main", "centre.spare"):
        made.issue("collector", name)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def received(client: Broker, timeout_s: float = 5.0) -> bytes | None:
    message = client.receive(timeout_s)
    return None if message is None else message.payload


def test_a_device_and_the_collectors_reach_each_other(site: BrokerSite) -> None:
    device = site.connected("gate-1", "device", ack_topic("gate-1"))
    old = site.connected("gate-0", "device", ack_topic("gate-0"), protocol="3.1.1")
    collector = site.connected("centre.main", "collector", SHARED)
    spare = site.connected("centre.spare", "collector", "greengate/v1/+/batch")
    for name, client in (("gate-1", device), ("gate-0", old)):
        client.publish(batch_topic(name), b"batch")
        assert received(spare) == received(collector) == b"batch"
        collector.publish(ack_topic(name), b"ack")
        assert received(client) == b"ack"


def test_a_device_writes_and_reads_nothing_of_others(site: BrokerSite) -> None:
    other = site.connected("gate-3", "device", ack_topic("gate-3"))
    spy = site.connected(
        *("gate-2", "device", ack_topic("gate-3"), batch_topic("gate-3"), "greengate/#", "#", "$SYS/#", "$share/own/#")
    )
    collector = site.connected("centre.main", "collector", SHARED)
    for topic in (batch_topic("gate-3"), ack_topic("gate-3"), ack_topic("gate-2"), "greengate/v1/gate-3/probe"):
        spy.publish(topic, b"forged")
    spy.publish(batch_topic("gate-2"), b"own")
    assert received(collector) == b"own"
    other.publish(batch_topic("gate-3"), b"genuine")
    assert received(collector) == b"genuine"
    collector.publish(ack_topic("gate-3"), b"ack")
    assert received(other) == b"ack"
    assert received(spy, PASSING_S) is None
    assert received(other, 0) is None


def test_who_joins_a_group_of_collectors_takes_nothing_from_them(site: BrokerSite, tmp_path: Path) -> None:
    for number in range(3):
        site.connected(f"rogue-{number}", "device", SHARED, "$share/collectors/#")
    device = site.connected("gate-20", "device", ack_topic("gate-20"))
    signer, recipient = Signer.load(*site.issue("device", "gate-20")), site.recipient()
    made = [Batch("gate-20", bytes(8), number, (to_row(checkin(number)),)) for number in range(1, 9)]
    batches = [encode_batch(batch, signer, recipient) for batch in made]
    with site.collecting("centre.main", tmp_path / "centre.db") as process:
        for batch in batches:
            device.publish(batch_topic("gate-20"), batch.message)
        acked = [decode_ack(received(device) or b"", site.trusted, now()).digest for _ in batches]
        process.kill()
    assert acked == [batch.digest for batch in batches]


def test_the_broker_says_that_a_write_to_anothers_topic_is_refused(site: BrokerSite) -> None:
    device = site.connected("gate-4")
    device.publish("greengate/v1/gate-4/probe", b"")
    device.publish("greengate/v1/gate-5/probe", b"")
    until(lambda: device.fault is not None)
    assert device.connected


def test_a_device_cannot_evict_another_whatever_it_calls_itself(site: BrokerSite) -> None:
    victim = site.connected("gate-6", "device", ack_topic("gate-6"))
    files = site.issue("device", "gate-7")
    rogue = site.client("gate-6", files, client_id="gate-6")
    until(lambda: rogue.connected)
    assert not victim.receive(PASSING_S)
    assert victim.connected
    assert "Client gate-6 already connected" not in site.log()


def test_without_a_certificate_of_the_ca_nobody_connects(site: BrokerSite, tmp_path: Path) -> None:
    stranger = Stranger(tmp_path).issue("gate-1")
    client = site.client("gate-1", stranger)
    until(lambda: "CA" in str(client.fault) or "alert" in str(client.fault), lambda: str(client.fault))
    context = ssl.create_default_context(cafile=str(site.home / "ca.pem"))
    context.check_hostname = False
    assert not _answers(site, context)
    context.load_cert_chain(*map(str, site.issue("device", "gate-8")))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _answers(site, context)


def _answers(site: BrokerSite, context: ssl.SSLContext) -> bool:
    """Tell whether the broker answers an MQTT CONNECT over TLS."""
    connect = bytes.fromhex("1010 0004 4d515454 04 02 003c 0004 65766963")
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", site.port), 5)) as connection:
            connection.sendall(connect)
            return connection.recv(4) == bytes.fromhex("20020000")
    except OSError:
        return False


def test_a_revoked_device_is_dropped_and_stays_out_and_the_others_stay(site: BrokerSite) -> None:
    thief, other = site.connected("gate-9"), site.connected("gate-10")
    collector = site.connected("centre.main", "collector", SHARED)
    log = len(site.log())
    before_s = time.monotonic()
    site.revoke("gate-9")
    assert time.monotonic() - before_s < 5
    until(lambda: not thief.connected)
    until(lambda: "revoked" in str(thief.fault).lower(), lambda: str(thief.fault))
    assert other.connected
    assert collector.connected
    assert "gate-10" not in site.log()[log:]
    again = site.client("gate-9", (site.home / "clients" / "gate-9.pem", site.home / "clients" / "gate-9.key"))
    until(lambda: "revoked" in str(again.fault).lower(), lambda: str(again.fault))


def test_a_revoked_collector_is_dropped_too(site: BrokerSite) -> None:
    collector = site.connected("centre.lost", "collector")
    site.revoke("centre.lost")
    until(lambda: not collector.connected)


def test_one_that_has_a_newer_certificate_comes_back(site: BrokerSite) -> None:
    files = site.issue("device", "gate-11")
    device = site.client("gate-11", files)
    until(lambda: device.connected)
    log = len(site.log())
    before_s = time.monotonic()
    assert apply_revocation(site.home, ["gate-11"], now())
    assert time.monotonic() - before_s < 5
    until(lambda: device.connected, lambda: str(device.fault))
    assert "gate-11 already connected" in site.log()[log:]


def test_an_access_list_is_read_anew(site: BrokerSite) -> None:
    late = site.connected("centre.late", "collector", SHARED)
    device = site.connected("gate-12")
    device.publish(batch_topic("gate-12"), b"1")
    assert received(late, PASSING_S) is None
    site.write()
    reload_broker(Path(site.settings.pid_file))

    def arrived() -> bool:
        device.publish(batch_topic("gate-12"), b"2")
        return received(late, 0.1) == b"2"

    until(arrived)


def test_a_new_revocation_list_is_told_to_it(site: BrokerSite) -> None:
    context = ssl.create_default_context(cafile=str(site.home / "ca.pem"))
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*map(str, site.issue("device", "gate-21")))
    assert _answers(site, context)
    with Registry.open(site.home) as registry:
        registry.revoke([one.serial for one in registry.certificates("gate-21")], "test", now())
    assert CliRunner().invoke(app, ["ca", "crl", "--home", str(site.home)], catch_exceptions=False).exit_code == 0
    until(lambda: not _answers(site, context))


def test_our_mosquitto_takes_the_configuration(site: BrokerSite) -> None:
    config = site.write()
    assert check_config(config)[0].isdigit()
    wrong = site.home / "wrong.conf"
    wrong.write_text(config.read_text() + "shoe_size 42\n")
    with pytest.raises(BrokerTellError, match="shoe_size"):
        check_config(wrong)


def test_the_key_is_nobody_elses(site: BrokerSite) -> None:
    site.write()
    assert (site.home / "broker" / "server.key").stat().st_mode & 0o077 == 0


def test_a_home_without_a_broker_has_nobody_to_tell(tmp_path: Path) -> None:
    assert not apply_revocation(tmp_path, ["gate-1"], now())
    assert load_settings(tmp_path) is None
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "settings.json").write_text("{")
    with pytest.raises(BrokerTellError, match=r"settings\.json"):
        load_settings(tmp_path)


def test_a_broker_that_does_not_run_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_process, "SYSTEMD_RUNS", tmp_path / "none")
    pid_file = tmp_path / "pid"
    for text in ("", "nonsense", "1", "-1", str(os.getpid())):
        pid_file.write_text(text)
        with pytest.raises(BrokerTellError, match="by hand"):
            reload_broker(pid_file)


def test_one_that_cannot_be_reached_may_still_have_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = BrokerSite(tmp_path / "home").make()
    made.issue("device", "gate-1")
    made.write()
    monkeypatch.setattr(broker_access, "reload_broker", lambda _: None)
    monkeypatch.setattr(broker_access, "EVICTION_MAX_S", 0.2)
    with pytest.raises(BrokerTellError, match="gate-1 may still be connected"):
        apply_revocation(made.home, ["gate-1"], now())
    assert apply_revocation(made.home, ["broker.example.vn"], now())  # no client: nothing to drop


def test_names_that_are_more_than_a_line_are_refused() -> None:
    for wrong in ({"bind": "127.0.0.1\nallow_anonymous true"}, {"user": "root\n"}, {"pid_file": "/run/a\nb"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"hosts": ["a"], **wrong}, BrokerSettings)


def test_the_access_list_has_what_the_wire_format_says() -> None:
    text = acl_text(["centre.main"])
    device, collector = text.split("\nuser centre.main\n")
    patterns = [line for line in device.splitlines() if not line.startswith("#")]
    assert patterns == [
        *(f"pattern write greengate/v1/%u/{level}" for level in ("batch", "probe", "status", "report")),
        *(f"pattern read greengate/v1/%u/{level}" for level in ("ack", "command")),
        "pattern read greengate/v1/trust",
    ]
    assert collector.splitlines() == [
        *(f"topic read greengate/v1/+/{level}" for level in ("batch", "status", "report")),
        *(f"topic write greengate/v1/+/{level}" for level in ("ack", "command")),
        "topic readwrite greengate/v1/trust",
    ]


def command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "centre.main", "mosquitto", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_remembers_and_changes_nothing_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert command("--home", home, "--server", "broker.example.vn").returncode == 78
    Authority.init(home, now())
    assert command("--home", home).returncode == 2
    assert command("--home", home, "--server", "no host").returncode == 78
    first = command("--home", home, "--server", "broker.example.vn", "--user", "root", "--check", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["changed"], told["told"], told["taken-by"].split()[0]) == (True, False, "mosquitto")
    again = json.loads(command("--home", home, "--json").stdout)
    assert (again["changed"], again["config"]) == (False, str(home / "broker" / "mosquitto.conf"))
    assert "listener 8883\n" in (home / "broker" / "mosquitto.conf").read_text()
    assert command("--home", home, "--port", "1", "--bind", "a b").returncode == 2
