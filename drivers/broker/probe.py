"""Ask a broker, on a short connection of its own, which messages it takes from this client.

In MQTT 5 a PUBACK says whether the broker's access list let a message through (MQTT 5, 3.4.2.1). In 3.1.1 it says
nothing, so nothing is known there.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from drivers.broker.answers import Answers
from drivers.broker.connection import _make_client, connect
from drivers.broker.settings import Settings
from drivers.broker.tls import in_words
from drivers.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

Answer = Literal["taken", "refused", "unknown"]
PAYLOAD = b""  # nothing: were it to reach somebody, there is nothing to take for a batch
TURN_S = 0.1
ATTEMPTS = 3  # a broker that gives each device one connection ends this one when the uplink comes back
NOT_AUTHORIZED = 0x87  # MQTT 5, 3.4.2.1

__all__ = ["Answer", "Probed", "Settings", "probe"]


@dataclass(frozen=True, slots=True)
class Probed:
    """What the broker answered: why it could not be asked (`fault`), or an answer by topic."""

    fault: str | None = None
    answers: dict[str, Answer] = field(default_factory=dict)


class _Answers(Answers):
    """What the broker answered, each message by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.topics: dict[int, str] = {}  # by packet identifier
        self.answered: dict[str, Answer] = {}

    def on_publish(
        self,
        client: Client,
        userdata: object,
        number: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """Take a PUBACK."""
        super().on_publish(client, userdata, number, reason, properties)
        if reason.is_failure and reason.value != NOT_AUTHORIZED:
            answer: Answer = "unknown"
        else:
            answer = "refused" if reason.is_failure else "taken"
        self.answered[self.topics[number]] = answer


class _Nowhere:
    """An inbox for a client that subscribes to nothing."""

    def put(self, message: MQTTMessage) -> None:
        """Drop it."""

    def full(self) -> bool:
        """Say no."""
        return False


def probe(settings: Settings, topics: Iterable[str], deadline_s: float) -> Probed:
    """Publish nothing on each topic, and tell what the broker made of it, within about `deadline_s` (and a connect).

    With a broker that allows each name one connection, the one that is there is ended; it comes back by itself. Its
    session is left as it is, with all that waits in it, where `settings.session_s` is the same as its own.
    """
    wanted, end_s = tuple(topics), time.monotonic() + deadline_s
    probed = Probed("the broker was not asked")
    for _ in range(ATTEMPTS):
        answers = _Answers()
        try:
            _ask(settings, wanted, answers, end_s)
        except (DeviceError, OSError, ValueError) as error:
            return Probed(in_words(error, settings.host, settings.port))
        probed = _result(answers, wanted, settings.protocol)
        if probed.fault is None or not answers.accepted or time.monotonic() >= end_s:
            break
    return probed


def _ask(settings: Settings, topics: tuple[str, ...], answers: _Answers, end_s: float) -> None:
    client = _make_client(settings, answers, _Nowhere())
    try:
        client.manual_ack_set(True)  # noqa: FBT003 - paho's: what waits in the session goes on waiting, for whom it is meant
        connect(client, settings)
        while answers.fault is None and len(answers.answered) < len(topics):
            if time.monotonic() >= end_s:
                answers.fail("the broker does not answer")
            elif client.loop(TURN_S):
                answers.fail("the broker ended the connection")
            elif answers.accepted and not answers.topics:
                for topic in topics:  # their numbers are known before a PUBACK is read, by this thread alone
                    answers.topics[client.publish(topic, PAYLOAD, qos=1).mid] = topic
    finally:
        with suppress(OSError, ValueError):
            client.disconnect()
            client.loop_write()


def _result(answers: _Answers, topics: tuple[str, ...], protocol: str) -> Probed:
    if set(answers.answered) == set(topics):
        known = protocol == "5"
        return Probed(None, answers.answered if known else dict.fromkeys(topics, "unknown"))
    return Probed(answers.fault or answers.refusal or "the broker does not answer", answers.answered)
