"""A fleet through somebody else's broker: RabbitMQ's MQTT plug-in, 3.1.1, without shared subscriptions."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from drivers.broker import Broker, open_broker
from tests.faults.programs import until
from tests.faults.rabbit import Rabbit, definitions, needs_rabbit
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.fixtures_mqtt import HOST, Authority
from tests.pki import Pki

pytestmark = [needs_rabbit, pytest.mark.slow]
DEVICES = ("gate-1", "gate-2", "gate-3")
COLLECTORS = ("main", "two")
STORED = '-stored"'  # batch-stored, batches-stored
OWN = "greengate/v1/gate-1"


class Somewhere:
    """RabbitMQ, and the certificates of its clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "tls")
        rights = definitions([*DEVICES, "stranger-1"], [f"centre.{name}" for name in COLLECTORS])
        rights["users"] = [user for user in rights["users"] if user["name"] != "stranger-1"]
        for kind in ("permissions", "topic_permissions"):
            rights[kind] = [right for right in rights[kind] if right["user"] != "stranger-1"]
        server = self.authority.issue("server", address=HOST)
        self.rabbit = Rabbit(folder / "rabbit", self.authority.file, *server, rights)

    def way(self) -> Way:
        return Way(self.rabbit.port, HOST, self.files, "3.1.1")

    def files(self, name: str) -> tuple[Path, Path, Path]:
        return self.authority.file, *self.authority.issue(name)

    def client(self, name: str, *topics: str, protocol: Any = "3.1.1", **more: Any) -> Broker:  # noqa: ANN401
        ca, certificate, key = self.files(name)
        files = {"ca": ca, "certificate": certificate, "key": key}
        more = {"client_id": name, "retry_min_s": 0.1, **more}
        client = open_broker("mqtt", host=HOST, port=self.rabbit.port, protocol=protocol, **files, **more)
        for topic in topics:
            client.subscribe(topic)
        return client


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Somewhere]:
    somewhere = Somewhere(tmp_path_factory.mktemp("rabbit"))
    with somewhere.rabbit:
        yield somewhere


@pytest.fixture
def site(somewhere: Somewhere, tmp_path: Path) -> Iterator[Site]:
    pki, way = Pki.shared(), somewhere.way()
    kiosks = [Kiosk(tmp_path / name, name, way, pki, number) for number, name in enumerate(DEVICES)]
    with Site(kiosks, Centre(tmp_path, str(tmp_path / "centre.db"), way, pki, COLLECTORS)) as site:
        yield site


def test_a_fleet_and_two_collectors_that_both_get_every_batch(site: Site) -> None:
    def both_store() -> bool:
        site.append(1)  # one that connected late has missed what was sent before
        return all(STORED in collector.said() for collector in site.centre.collectors)

    site.start()
    site.append(100, 1.0)
    until(both_store, site.said)
    site.await_drained()
    site.check()


def test_a_broker_killed_and_one_that_forgot_everything(somewhere: Somewhere, site: Site) -> None:
    site.start()
    for forget in (False, True):
        site.append(30, 0.5)
        somewhere.rabbit.stop()
        if forget:
            somewhere.rabbit.forget()
        site.append(30)
        somewhere.rabbit.start()
        site.await_drained(60)
    site.check()


def connected(client: Broker, seconds: float = 2.0) -> bool:
    end_s = time.monotonic() + seconds
    while not client.connected and time.monotonic() < end_s:
        time.sleep(0.02)
    return client.connected


def test_what_the_access_list_allows(somewhere: Somewhere) -> None:
    with (
        somewhere.client("gate-1", f"{OWN}/ack", f"{OWN}/command") as device,
        somewhere.client(
            "centre.main", *(f"greengate/v1/+/{kind}" for kind in ("batch", "status", "report"))
        ) as centre,
    ):
        assert connected(device, 10)
        assert connected(centre, 10)
        for kind in ("batch", "status", "report"):
            device.publish(f"{OWN}/{kind}", kind.encode())
            found = centre.receive(5)
            assert found is not None
            assert found == (f"{OWN}/{kind}", kind.encode())
        for kind in ("ack", "command"):
            centre.publish(f"{OWN}/{kind}", kind.encode())
            found = device.receive(5)
            assert found is not None
            assert found.topic == f"{OWN}/{kind}"


@pytest.mark.parametrize(
    "topic", ["greengate/v1/gate-2/ack", "greengate/v1/+/batch", f"{OWN}/batch", "greengate/v1/+/ack", "#"]
)
def test_a_device_reads_nothing_but_its_own(somewhere: Somewhere, topic: str) -> None:
    with somewhere.client("gate-1", topic) as device:
        assert not connected(device, 1.0)


@pytest.mark.parametrize("topic", ["greengate/v1/gate-2/batch", "greengate/v1/gate-2/ack", f"{OWN}/ack"])
def test_a_device_writes_nothing_but_its_own(somewhere: Somewhere, topic: str) -> None:
    whose, kind = topic.rsplit("/", 2)[1:]
    reader = whose if kind == "ack" else "centre.main"
    with somewhere.client(reader, topic, client_id=reader) as other, somewhere.client("gate-3") as device:
        assert connected(other, 10)
        assert connected(device, 10)
        device.publish(topic, b"forged")
        assert other.receive(1.0) is None


def test_who_has_a_certificate_and_is_no_user_does_not_get_in(somewhere: Somewhere) -> None:
    with somewhere.client("stranger-1") as stranger:
        assert not connected(stranger, 1.0)


def test_its_limits_are_as_written_down(somewhere: Somewhere) -> None:
    """Each is in docs/brokers.md: a newer version may know better, and the page then says too little."""
    with somewhere.client("gate-1", protocol="5") as device:
        assert not connected(device, 1.0), "MQTT 5"
    with somewhere.client("centre.main", "$share/secret/greengate/v1/+/batch") as centre:
        assert not connected(centre, 1.0), "shared subscriptions"
    with somewhere.client("gate-1") as device:
        assert connected(device, 10)
        device.publish(f"{OWN}/status", b"retained", retained=True)
        time.sleep(0.5)
    with somewhere.client("centre.main", "greengate/v1/+/status") as centre:
        assert connected(centre, 10)
        assert centre.receive(1.0) is None, "retained messages for a topic with a wildcard"
    with somewhere.client("centre.main", f"{OWN}/status") as centre:
        assert connected(centre, 10)
        found = centre.receive(5.0)
        assert found is not None
        assert found.payload == b"retained"


def test_a_will_is_published_and_retained(somewhere: Somewhere) -> None:
    ca, certificate, key = somewhere.files("gate-2")
    topic = "greengate/v1/gate-2/status"
    device = paho.Client(paho.CallbackAPIVersion.VERSION2, "gate-2", protocol=paho.MQTTv311)
    device.tls_set(str(ca), str(certificate), str(key))
    device.will_set(topic, b"gone", 1, retain=True)
    device.connect(HOST, somewhere.rabbit.port)
    end_s = time.monotonic() + 5
    while not device.is_connected() and time.monotonic() < end_s:
        device.loop(0.1)
    device.socket().shutdown(2)  # without a word: no DISCONNECT
    for _ in range(2):  # as it comes, and later, from what is retained
        with somewhere.client("centre.main", topic) as centre:
            found = centre.receive(5.0)
            assert found is not None
            assert found.payload == b"gone"
