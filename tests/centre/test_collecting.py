"""Collectors as they run: processes, a real broker, a real database, and what happens to each of them."""

import itertools
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from centre.collecting import running as module
from centre.collecting.config import ConfigError, load_config
from centre.collecting.events import BatchStored, Connected, Event, SharingRefused
from centre.collecting.metrics import Metrics
from centre.collecting.running import GROUP_MAX, gather
from centre.collecting.store import open_store
from drivers.broker.simulated import SimulatedBroker, SimulatedBus
from firmware.wire import FIRST_PREVIOUS, Batch, digest_of
from firmware.wire_device import Report, Status, encode_report, encode_status, report_topic, status_topic
from tests.centre.batches import batch_of
from tests.centre.collecting_site import CollectorProcess, Devices
from tests.centre.test_collector import Site
from tests.drivers.broker_rig import until
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Mosquitto
from tests.postgres_server import MISSING, programs, running

DEVICES = [f"gate-{number}" for number in range(1, 5)]


def journal(device: str, records: int, size: int = 5) -> list[Batch]:
    batches: list[Batch] = []
    for first in range(1, records + 1, size):
        previous = digest_of(batches[-1]) if batches else FIRST_PREVIOUS
        rows = [checkin(seq) for seq in range(first, min(first + size, records + 1))]
        batches.append(batch_of(first, *rows, previous=previous, device=device))
    return batches


def check(where: str | Path, devices: list[str], records: int) -> None:
    """See that each check-in is there once, and that nothing is missing or in conflict."""
    with open_store(where) as store:
        accounts, entries = store.accounts(), store.entries(limit=100_000)
    assert [(one.device, one.stored, one.sound) for one in accounts] == [(name, records, True) for name in devices]
    assert [(one.device, one.seq) for one in entries] == [
        (name, seq) for name in devices for seq in range(1, records + 1)
    ]
    assert [one.checkin for one in entries] == [checkin(seq) for seq in range(1, records + 1)] * len(devices)


def postgresql(url: str) -> str:
    return f'postgresql = "{url}"'


def test_two_collectors_share_a_fleet_in_postgresql(mosquitto: Mosquitto, tmp_path: Path, database: str) -> None:
    fleet = [batch for device in DEVICES for batch in journal(device, 60)]
    with (
        CollectorProcess(tmp_path, mosquitto.port, postgresql(database), "one") as one,
        CollectorProcess(tmp_path, mosquitto.port, postgresql(database), "two") as two,
        Devices(mosquitto.port) as devices,
    ):
        devices.send(fleet)
        assert [collector.end(signal.SIGTERM) for collector in (one, two)] == [0, 0]
        stored = [sum(event.get("new", 0) for event in collector.events()) for collector in (one, two)]
    assert sum(stored) == 240
    assert all(stored)
    check(database, DEVICES, 60)


def test_collectors_killed_again_and_again_store_everything_once(
    mosquitto: Mosquitto, tmp_path: Path, database: str
) -> None:
    """Killed at any moment, between commit and acknowledgement too."""
    fleet = [journal(device, 60, 3) for device in DEVICES]
    collectors = [CollectorProcess(tmp_path, mosquitto.port, postgresql(database), name) for name in ("one", "two")]
    with Devices(mosquitto.port) as devices:
        for batch in itertools.chain(*fleet):
            devices.broker.subscribe(f"greengate/v1/{batch.device}/ack")
        for number in range(4):
            for collector in collectors:
                if collector.process is None:
                    collector.start()
            for batch in itertools.chain(*(one[number * 5 : number * 5 + 5] for one in fleet)):
                devices.publish(batch)
            time.sleep(0.02 * number)
            collectors[number % 2].end()
        devices.send(list(itertools.chain(*fleet)))
        for collector in collectors:
            collector.end()
    check(database, DEVICES, 60)


