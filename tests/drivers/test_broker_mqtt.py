"""MQTT where something is wrong: with the network, the broker or the program that uses it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt import publish as paho_publish

from drivers.broker import PAYLOAD_MAX_BYTES, RECEIVED_MAX, Message, connection, mqtt, open_broker
from drivers.broker.connection import UNACKED_MAX
from drivers.broker.settings import Settings
from drivers.errors import BrokerError, DeviceMissingError
from tests.drivers.broker_rig import WAIT_S, opened, server, until, until_fault
from tests.fixtures_mqtt import HOST, Authority, Mosquitto, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_closed_port_is_refused() -> None:
    with opened(free_port()) as broker:
        until_fault(broker, "refuses connections")


@pytest.mark.parametrize("host", ["gate.invalid", "x" * 64 + ".invalid", "..", "\0", "a b"])
def test_a_host_that_is_not_found_is_named(host: str) -> None:
    with opened(1883, host=host) as broker:
        until(lambda: not str(broker.fault).startswith("connecting"))
        assert not broker.connected
        assert broker.fault


def test_a_silent_broker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_S", 0.3)
    with server(lambda client: client.recv(1 << 16) and client.recv(1)) as port, opened(port) as broker:
        until_fault(broker, "does not answer")


def test_closing_does_not_wait_for_a_silent_broker() -> None:
    with server(lambda client: client.recv(1 << 16) and client.recv(1)) as port, opened(port) as broker:
        time.sleep(0.05)  # into the connection
        start_s = time.monotonic()
        broker.close()
        assert time.monotonic() - start_s < 1


def test_a_second_client_of_the_same_name_ends_the_first(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port, retry_min_s=20) as first:
        until(lambda: first.connected)
        with opened(mosquitto.port, retry_min_s=20) as second:
            until(lambda: second.connected and not first.connected)
            assert second.fault is None
            assert first.fault


def test_a_message_that_is_too_large_is_left_out(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port) as broker:
        broker.subscribe("t")
        until(lambda: broker.connected)
        for payload in (b"x" * (PAYLOAD_MAX_BYTES + 1), b"small"):
            paho_publish.single("t", payload, qos=1, hostname=HOST, port=mosquitto.port)
        assert broker.receive(WAIT_S) == Message("t", b"small")
        assert broker.dropped == 1


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_slow_receiver_holds_the_broker_back_and_loses_nothing(mosquitto: Mosquitto, protocol: str) -> None:
    count = 3 * RECEIVED_MAX
    with opened(mosquitto.port, protocol=protocol) as slow:
        slow.subscribe("t")
        until(lambda: slow.connected)
        messages = [("t", b"%d" % number, 1, False) for number in range(count)]
        paho_publish.multiple(messages, hostname=HOST, port=mosquitto.port)
        assert RECEIVED_MAX <= slow._inbox._messages.qsize() < 2 * RECEIVED_MAX
        slow.publish("elsewhere", b"")  # goes out while nothing comes in
        received = [slow.receive(WAIT_S) for _ in range(count)]
        assert received == [Message("t", b"%d" % number) for number in range(count)]
        assert slow.dropped == 0


def test_a_frozen_broker_is_noticed_by_who_publishes_and_does_not_hold_up_the_end(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port) as broker:
        until(lambda: broker.connected)
        mosquitto.freeze()
        for _ in range(UNACKED_MAX):
            broker.publish("t", b"x" * 10_000)
        with pytest.raises(BrokerError, match="unacknowledged"):
            broker.publish("t", b"")
        start_s = time.monotonic()
        broker.close()
        assert time.monotonic() - start_s < 2


def test_many_threads_may_publish_at_once(mosquitto: Mosquitto) -> None:
    with (
        opened(mosquitto.port, client_id="centre") as centre,
        opened(mosquitto.port) as gate,
    ):
        centre.subscribe("t")
        until(lambda: centre.connected and gate.connected)
        payloads = [bytes([number]) * 20_000 for number in range(40)]
        threads = [
            threading.Thread(target=lambda part: [gate.publish("t", each) for each in part], args=(payloads[start::4],))
            for start in range(4)
        ]
        for thread in threads:
            thread.start()
        received = [centre.receive(WAIT_S) for _ in payloads]
        assert sorted(message.payload for message in received if message) == sorted(payloads)


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": ""},
        {"port": 0},
        {"port": 65_536},
        {"client_id": ""},
        {"certificate": "c"},
        {"key": "k"},
        {"session_s": -1},
        {"session_s": 2**32 - 1},
    ],
)
def test_arguments_that_cannot_be_right_are_refused(arguments: dict[str, Any]) -> None:
    usual = {"host": HOST, "port": 1883, "client_id": "gate"}
    with pytest.raises(ValueError, match=r"broker|certificate"):
        open_broker("mqtt", **{**usual, **arguments})


def drawing(drawn: list[tuple[float, float]]) -> Callable[[float, float], float]:
    """Note the bounds of each wait, and wait next to nothing."""

    def draw(least: float, most: float) -> float:
        drawn.append((least, most))
        return 0.001

    return draw


def test_waits_between_attempts_are_drawn_from_bounds_that_grow_to_half_a_minute() -> None:
    drawn: list[tuple[float, float]] = []
    settings = Settings(HOST, free_port(), "gate", None, None, None, "5")
    with mqtt.MqttBroker(settings, draw=drawing(drawn)):
        until(lambda: len(drawn) >= 7)
    assert drawn[:7] == [(0.0, bound) for bound in (1, 2, 4, 8, 16, 30, 30)]


def test_after_a_good_connection_the_wait_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "STABLE_S", 0.0)
    drawn: list[tuple[float, float]] = []
    settings = Settings(HOST, free_port(), "gate", None, None, None, "5")
    with mqtt.MqttBroker(settings, draw=drawing(drawn)):
        until(lambda: len(drawn) >= 4)
    assert set(drawn) == {(0.0, 1.0)}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_session_ends_some_time_after_its_client(start_mosquitto: Callable[..., Mosquitto], protocol: str) -> None:
    """3.1.1 leaves it to the broker when: mosquitto's persistent_client_expiration, hours at least."""
    broker = start_mosquitto()
    with opened(broker.port, protocol=protocol, session_s=1) as gate:
        gate.subscribe("ack")
        until(lambda: gate.connected)
    time.sleep(2.5)  # the broker's clock, which nothing here moves
    with opened(broker.port, client_id="centre") as centre:
        until(lambda: centre.connected)
        centre.publish("ack", b"1")
        centre.subscribe("done")
        until(lambda: centre.connected)
        centre.publish("done", b"")
        assert centre.receive(WAIT_S) is not None
    with opened(broker.port, protocol=protocol, session_s=1) as gate:
        until(lambda: gate.connected)
        arrived = gate.receive(0.2)
        assert arrived is None if protocol == "5" else arrived == Message("ack", b"1")


