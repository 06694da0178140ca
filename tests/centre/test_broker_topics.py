"""A real mosquitto with our configuration: statuses, reports and commands reach whom they are for, and nobody else."""

from collections.abc import Iterator

import pytest

from drivers.broker import Broker, Will, open_broker
from firmware.wire import MAX_BATCH_BYTES, ack_topic, batch_topic
from firmware.wire_device import REPORTS_TOPIC, STATUSES_TOPIC, command_topic, report_topic, status_topic
from firmware.wire_trust import TRUST_TOPIC
from tests.centre.broker_site import PASSING_S, BrokerSite, until
from tests.fixtures_mqtt import HOST


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSite]:
    made = BrokerSite(tmp_path_factory.mktemp("broker") / "home").make()
    made.issue("collector", "centre.main")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def site(broker: BrokerSite) -> Iterator[BrokerSite]:
    yield broker
    broker.opened.pop_all().close()


def received(client: Broker, timeout_s: float = 5.0) -> tuple[str, bytes] | None:
    message = client.receive(timeout_s)
    return None if message is None else (message.topic, message.payload)


def with_will(site: BrokerSite, name: str, topic: str) -> Broker:
    """Connect as a device whose will is for a topic."""
    certificate, key = site.issue("device", name)
    made = open_broker(
        "mqtt",
        host=HOST,
        port=site.port,
        client_id=name,
        ca=site.home / "ca.pem",
        certificate=certificate,
        key=key,
        will=Will(topic, lambda: b"its will"),
        retry_min_s=3600,  # drawn from nothing to that: one that came back would take over from who has its name next
    )
    until(lambda: made.connected, lambda: str(made.fault))
    return site.opened.enter_context(made)


def test_a_status_is_there_for_who_comes_later_and_a_report_is_not(site: BrokerSite) -> None:
    device = site.connected("gate-1")
    device.publish(report_topic("gate-1"), b"report")
    device.publish(status_topic("gate-1"), b"status", retained=True)
    collector = site.connected("centre.main", "collector", STATUSES_TOPIC, REPORTS_TOPIC)
    assert received(collector) == (status_topic("gate-1"), b"status")
    assert received(collector, PASSING_S) is None
    device.publish(report_topic("gate-1"), b"another")
    assert received(collector) == (report_topic("gate-1"), b"another")
    device.publish(status_topic("gate-1"), b"", retained=True)


def test_a_command_reaches_its_device_alone(site: BrokerSite) -> None:
    device = site.connected("gate-2", "device", command_topic("gate-2"))
    spy = site.connected("gate-3", "device", command_topic("gate-2"), "greengate/v1/+/command", "greengate/v1/#")
    collector = site.connected("centre.main", "collector")
    collector.publish(command_topic("gate-2"), b"command")
    assert received(device) == (command_topic("gate-2"), b"command")
    assert received(spy, PASSING_S) is None


def test_every_device_hears_of_newer_trust_also_later_and_only_the_centre_says_so(site: BrokerSite) -> None:
    device = site.connected("gate-11", "device", TRUST_TOPIC)
    device.publish(TRUST_TOPIC, b"forged", retained=True)
    assert received(device, PASSING_S) is None
    collector = site.connected("centre.main", "collector", TRUST_TOPIC)
    assert received(collector, PASSING_S) is None, "nothing was retained"
    collector.publish(TRUST_TOPIC, b"newer", retained=True)
    later = site.connected("gate-12", "device", TRUST_TOPIC)
    for client in (device, later, collector):
        assert received(client) == (TRUST_TOPIC, b"newer")
    collector.publish(TRUST_TOPIC, b"", retained=True)


def test_a_device_says_nothing_for_others_or_for_the_centre(site: BrokerSite) -> None:
    victim = site.connected("gate-4", "device", ack_topic("gate-4"), command_topic("gate-4"))
    collector = site.connected("centre.main", "collector", STATUSES_TOPIC, REPORTS_TOPIC, "greengate/v1/+/batch")
    rogue = site.connected("gate-5", "device", ack_topic("gate-5"), command_topic("gate-5"))
    for name in ("gate-4", "gate-5"):
        for topic in (ack_topic(name), command_topic(name)):
            rogue.publish(topic, b"forged", retained=True)
    for topic in (batch_topic("gate-4"), status_topic("gate-4"), report_topic("gate-4")):
        rogue.publish(topic, b"forged", retained=True)
    for client in (victim, rogue, collector):
        assert received(client, PASSING_S) is None
    late = site.connected("gate-4", "device", ack_topic("gate-4"), command_topic("gate-4"))
    assert received(late, PASSING_S) is None, "nothing was retained"


def test_a_will_too_is_for_its_own_status_only(site: BrokerSite) -> None:
    victim = site.connected("gate-6", "device", command_topic("gate-6"), ack_topic("gate-6"))
    collector = site.connected("centre.main", "collector", STATUSES_TOPIC)
    for topic in (status_topic("gate-6"), command_topic("gate-6"), ack_topic("gate-6"), status_topic("gate-8")):
        name = "gate-8" if topic == status_topic("gate-8") else "gate-7"
        with_will(site, name, topic)
        # It takes the place of the one before, whose will the broker then tells; and comes back to nobody's place.
        site.connected(name).close()
    assert received(collector) == (status_topic("gate-8"), b"its will")
    assert received(collector, PASSING_S) is None
    assert received(victim, 0) is None


def test_a_message_over_the_bound_is_not_carried(site: BrokerSite) -> None:
    device = site.connected("gate-9")
    collector = site.connected("centre.main", "collector", "greengate/v1/+/batch")
    device.publish(batch_topic("gate-9"), bytes(MAX_BATCH_BYTES))
    assert received(collector) == (batch_topic("gate-9"), bytes(MAX_BATCH_BYTES))
    device.publish(batch_topic("gate-9"), bytes(MAX_BATCH_BYTES + 1))
    assert received(collector, PASSING_S) is None


def test_statuses_are_on_no_disk(site: BrokerSite) -> None:
    device = site.connected("gate-10")
    device.publish(status_topic("gate-10"), b"status", retained=True)
    collector = site.connected("centre.main", "collector", STATUSES_TOPIC)
    until(lambda: received(collector, 0.1) == (status_topic("gate-10"), b"status"))
    assert "persistence false\n" in site.write().read_text()
    assert not [path for path in site.home.rglob("*.db") if path.name != "registry.db"]
