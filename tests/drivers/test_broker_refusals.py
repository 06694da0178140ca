"""MQTT brokers that refuse what they are asked, end the connection or speak nonsense."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.broker import Message
from drivers.errors import BrokerError
from tests.drivers.broker_rig import WAIT_S, opened, server, until, until_fault

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures_mqtt import Mosquitto


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


def test_a_topic_that_is_not_text_is_left_out() -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        publish = b"\x30\x04\x00\x01%c\x00"
        client.sendall(b"\x20\x03\x00\x00\x00" + publish % 0xFF + publish % ord("t"))
        client.recv(1 << 16)

    with server(answer) as port, opened(port) as broker:
        assert broker.receive(WAIT_S) == Message("t", b"")
        assert broker.dropped == 1