def test_files_that_come_later_are_waited_for(mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path) -> None:
    certificate, key = tmp_path / "device.pem", tmp_path / "device.key"
    files = {"ca": authority.file, "certificate": certificate, "key": key}
    with pytest.raises(DeviceMissingError):
        opened(mosquitto_tls.port, **files).__enter__()
    with opened(mosquitto_tls.port, **files, patient=True) as broker:
        until_fault(broker, "device.pem cannot be read")
        for issued, wanted in zip(authority.issue("gate"), (certificate, key), strict=True):
            issued.rename(wanted)
        until(lambda: broker.connected)


def test_a_connection_that_is_not_there_takes_nothing_and_ends() -> None:
    nowhere = Settings(HOST, 1, "gate", None, None, None, "5")
    unconnected = connection.Connection(nowhere, frozenset, mqtt.MessageQueue(), retains=True)
    with pytest.raises(BrokerError, match="cannot be sent"):
        unconnected.publish("t", b"", retained=False)
    unconnected.end()
    assert not unconnected.ready


def test_what_was_published_just_before_the_end_is_sent(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port, client_id="centre") as centre:
        centre.subscribe("t")
        until(lambda: centre.connected)
        with opened(mosquitto.port) as gate:
            until(lambda: gate.connected)
            gate.publish("t", b"last")
        assert centre.receive(WAIT_S) == Message("t", b"last")


def test_closing_leaves_no_thread(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port) as broker:
        until(lambda: broker.connected)
    assert "broker" not in {thread.name for thread in threading.enumerate()}