def test_a_database_that_is_away_is_waited_for_and_nothing_is_acknowledged(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    if programs() is None:
        pytest.skip(MISSING)
    batches = journal("gate-1", 40)
    with running() as server:
        url = server.database()
        collector = CollectorProcess(tmp_path, mosquitto.port, postgresql(url))
        with collector, Devices(mosquitto.port) as devices:
            devices.send(batches[:2])
            server.kill()
            devices.broker.subscribe("greengate/v1/gate-1/ack")
            acknowledged = len(devices.acks)
            for batch in batches[2:]:
                devices.publish(batch)
            collector.until("store-failed")
            assert devices.broker.receive(0.5) is None
            collector.end()  # started anew meanwhile, it waits as well
            collector.start(connected=False)
            collector.until("store-failed", len(collector.events()))
            server.start()
            devices.send(batches)
            assert len(devices.acks) > acknowledged
            assert len([event for event in collector.events() if event["event"] == "store-failed"]) == 2
        check(url, ["gate-1"], 40)


def test_a_collector_stops_when_told_even_where_its_database_hangs(mosquitto: Mosquitto, tmp_path: Path) -> None:
    if programs() is None:
        pytest.skip(MISSING)
    batches = journal("gate-1", 40)
    with running() as server:
        url = server.database()
        collector = CollectorProcess(tmp_path, mosquitto.port, postgresql(url))
        with collector, Devices(mosquitto.port) as devices:
            devices.send(batches[:2])
            server.freeze()
            devices.publish(batches[2])
            time.sleep(1)
            begun_s = time.monotonic()
            assert collector.end(signal.SIGTERM) == 0
            assert time.monotonic() - begun_s < 10
            assert "no answer" in collector.until("store-failed")["why"]
            server.thaw()
            collector.start()
            devices.send(batches)
        check(url, ["gate-1"], 40)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_site_with_one_file_and_either_protocol(mosquitto: Mosquitto, tmp_path: Path, protocol: str) -> None:
    collector = CollectorProcess(tmp_path, mosquitto.port, 'path = "centre.db"\nretention_days = 3650')
    text = collector.config.read_text().replace("[store]", f'protocol = "{protocol}"\n[store]')
    collector.config.write_text(text)
    with collector, Devices(mosquitto.port) as devices:
        devices.send(journal("gate-1", 20))
    check(collector.config.parent / "centre.db", ["gate-1"], 20)


def test_a_broker_that_shares_nothing_gives_each_collector_everything(tmp_path: Path, database: str) -> None:
    """As RabbitMQ: no group in the configuration."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    try:
        collectors = [CollectorProcess(tmp_path, broker.port, postgresql(database), name) for name in ("one", "two")]
        for collector in collectors:
            lines = [line for line in collector.config.read_text().splitlines() if not line.startswith("group")]
            collector.config.write_text("\n".join(lines))
        with collectors[0] as one, collectors[1] as two, Devices(broker.port) as devices:
            devices.send(journal("gate-1", 30))
            time.sleep(0.3)
            new = [sum(event.get("new", 0) for event in collector.events()) for collector in (one, two)]
            known = [sum(event.get("known", 0) for event in collector.events()) for collector in (one, two)]
    finally:
        broker.stop()
    assert (sum(new), sum(known) >= 30) == (30, True)
    check(database, ["gate-1"], 30)


def test_figures_are_served_where_it_is_asked_for(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        CollectorProcess(tmp_path, mosquitto.port, 'path = "centre.db"', more=f"[metrics]\nport = {port}\n"),
        Devices(mosquitto.port) as devices,
    ):
        devices.send(journal("gate-1", 10))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    assert 'greengate_records_total{state="new"} 10.0' in text
    assert "greengate_connected 1.0" in text


def test_what_devices_say_of_themselves_is_kept(mosquitto: Mosquitto, tmp_path: Path) -> None:
    status, report = Status("gate-1", 5, online=True, unsent=7), Report("gate-1", 6, b"{}")
    with Devices(mosquitto.port) as devices:
        signer, where = devices.pki.signer("gate-1"), tmp_path / "one" / "centre.db"
        until(lambda: devices.broker.connected)
        devices.broker.publish(status_topic("gate-1"), encode_status(status, signer), retained=True)
        with CollectorProcess(tmp_path, mosquitto.port, 'path = "centre.db"'):
            message = encode_report(report, signer, devices.pki.recipient())
            devices.broker.publish(report_topic("gate-1"), message)
            with open_store(where) as store:
                until(lambda: store.report("gate-1") is not None and bool(store.devices()))
                (known,) = store.devices()
                assert (known.device, known.status, store.report("gate-1")) == ("gate-1", status, report)


def test_what_waits_is_taken_together_bounded(tmp_path: Path) -> None:
    site = Site(tmp_path)
    broker = site.bus.broker("other")
    broker.subscribe("greengate/v1/+/batch")
    for batch in journal("gate-1", GROUP_MAX + 10, 1):
        site.device.publish(*site.message(batch))
    assert [len(gather(broker, 0)) for _ in range(3)] == [GROUP_MAX, 10, 0]
    site.store.close()


class Unshared(SimulatedBroker):
    """A client of a broker that refuses shared subscriptions (MQTT 5, 3.9.3: 0x9E)."""

    @property
    def fault(self) -> str | None:
        shared = any(found.group for found in self.filters)
        return "the broker refuses a subscription: Shared subscription not supported" if shared else super().fault


def test_a_broker_that_refuses_to_share_is_asked_for_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, bus = Site(tmp_path), SimulatedBus()
    device = bus.broker("devices")
    device.subscribe("greengate/v1/gate-1/ack")
    monkeypatch.setattr(module, "open_broker", lambda *_, **__: Unshared(bus, "centre"))
    config = load_config(CollectorProcess(tmp_path, 1, 'path = "unshared.db"').config)
    events: list[Event] = []

    def stopping() -> bool:
        if Connected() in events:
            device.publish(*site.message(batch_of(1, checkin(1))))
        return any(isinstance(event, BatchStored) for event in events)

    module.run(config, events.append, stopping)
    assert [type(event) for event in events[:3]] == [SharingRefused, Connected, BatchStored]
    assert device.receive(0) is not None
    site.store.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[store]\npath = 'x'\npostgresql = 'postgresql:///x'", "one of store.path and store.postgresql"),
        ("[store]\nretention_days = 3", "one of store.path and store.postgresql"),
        ("[store]\npath = 'x'\n[metrics]\nport = 0", "metrics.port"),
        ("[store]\npath = 'x'\nretention_days = 0", "retention_days"),
    ],
)
def test_a_wrong_configuration_is_one_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "collector.toml"
    given = "[broker]\nhost = 'b'\nca = 'a'\ncertificate = 'c'\nkey = 'k'\n[centre]\nbatches = ['b']\n"
    file.write_text(given + text)
    with pytest.raises(ConfigError, match=why):
        load_config(file)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = tmp_path / "collector.toml"
        file.write_text(
            "[broker]\nhost = 'b'\nca = 'a'\ncertificate = 'c'\nkey = 'k'\n[store]\npath = 'x'\n"
            f"[centre]\nbatches = ['b']\n[metrics]\nport = {port}\n"
        )
        config = load_config(file).metrics
        assert config is not None
        with pytest.raises(ConfigError, match=r"metrics\.port"):
            Metrics().serve(config)
