"""MQTT where something is wrong: with the network, the broker or the program that uses it."""

from __future__ import annotations

import socket
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt import publish as paho_publish

from drivers.broker import PAYLOAD_MAX_BYTES, RECEIVED_MAX, Message, connection, mqtt, open_broker
from drivers.broker.connection import UNACKED_MAX
from drivers.broker.settings import Settings
from drivers.errors import BrokerError
from tests.drivers.broker_rig import WAIT_S, opened, server, until, until_fault
from tests.fixtures_mqtt import HOST, Mosquitto, free_port

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


GARBAGE = {
    "hangs-up": b"",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "zeros": bytes(64),
    "short-connack": b"\x20\x00",
    "long-length": b"\x20\xff\xff\xff\xff\xff",
    "bad-properties": b"\x20\x05\x00\x00\x02\xff\xff",
    "publish-of-nothing": b"\x20\x03\x00\x00\x00\x32\x00",
    "publish-without-a-number": b"\x20\x03\x00\x00\x00\x32\x03\x00\x01t",
    "topic-longer-than-the-packet": b"\x20\x03\x00\x00\x00\x30\x04\xff\xfft\x00",
    "suback-nobody-asked-for": b"\x20\x03\x00\x00\x00\x90\x04\x00\x07\x00\x01",
    "auth": b"\xf0\x00",
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_speaks_nonsense_is_tried_again(name: str, protocol: str) -> None:
    calls = threading.Semaphore(0)

    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(GARBAGE[name])
        calls.release()

    with server(answer) as port, opened(port, protocol=protocol) as broker:
        for _ in range(2):
            assert calls.acquire(timeout=WAIT_S)
        until(lambda: not broker.connected and not str(broker.fault).startswith("connecting"))


@given(st.binary(max_size=60))
@settings(max_examples=15, deadline=None)
def test_no_bytes_end_the_thread(noise: bytes) -> None:
    calls = threading.Semaphore(0)

    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(b"\x20\x03\x00\x00\x00" + noise)
        calls.release()

    with server(answer) as port, opened(port, retry_min_s=0.001):
        for _ in range(2):
            assert calls.acquire(timeout=WAIT_S)


def test_a_broker_that_takes_nobody_says_so(start_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    (tmp_path / "passwords").touch()
    strict = start_mosquitto(options=(f"password_file {tmp_path / 'passwords'}", "allow_anonymous false"))
    for protocol in ("5", "3.1.1"):
        with opened(strict.port, protocol=protocol) as broker:
            until_fault(broker, "Not authorized")
            with pytest.raises(BrokerError, match="Not authorized"):
                broker.publish("t", b"")


def test_a_message_that_is_refused_is_told(start_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic write mine\ntopic read mine\n")
    acl.chmod(0o600)
    strict = start_mosquitto(options=(f"acl_file {acl}",))
    with opened(strict.port) as broker:
        until(lambda: broker.connected)
        broker.publish("others", b"")
        until(lambda: "refuses a message" in (broker.fault or ""))
        assert broker.connected
        broker.publish("mine", b"")
        until(lambda: broker.fault is None)


@pytest.mark.parametrize("code", [0x80, 0x87])
def test_a_subscription_that_is_refused_is_told(code: int) -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(b"\x20\x03\x00\x00\x00")
        subscribe = client.recv(1 << 16)
        client.sendall(b"\x90\x04" + subscribe[2:4] + b"\x00" + bytes([code]))
        client.recv(1)

    with server(answer) as port, opened(port) as broker:
        broker.subscribe("t")
        until_fault(broker, "refuses a subscription")


def test_a_broker_that_ends_the_connection_is_quoted() -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(b"\x20\x03\x00\x00\x00" + b"\xe0\x02\x8e\x00")

    with server(answer) as port, opened(port) as broker:
        until_fault(broker, "Session taken over")


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
    [{"host": ""}, {"port": 0}, {"port": 65_536}, {"client_id": ""}, {"certificate": "c"}, {"key": "k"}],
)
def test_arguments_that_cannot_be_right_are_refused(arguments: dict[str, Any]) -> None:
    usual = {"host": HOST, "port": 1883, "client_id": "gate"}
    with pytest.raises(ValueError, match=r"broker|certificate"):
        open_broker("mqtt", **{**usual, **arguments})


def test_waits_between_attempts_grow() -> None:
    calls: list[float] = []
    with server(lambda _: calls.append(time.monotonic())) as port, opened(port, retry_min_s=0.02):
        until(lambda: len(calls) >= 6)
    gaps = [later - earlier for earlier, later in pairwise(calls)]
    assert gaps[4] >= 0.02 * 2**4 / 2  # the wait is drawn from the upper half
    assert all(gap >= 0.01 for gap in gaps)


def test_after_a_good_connection_the_wait_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "STABLE_S", 0.0)
    calls = threading.Semaphore(0)
    start_s = time.monotonic()
    with server(lambda _: calls.release()) as port, opened(port, retry_min_s=0.01):
        for _ in range(12):
            assert calls.acquire(timeout=WAIT_S)
    assert time.monotonic() - start_s < 5  # doubled each time, the waits alone would be over 10 s


def test_a_topic_that_is_not_text_is_left_out() -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        publish = b"\x30\x04\x00\x01%c\x00"
        client.sendall(b"\x20\x03\x00\x00\x00" + publish % 0xFF + publish % ord("t"))
        client.recv(1 << 16)

    with server(answer) as port, opened(port) as broker:
        assert broker.receive(WAIT_S) == Message("t", b"")
        assert broker.dropped == 1


def test_a_connection_that_is_not_there_takes_nothing_and_ends() -> None:
    nowhere = Settings(HOST, 1, "gate", None, None, None, "5")
    unconnected = connection.Connection(nowhere, frozenset, mqtt.MessageQueue())
    with pytest.raises(BrokerError, match="cannot be sent"):
        unconnected.publish("t", b"")
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
