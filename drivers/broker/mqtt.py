"""A broker over MQTT: one thread that connects, waits and connects again until it is closed."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Self

from drivers.broker import PAYLOAD_MAX_BYTES, RECEIVED_MAX, Message
from drivers.broker.settings import Settings
from drivers.broker.tls import client_context, in_words
from drivers.broker.topics import check_topic, parse_filter
from drivers.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from paho.mqtt.client import MQTTMessage

    from drivers.broker.connection import Connection

__all__ = ["MqttBroker", "Settings"]

RETRY_MAX_S = 30.0
STABLE_S = 10.0  # a connection that lasted so long was a good one: the next wait is short again
CLOSE_S = 1.5  # for the thread to end; looking up a name cannot be interrupted
PORT_MAX = 65_535
SESSION_MAX_S = 2**32 - 2  # MQTT 5, 3.1.2.11.2: one more would mean for ever


class MessageQueue:
    """Messages between a connection's thread and who receives them."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.dropped = 0

    def put(self, message: MQTTMessage) -> None:
        """Take a message in, unless it is too large or its topic is not UTF-8."""
        try:
            arrived = Message(message.topic, bytes(message.payload))
        except UnicodeDecodeError:  # paho decodes the topic only here
            arrived = None
        if arrived is None or len(arrived.payload) > PAYLOAD_MAX_BYTES:
            self.dropped += 1
        else:
            self._messages.put(arrived)

    def full(self) -> bool:
        """Say whether as many wait as should."""
        return self._messages.qsize() >= RECEIVED_MAX

    def get(self, timeout_s: float) -> Message | None:
        """Take the oldest out; None if there was none in time."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None


class MqttBroker:
    """A `Broker` over paho-mqtt."""

    def __init__(
        self,
        settings: Settings,
        *,
        patient: bool = False,
        retry_min_s: float = 1.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Check the settings and start to connect; see `open_broker`. `draw` gives a number between two."""
        _check(settings)
        if settings.ca is not None and not patient:
            client_context(settings.ca, settings.certificate, settings.key)  # wrong files are noticed at start
        self._settings, self._retry_min_s, self._draw = settings, retry_min_s, draw
        self._topics: frozenset[str] = frozenset()
        self._inbox = MessageQueue()
        self._connection: Connection | None = None
        self._attempts = 0
        self._retains = True  # until a broker says otherwise
        self._fault = f"connecting to {settings.host}:{settings.port}"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._stay_connected, name="broker", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """See `Broker.connected`."""
        connection = self._connection
        return connection is not None and connection.ready

    @property
    def connection(self) -> int:
        """See `Broker.connection`."""
        return self._attempts

    @property
    def fault(self) -> str | None:
        """See `Broker.fault`."""
        connection = self._connection
        if connection is not None and connection.ready:
            return connection.fault
        return self._fault

    @property
    def dropped(self) -> int:
        """See `Broker.dropped`."""
        return self._inbox.dropped

    def subscribe(self, topic: str) -> None:
        """Subscribe; see `Broker.subscribe`."""
        parse_filter(topic)
        self._topics |= {topic}

    def publish(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Publish; see `Broker.publish`."""
        check_topic(topic)
        if len(payload) > PAYLOAD_MAX_BYTES:
            raise BrokerError(f"a message of {len(payload)} bytes is too large", cure="send it in parts")
        connection = self._connection
        if connection is None or not connection.accepted:
            raise BrokerError(f"not connected: {self._fault}", cure="it reconnects by itself; try again later")
        connection.publish(topic, payload, retained=retained)

    def receive(self, timeout_s: float) -> Message | None:
        """Take a message; see `Broker.receive`."""
        return self._inbox.get(timeout_s)

    def close(self) -> None:
        """Disconnect; see `Broker.close`."""
        self._closing.set()
        connection = self._connection
        if connection is not None:
            connection.end()
        self._thread.join(CLOSE_S)
        self._fault = "closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stay_connected(self) -> None:
        bound_s = self._retry_min_s
        while not self._closing.is_set():
            since_s = time.monotonic()
            self._connect_once()
            if time.monotonic() - since_s > STABLE_S:
                bound_s = self._retry_min_s
            # A fleet that lost its broker must not come back in one instant: "full jitter"
            # (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
            self._closing.wait(self._draw(0.0, bound_s))
            bound_s = min(2 * bound_s, RETRY_MAX_S)

    def _connect_once(self) -> None:
        try:
            from drivers.broker.connection import Connection  # noqa: PLC0415 - paho: 20 ms that no start waits for

            connection = Connection(self._settings, lambda: self._topics, self._inbox, retains=self._retains)
            self._attempts += 1
            self._connection = connection
            connection.run(self._closing)
            self._retains = connection.retains_next
            self._fault = connection.fault or self._fault
        except Exception as error:  # noqa: BLE001 - a stranger's bytes may end a connection, never this thread
            self._fault = in_words(error, self._settings.host, self._settings.port)
        finally:
            self._connection = None


def _check(settings: Settings) -> None:
    if not settings.host or not 1 <= settings.port <= PORT_MAX:
        raise ValueError(f"a broker has a host and a port from 1 to {PORT_MAX}")
    if not settings.client_id:
        raise ValueError("a client of a broker has a name")
    if (settings.certificate is None) != (settings.key is None):
        raise ValueError("a client certificate and its key come together")
    if settings.ca is None and settings.certificate is not None:
        raise ValueError("a client certificate needs the certificates that the broker is checked with")
    if not 0 <= settings.session_s <= SESSION_MAX_S:
        raise ValueError(f"a broker keeps a session for 0 to {SESSION_MAX_S} s")
    if settings.will is not None:
        check_topic(settings.will.topic)
