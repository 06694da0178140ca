"""What the broker answered on one connection, gathered from paho's callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.enums import LogLevel, MQTTProtocolVersion

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode


RETAIN_NOT_SUPPORTED = 0x9A  # MQTT 5, 3.2.2.2 and 3.14.2.1


class Answers:
    """The state of a connection; the callbacks are called by its thread, the attributes read by any."""

    def __init__(self, *, retains: bool = True) -> None:
        self.accepted = False
        self.retains = retains  # as far as is known; to a broker that does not, nothing may be sent as retained
        self.hung_up = False  # in place of a CONNACK
        self.fault: str | None = None  # the first one: what follows are its consequences
        self.refusal: str | None = None  # of the message that was acknowledged last
        self.asked: dict[int, frozenset[str]] = {}  # by packet identifier: topics without their SUBACK
        self.subscribed: frozenset[str] = frozenset()
        self.taken = 0  # PUBACKs
        self.log = ""

    def fail(self, fault: str) -> None:
        """Note why the connection ends."""
        self.fault = self.fault or " ".join(fault.split())

    def end(self, cause: str) -> None:
        """Note that the connection ended; `cause` matters where the broker gave none."""
        self.hung_up = not self.accepted and self.fault is None
        self.fail(f"the connection ended: {self.log or cause}")

    def on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """Take a CONNACK."""
        if reason.is_failure:
            self._refused(reason)
            self.fail(f"the broker refuses the connection: {reason}")
        else:
            if client.protocol == MQTTProtocolVersion.MQTTv5:  # 3.1.1 has no word for it
                self.retains = bool(getattr(properties, "RetainAvailable", True))  # MQTT 5, 3.2.2.3.5
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
            self._refused(reason)
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
        self.taken += 1
        self.refusal = f"the broker refuses a message: {reason}" if reason.is_failure else None

    def on_log(self, _client: Client, _userdata: object, level: int, text: str) -> None:
        """Keep the last error: paho tells the reason of a broken connection nowhere else."""
        if level == LogLevel.MQTT_LOG_ERR:
            self.log = text

    def _refused(self, reason: ReasonCode) -> None:
        if reason.value == RETAIN_NOT_SUPPORTED:
            self.retains = False
