"""Clients of brokers that misbehave, and a server to misbehave with."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from drivers.broker import Broker, open_broker
from drivers.broker.mqtt import MqttBroker
from tests.fixtures_mqtt import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_S = 10.0  # for what happens at once on an idle machine


@contextmanager
def opened(port: int, **more: Any) -> Iterator[Broker]:  # noqa: ANN401 - as open_broker takes them
    arguments = {"host": HOST, "client_id": "gate", "retry_min_s": 0.05, **more}
    with open_broker("mqtt", port=port, **arguments) as broker:
        yield broker


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "did not happen in time"
        time.sleep(0.005)


def next_of(client: Broker, topic: str) -> bytes:
    """Return the next payload on a topic, passing over others."""
    while message := client.receive(WAIT_S):
        if message.topic == topic:
            return message.payload
    pytest.fail("nothing arrived in time")


def lose(broker: Broker) -> None:
    """End a real connection as a network does: without a DISCONNECT."""
    assert isinstance(broker, MqttBroker)
    connection = broker._connection
    assert connection is not None
    connection._client.give_up()
    until(lambda: broker._connection is not connection)


def until_fault(broker: Broker, text: str) -> None:
    until(lambda: text in (broker.fault or ""))
    assert not broker.connected
    assert "\n" not in str(broker.fault)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen on a free port and do `answer` with each connection."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    try:
                        answer(client)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT_S)
