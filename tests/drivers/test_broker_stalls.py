"""Brokers that answer just enough to be believed."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from drivers.broker import connection
from tests.drivers.broker_rig import WAIT_S, opened, server, until, until_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.fixtures_mqtt import Mosquitto

CONNACK = b"\x20\x03\x00\x00\x00"


def test_a_broker_that_confirms_no_message_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKEN_S", 0.5)
    calls = threading.Semaphore(0)

    def answer(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(CONNACK)
        calls.release()
        while client.recv(1 << 16):  # takes all, and never confirms
            pass

    with server(answer) as port, opened(port) as broker:
        until(lambda: broker.connected)
        assert not calls.acquire(blocking=False) or not calls.acquire(timeout=1.0), "left though nothing was due"
        broker.publish("t", b"")
        until_fault(broker, "does not confirm messages")
        assert calls.acquire(timeout=WAIT_S)  # and tried again


def test_a_broker_that_is_not_listened_to_is_not_left(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKEN_S", 0.2)
    monkeypatch.setattr("drivers.broker.mqtt.RECEIVED_MAX", 1)
    with opened(mosquitto.port, client_id="other") as other, opened(mosquitto.port) as slow:
        slow.subscribe("t")
        until(lambda: slow.connected and other.connected)
        before = slow.connection
        for _ in range(20):
            other.publish("t", b"")
        until(slow._inbox.full)  # type: ignore[attr-defined]
        slow.publish("elsewhere", b"")  # its PUBACK is behind what is not read
        for _ in range(20):
            assert slow.receive(WAIT_S) is not None
            threading.Event().wait(0.05)
        assert slow.connection == before


def test_a_packet_that_no_memory_has_room_for_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PACKET_HELD_MAX_BYTES", 1000)

    def sending(length: bytes) -> Callable[[socket.socket], None]:
        def answer(client: socket.socket) -> None:
            client.recv(1 << 16)
            client.sendall(CONNACK + b"\x30" + length + b"\x00\x01t\x00")
            client.recv(1)

        return answer

    with server(sending(b"\xff\xff\xff\x7f")) as port, opened(port) as broker:
        until_fault(broker, "a packet of 268435455 bytes")
