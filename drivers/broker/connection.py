"""One connection over paho-mqtt, from its CONNECT to its end; nothing of it is carried over to the next."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.broker import PAYLOAD_MAX_BYTES
from drivers.broker.answers import Answers
from drivers.broker.tls import client_context
from drivers.errors import BrokerError

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable

    from drivers.broker.settings import Settings

ANSWER_S = 10.0  # for a CONNACK or a SUBACK; a broker that needs longer is as good as none
CONNECT_S = 5.0  # for each of TCP and TLS
KEEPALIVE_S = 30
TURN_S = 0.25  # longest wait for a packet: bounds how late a new subscription is noticed
PAUSE_S = 0.02  # between looks whether messages were taken from a full inbox
UNACKED_MAX = 100  # messages without a PUBACK: beyond, the broker is not taking them
PACKET_MAX_BYTES = 4 * PAYLOAD_MAX_BYTES  # asked of an MQTT 5 broker; larger payloads below it are counted


class Inbox(Protocol):
    """Where a connection puts what arrives."""

    def put(self, message: paho.MQTTMessage) -> None:
        """Take a message; a full inbox takes some more."""
        ...

    def full(self) -> bool:
        """Say whether nothing more should be read from the broker."""
        ...


class Connection:
    """A connection that its owner's thread runs; all else may be called from any thread.

    `run` alone touches the socket: other threads only queue packets.
    """

    def __init__(self, settings: Settings, topics: Callable[[], frozenset[str]], inbox: Inbox) -> None:
        """Prepare to connect; `topics` are what to subscribe to, and may become more.

        Raises:
            DeviceMissingError: a certificate or key cannot be read.
        """
        self._settings, self._topics, self._inbox = settings, topics, inbox
        self._answers = Answers()
        self._client = _make_client(settings, self._answers, inbox)

    @property
    def accepted(self) -> bool:
        """Whether the broker took the connection, which then lasts."""
        return self._answers.accepted and self._answers.fault is None

    @property
    def ready(self) -> bool:
        """Whether the broker took the connection and every subscription."""
        return self.accepted and self._answers.subscribed >= self._topics()

    @property
    def fault(self) -> str | None:
        """Why the connection ended, or which message the broker refused last."""
        return self._answers.fault or self._answers.refusal

    def run(self, closing: threading.Event) -> None:
        """Connect and exchange packets until the connection ends, for which `fault` gives the reason, or `closing`.

        Raises:
            OSError: the broker could not be reached.
            Exception: whatever paho makes of packets that are not MQTT.
        """
        self._connect()
        answer_by_s = time.monotonic() + ANSWER_S
        while self._answers.fault is None and not closing.is_set():
            if self._inbox.full():
                self._hold_back(closing)
                continue
            ended = self._client.loop(TURN_S)
            if ended:
                self._answers.fail(f"the connection ended: {self._answers.log or paho.error_string(ended)}")
            elif self.ready:
                answer_by_s = time.monotonic() + ANSWER_S
            elif time.monotonic() > answer_by_s:
                self._answers.fail("the broker does not answer")
            if self.accepted:
                self._renew_subscriptions()
        self._client.disconnect()
        self._client.loop_write()

    def publish(self, topic: str, payload: bytes) -> None:
        """Queue a message for the broker; see `Broker.publish`."""
        sent = self._client.publish(topic, payload, qos=1).rc
        if sent == paho.MQTT_ERR_QUEUE_SIZE:
            raise BrokerError(f"the broker left {UNACKED_MAX} messages unacknowledged", cure="try again later")
        if sent:
            raise BrokerError(f"the message cannot be sent: {paho.error_string(sent)}", cure="try again later")

    def end(self) -> None:
        """Wake `run` up: to say goodbye to the broker, or to give up a handshake."""
        self._client.disconnect()
        if not self._answers.accepted:
            self._client.give_up()

    def _connect(self) -> None:
        settings = self._settings
        if settings.protocol == "5":
            limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own has no types
            limits.MaximumPacketSize = PACKET_MAX_BYTES
            self._client.connect(settings.host, settings.port, KEEPALIVE_S, clean_start=True, properties=limits)
        else:
            self._client.connect(settings.host, settings.port, KEEPALIVE_S)

    def _hold_back(self, closing: threading.Event) -> None:
        # Not by Receive Maximum (MQTT 5, 3.1.2.11.3): mosquitto 2.0.11 sends more. TCP's own window always holds.
        self._client.loop_write()
        self._client.loop_misc()
        closing.wait(PAUSE_S)

    def _renew_subscriptions(self) -> None:
        missing = self._topics() - self._answers.subscribed.union(*self._answers.asked.values())
        if missing:
            _, number = self._client.subscribe([(topic, 1) for topic in sorted(missing)])
            if number is not None:
                self._answers.asked[number] = missing


class _Client(paho.Client):
    """paho's client with a socket that can be given up, and that is closed when its handshake fails."""

    tls: ssl.SSLContext | None = None
    _opening: socket.socket | None = None

    def give_up(self) -> None:
        """End the TLS handshake or the wait for a CONNACK, from another thread."""
        opening = self._opening
        if opening is not None:
            with suppress(OSError):  # it ended by itself
                opening.shutdown(socket.SHUT_RDWR)

    def _create_socket(self) -> socket.socket:
        self._opening = socket.create_connection((self.host, self.port), CONNECT_S)
        if self.tls is not None:
            self._opening = handshake = self.tls.wrap_socket(
                self._opening, server_hostname=self.host, do_handshake_on_connect=False
            )
            try:
                handshake.do_handshake()
            except BaseException:
                handshake.close()
                raise
        return self._opening


def _make_client(settings: Settings, answers: Answers, inbox: Inbox) -> _Client:
    five = settings.protocol == "5"
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=None if five else True,
        protocol=paho.MQTTv5 if five else paho.MQTTv311,
        reconnect_on_failure=False,
    )
    client.max_queued_messages_set(UNACKED_MAX)
    if settings.ca is not None:
        client.tls = client_context(settings.ca, settings.certificate, settings.key)
        client.tls_set_context(client.tls)  # were paho to make its sockets elsewhere, they would still be TLS
    client.on_connect, client.on_disconnect = answers.on_connect, answers.on_disconnect
    client.on_subscribe, client.on_publish = answers.on_subscribe, answers.on_publish
    client.on_log = answers.on_log
    client.on_message = lambda _client, _userdata, message: inbox.put(message)
    # Without one, paho writes to the socket from whichever thread publishes, and two at once mix their packets.
    client.on_socket_register_write = lambda *_: None
    return client
