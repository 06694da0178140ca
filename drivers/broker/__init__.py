"""Messages to and from a broker: at least once while connected, with nothing kept for later on this side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

PAYLOAD_MAX_BYTES = 128 * 1024  # ours: a batch on the wire is smaller; bounds what a stranger can make us hold
RECEIVED_MAX = 100  # messages waiting for `receive`, beyond which no more are read from the network

BrokerKind = Literal["mqtt"]


class Message(NamedTuple):
    """What arrived on a topic."""

    topic: str
    payload: bytes


class Will(NamedTuple):
    """What the broker is to publish, retained if it can, once this client is gone without a word.

    `payload` makes it anew for each connection, in the connection's own thread; None: no will this time.
    """

    topic: str
    payload: Callable[[], bytes | None]


class Broker(Protocol):
    """A connection to a broker that is made, and made again, in the background.

    Opening never waits and never fails for what the network does. A message that was published may be
    lost with the connection, and may arrive twice: only an answer of the other end's own proves anything.
    """

    @property
    def connected(self) -> bool:
        """Whether the broker took the connection and every subscription."""
        ...

    @property
    def connection(self) -> int:
        """Which connection this is: where another number stands, what was sent over the one before may be lost."""
        ...

    @property
    def fault(self) -> str | None:
        """Why it is not connected, or else which message the broker refused last: one line for people."""
        ...

    @property
    def dropped(self) -> int:
        """How many messages that arrived were too large or unreadable, and left out."""
        ...

    def subscribe(self, topic: str) -> None:
        """Receive what is published on a topic (with + and #, $share/GROUP/), now and after each reconnect.

        What is retained there arrives each time; through $share as the broker likes.

        Raises:
            ValueError: not a topic filter (MQTT 5, 4.7 and 4.8.2).
        """
        ...

    def publish(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Hand a message to the broker (QoS 1) without waiting for its PUBACK.

        The broker keeps a `retained` one for those who subscribe later, the last of each topic; an empty one ends that.
        One that keeps none gives it to those who are there.

        Raises:
            ValueError: not a topic name (MQTT 5, 4.7).
            BrokerError: not connected, too many messages without a PUBACK, or a payload over 128 KiB.
        """
        ...

    def receive(self, timeout_s: float) -> Message | None:
        """Take the oldest message that arrived, waiting for one; None if there was none in time."""
        ...

    def close(self) -> None:
        """Disconnect without a will, within 2 s whatever the network does; a second call does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the broker itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        ...


def open_broker(
    kind: BrokerKind,
    *,
    host: str,
    port: int,
    client_id: str,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    protocol: Literal["5", "3.1.1"] = "5",
    will: Will | None = None,
    session_s: int = 0,
    patient: bool = False,
    retry_min_s: float = 1.0,
) -> Broker:
    """Open a broker and start to connect to it.

    Args:
        kind: "mqtt"; a simulated one is made by `SimulatedBus.broker`, as it needs its bus.
        host: name or address.
        port: 1 to 65535.
        client_id: unique at the broker: a second client of the same name ends the first's connection.
        ca: certificates that may sign the broker's, in PEM; without it the connection is not encrypted.
        certificate: this client's own chain, in PEM; read again at each connect, so that it may be renewed.
        key: the certificate's key, in PEM, without a password.
        protocol: the version of MQTT.
        will: what the broker publishes when this client is gone without a word.
        session_s: for how long the broker keeps subscriptions, and messages for them, while this client is away;
            0: not at all. In 3.1.1 the broker alone decides how long.
        patient: take files that are missing or wrong for a `fault` that may pass; they are looked at for each attempt.
        retry_min_s: the bound of the wait after the first lost connection; it doubles up to 30 s, and the wait is
            drawn evenly from below it, so that a fleet does not come back in one instant.

    Raises:
        ValueError: arguments that contradict each other or cannot be right.
        DeviceMissingError: a file is missing or holds no certificate or key, without `patient`; the message names it.
    """
    match kind:
        case "mqtt":
            from drivers.broker.mqtt import MqttBroker, Settings  # noqa: PLC0415 - paho costs 11 MiB

            settings = Settings(host, port, client_id, ca, certificate, key, protocol, will, session_s)
            return MqttBroker(settings, patient=patient, retry_min_s=retry_min_s)
        case _:
            assert_never(kind)
