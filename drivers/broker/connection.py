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
UNACKED_MAX = 1000  # messages without a PUBACK: beyond, the broker is not taking them; a collector answers in bursts
TAKEN_S = 60.0  # without any PUBACK, where one is due: paho sends 20 messages ahead, and no more until then
PACKET_MAX_BYTES = 4 * PAYLOAD_MAX_BYTES  # asked of an MQTT 5 broker; larger payloads below it are counted
PACKET_HELD_MAX_BYTES = 16 * 1024 * 1024  # ours: a broker that sends more in one packet means ill, or another port


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

    def __init__(
        self, settings: Settings, topics: Callable[[], frozenset[str]], inbox: Inbox, *, retains: bool
    ) -> None:
        """Prepare to connect; `topics` are what to subscribe to, and may become more.

        Without `retains`, nothing is sent as retained until the broker says that it may be.

        Raises:
            DeviceMissingError: a certificate or key cannot be read.
        """
        self._settings, self._topics, self._inbox = settings, topics, inbox
        self._answers = Answers(retains=retains)
        self._client = _make_client(settings, self._answers, inbox)
        self._taken, self._taken_s = 0, time.monotonic()

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

    @property
    def retains_next(self) -> bool:
        """Whether the next connection should begin with a retained will.

        MQTT 5 has words for it. In 3.1.1 mosquitto hangs up on such a will: both ways are then tried in turn.
        """
        answers = self._answers
        if self._settings.protocol == "5":
            return answers.retains
        return answers.accepted or answers.retains != answers.hung_up

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
            self._client.confirm_at_once()
            ended = self._client.loop(TURN_S)
            if ended:
                self._answers.end(paho.error_string(ended))
            elif self.ready:
                answer_by_s = time.monotonic() + ANSWER_S
            elif time.monotonic() > answer_by_s:
                self._answers.fail("the broker does not answer")
            self._check_taken()
            if self.accepted:
                self._renew_subscriptions()
        self._client.disconnect()
        self._client.loop_write()

    def publish(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Queue a message for the broker; see `Broker.publish`."""
        sent = self._client.publish(topic, payload, qos=1, retain=retained and self._answers.retains).rc
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
        will = None if settings.will is None else settings.will.payload()
        if settings.will is not None and will is not None:
            self._client.will_set(settings.will.topic, will, qos=1, retain=self._answers.retains)
        connect(self._client, settings)

    def _hold_back(self, closing: threading.Event) -> None:
        # Not by Receive Maximum (MQTT 5, 3.1.2.11.3): mosquitto 2.0.11 sends more. TCP's own window always holds.
        self._client.loop_write()
        self._client.loop_misc()
        closing.wait(PAUSE_S)
        self._taken_s = time.monotonic()  # a PUBACK may be behind what is not read

    def _check_taken(self) -> None:
        """End a connection over which nothing goes out any more, though its broker answers all else."""
        now_s = time.monotonic()
        if self._answers.taken != self._taken or not self._client.waits_for_puback:
            self._taken, self._taken_s = self._answers.taken, now_s
        elif now_s > self._taken_s + TAKEN_S:
            self._answers.fail("the broker does not confirm messages")

    def _renew_subscriptions(self) -> None:
        missing = self._topics() - self._answers.subscribed.union(*self._answers.asked.values())
        if missing:
            _, number = self._client.subscribe([(topic, 1) for topic in sorted(missing)])
            if number is not None:
                self._answers.asked[number] = missing


def connect(client: paho.Client, settings: Settings) -> None:
    """Connect a client, and go on with its session where it has one.

    Raises: OSError.
    """
    if settings.protocol == "5":
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own has no types
        wanted.MaximumPacketSize = PACKET_MAX_BYTES
        wanted.SessionExpiryInterval = settings.session_s
        clean = settings.session_s == 0
        client.connect(settings.host, settings.port, KEEPALIVE_S, clean_start=clean, properties=wanted)
    else:
        client.connect(settings.host, settings.port, KEEPALIVE_S)


class _Client(paho.Client):
    """paho's client with a socket that can be given up, and that is closed when its handshake fails."""

    tls: ssl.SSLContext | None = None
    _opening: socket.socket | None = None

    @property
    def waits_for_puback(self) -> bool:
        """Whether a message was published, and the broker has not confirmed it."""
        return bool(self._out_messages)

    def give_up(self) -> None:
        """End the TLS handshake or the wait for a CONNACK, from another thread."""
        opening = self._opening
        if opening is not None:
            with suppress(OSError):  # it ended by itself
                opening.shutdown(socket.SHUT_RDWR)

    def confirm_at_once(self) -> None:
        """Let TCP confirm what comes next without delay: a broker that waits for that holds the next message back.

        mosquitto does unless `set_tcp_nodelay` is on; each answer would come 40 ms late. Linux forgets it: tcp(7).
        """
        sock = self._opening
        if sock is not None:
            with suppress(OSError):  # it has ended; `loop` finds out why
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _sock_recv(self, bufsize: int) -> bytes:
        """Read what is left of a packet, unless no memory has room for it: paho would hold up to 256 MiB."""
        if bufsize > PACKET_HELD_MAX_BYTES:
            raise OSError(f"a packet of {bufsize} bytes")
        return super()._sock_recv(bufsize)

    def _create_socket(self) -> socket.socket:
        self._opening = socket.create_connection((self.host, self.port), CONNECT_S)
        # Or a message waits for the other end to confirm the small packet before it: 40 ms and more (RFC 1122, 4.2.3).
        self._opening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        clean_session=None if five else settings.session_s == 0,
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
