"""MQTT brokers that keep no retained messages, and refuse who asks them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.broker import Message, Will
from tests.drivers.broker_rig import WAIT_S, lose, next_of, opened, server, until
from tests.fixtures_mqtt import Mosquitto

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

WILL = Will("status", lambda: b"lost")
RETAIN_FLAG = 0x01  # of a PUBLISH: MQTT 5, 3.3.1.3
WILL_RETAIN_FLAG = 0x20  # of a CONNECT: MQTT 5, 3.1.2.7


@pytest.fixture
def keeps_nothing(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    return start_mosquitto(options=("retain_available false",))


@pytest.mark.parametrize("will", [WILL, None])
def test_what_cannot_be_retained_is_published_all_the_same(keeps_nothing: Mosquitto, will: Will | None) -> None:
    with opened(keeps_nothing.port, client_id="centre") as centre, opened(keeps_nothing.port, will=will) as gate:
        centre.subscribe("status")
        until(lambda: centre.connected and gate.connected)
        connection = gate.connection
        for payload in (b"1", b"2"):
            gate.publish("status", payload, retained=True)
            assert centre.receive(WAIT_S) == Message("status", payload)
        assert gate.fault is None
        assert gate.connection == connection


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_will_that_cannot_be_retained_is_left_all_the_same(keeps_nothing: Mosquitto, protocol: str) -> None:
    with (
        opened(keeps_nothing.port, client_id="centre") as centre,
        opened(keeps_nothing.port, protocol=protocol, will=WILL) as gate,
    ):
        centre.subscribe("status")
        for _ in range(2):
            until(lambda: centre.connected and gate.connected)
            assert gate.fault is None
            gate.publish("status", b"here", retained=True)
            assert next_of(centre, "status") == b"here"
            lose(gate)
            assert next_of(centre, "status") == b"lost"


def test_mqtt_5_is_told_once(keeps_nothing: Mosquitto) -> None:
    with opened(keeps_nothing.port, will=WILL) as gate:
        for expected in (2, 3):
            until(lambda: gate.connected)
            assert gate.connection == expected
            lose(gate)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_keeps_messages_again_is_given_them(keeps_nothing: Mosquitto, protocol: str) -> None:
    with opened(keeps_nothing.port, protocol=protocol, will=WILL) as gate:
        until(lambda: gate.connected)
        keeps_nothing.stop()
        keeps_nothing.options = ()
        keeps_nothing.start()
        until(lambda: gate.connected)
        gate.publish("status", b"here", retained=True)
        with opened(keeps_nothing.port, client_id="later") as later:
            later.subscribe("status")
            assert later.receive(WAIT_S) == Message("status", b"here")


def test_a_broker_that_says_so_only_afterwards_is_heeded() -> None:
    """Take a retained will, and end the connection over it."""
    flags: list[int] = []

    def answer(client: socket.socket) -> None:
        flags.append(client.recv(1 << 16)[9])
        if flags[-1] & WILL_RETAIN_FLAG:
            client.sendall(b"\x20\x03\x00\x00\x00" + b"\xe0\x02\x9a\x00")
        else:
            client.sendall(b"\x20\x05\x00\x00\x02\x25\x00")  # accepted, Retain Available: 0
            flags.append(client.recv(1 << 16)[0])
            client.recv(1)

    with server(answer) as port, opened(port, will=WILL) as gate:
        until(lambda: gate.connected and len(flags) == 2)
        gate.publish("status", b"", retained=True)
        until(lambda: len(flags) == 3)
    assert flags[0] & WILL_RETAIN_FLAG
    assert not flags[1] & WILL_RETAIN_FLAG
    assert not flags[2] & RETAIN_FLAG
