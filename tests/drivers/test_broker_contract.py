"""What every broker promises about connections and messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from drivers.broker import PAYLOAD_MAX_BYTES, Broker, Message
from drivers.broker.simulated import SimulatedBus
from drivers.errors import BrokerError
from tests.drivers.broker_rig import WAIT_S, next_of, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.broker_sites import Site

pytest_plugins = ["tests.drivers.broker_sites"]


def test_a_message_arrives_as_it_was_sent(connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre", "gate/7/batch"), connect("gate")
    payload = bytes(range(256))
    gate.publish("gate/7/batch", payload)
    assert centre.receive(WAIT_S) == Message("gate/7/batch", payload)
    assert centre.receive(0.01) is None


def test_connected_has_no_fault(connect: Callable[..., Broker]) -> None:
    client = connect("gate", "a")
    assert client.connected
    assert client.fault is None
    assert client.dropped == 0


def test_messages_keep_their_order(connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre", "#"), connect("gate")
    sent = [Message("t", b"%d" % number) for number in range(90)]  # under what may wait for a PUBACK
    for message in sent:
        gate.publish(*message)
    assert [centre.receive(WAIT_S) for _ in sent] == sent


def test_empty_and_largest_payloads_pass(connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre", "t"), connect("gate")
    for payload in (b"", b"x" * PAYLOAD_MAX_BYTES):
        gate.publish("t", payload)
        assert centre.receive(WAIT_S) == Message("t", payload)


def test_too_large_a_payload_is_refused(connect: Callable[..., Broker]) -> None:
    gate = connect("gate")
    with pytest.raises(BrokerError, match="too large"):
        gate.publish("t", b"x" * (PAYLOAD_MAX_BYTES + 1))


def test_wildcards_are_levels(connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre", "greengate/v1/+/batch"), connect("gate")
    for topic in ("greengate/v1/a/b/batch", "greengate/v1/a/ack", "greengate/v1/a/batch"):
        gate.publish(topic, b"")
    assert centre.receive(WAIT_S) == Message("greengate/v1/a/batch", b"")
    assert centre.receive(0.05) is None


def test_overlapping_topics_and_other_clients_are_apart(connect: Callable[..., Broker]) -> None:
    one, other = connect("one", "a/#"), connect("other", "b")
    one.publish("b", b"1")
    assert other.receive(WAIT_S) == Message("b", b"1")
    assert one.receive(0.05) is None


def test_a_shared_subscription_gives_each_message_to_one(connect: Callable[..., Broker]) -> None:
    members = [connect(f"centre-{number}", "$share/collectors/t/+") for number in range(2)]
    gate = connect("gate")
    sent = [Message("t/1", b"%d" % number) for number in range(20)]
    for message in sent:
        gate.publish(*message)
    received: list[Message] = []

    def all_arrived() -> bool:
        received.extend(message for member in members if (message := member.receive(0.01)))
        return len(received) >= len(sent)

    until(all_arrived)
    assert sorted(received) == sorted(sent)
    assert all(member.receive(0.02) is None for member in members)


def test_a_subscription_may_come_late(connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre"), connect("gate")
    centre.subscribe("t")
    until(lambda: centre.connected)
    gate.publish("t", b"1")
    assert centre.receive(WAIT_S) == Message("t", b"1")


def test_cut_off_it_says_so_and_keeps_nothing(site: Site, connect: Callable[..., Broker]) -> None:
    gate = connect("gate", "t")
    site.cut()
    until(lambda: not gate.connected)
    until(lambda: bool(gate.fault))
    assert "\n" not in str(gate.fault)
    with pytest.raises(BrokerError, match="not connected") as away:
        gate.publish("t", b"1")
    assert away.value.cure
    assert gate.receive(0.01) is None


def test_it_reconnects_with_its_subscriptions(site: Site, connect: Callable[..., Broker]) -> None:
    centre, gate = connect("centre", "t"), connect("gate")
    site.cut()
    until(lambda: not centre.connected and not gate.connected)
    site.restore()
    until(lambda: centre.connected and gate.connected)
    assert centre.fault is None
    gate.publish("t", b"1")
    assert centre.receive(WAIT_S) == Message("t", b"1")


def test_each_connection_has_another_number(site: Site, connect: Callable[..., Broker]) -> None:
    gate = connect("gate", "t")
    first = gate.connection
    assert gate.connection == first
    site.lose(gate)
    until(lambda: gate.connected and gate.connection != first)


def test_it_opens_and_closes_while_the_broker_is_away(site: Site) -> None:
    site.cut()
    client = site.client("gate")
    client.subscribe("t")
    until(lambda: bool(client.fault))
    assert not client.connected
    client.close()
    site.restore()


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "x" * 65_536, "\ud800"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    client = SimulatedBus().broker("gate")
    with pytest.raises(ValueError, match="topic"):
        client.publish(topic, b"")


def test_closed_is_closed(site: Site, connect: Callable[..., Broker]) -> None:
    gate = connect("gate")
    start_s = time.monotonic()
    gate.close()
    gate.close()
    assert time.monotonic() - start_s < 2
    assert not gate.connected
    assert gate.fault == "closed"
    with pytest.raises(BrokerError):
        gate.publish("t", b"")
    assert site.client("gate").__enter__().__exit__(None, None, None) is None


def test_an_answer_takes_milliseconds(connect: Callable[..., Broker]) -> None:
    """One batch is in flight at a time: small packets that wait for each other (Nagle) would take 40 ms each."""
    centre, gate = connect("centre", "batch"), connect("gate", "ack")
    taken = []
    for _ in range(21):
        start_s = time.monotonic()
        gate.publish("batch", bytes(50_000))
        next_of(centre, "batch")
        centre.publish("ack", bytes(700))
        next_of(gate, "ack")
        taken.append(time.monotonic() - start_s)
    assert sorted(taken)[10] < 0.03
