"""What the broker answered on one connection, gathered from paho's callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.enums import LogLevel

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode


class Answers:
    """The state of a connection; the callbacks are called by its thread, the attributes read by any."""

    def __init__(self) -> None:
        self.accepted = False
        self.fault: str | None = None  # the first one: what follows are its consequences
        self.refusal: str | None = None  # of the message that was acknowledged last
        self.asked: dict[int, frozenset[str]] = {}  # by packet identifier: topics without their SUBACK
        self.subscribed: frozenset[str] = frozenset()
        self.log = ""

    def fail(self, fault: str) -> None:
        """Note why the connection ends."""
        self.fault = self.fault or " ".join(fault.split())

    def on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        """Take a CONNACK."""
        if reason.is_failure:
            self.fail(f"the broker refuses the connection: {reason}")
        else:
            self.accepted = True

    def on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        """Take the end of the connection; only the broker's own DISCONNECT says why."""
        if flags.is_disconnect_packet_from_server:
            self.fail(f"the broker ended the connection: {reason}")

    def on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        number: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        """Take a SUBACK; a refusal ends the connection, as nobody would notice that it is deaf."""
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self.fail(f"the broker refuses a subscription: {refused[0]}")
        else:
            self.subscribed |= self.asked.pop(number, frozenset())

    def on_publish(
        self,
        _client: Client,
        _userdata: object,
        _number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        """Take a PUBACK, which may say in MQTT 5 that the message went nowhere."""
        self.refusal = f"the broker refuses a message: {reason}" if reason.is_failure else None

    def on_log(self, _client: Client, _userdata: object, level: int, text: str) -> None:
        """Keep the last error: paho tells the reason of a broken connection nowhere else."""
        if level == LogLevel.MQTT_LOG_ERR:
            self.log = text
