"""The centre's commands: which of them are obeyed. They can do no harm, and there is no other way in."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from drivers.clock import Clock
from firmware.checkin import milliseconds
from firmware.events import LogEvent
from firmware.uplink_events import Ignored, OrderIgnored, OrderObeyed
from firmware.uplink_keys import Keys
from firmware.wire import WireError
from firmware.wire_device import Command, Order, decode_order

REMEMBERED = 64
APART_S = 1.0  # ours: a person cannot mean more; a flood costs signatures to check, no work
FRESH_MS = 10 * 60 * 1000  # ours: a session's hour may bring what nobody waits for any more


class Orders:
    """Tell a command that is to be obeyed from one that is not: forged, another's, repeated, stale, or too soon.

    How old one is, only a synchronised clock can tell; without one, each identifier is obeyed once since the start, so
    that a broker may replay an old one after a restart: it makes the device blink, send or report, and nothing else.
    """

    def __init__(self, device: str, clock: Clock, log_: Callable[[LogEvent], None]) -> None:
        self.ignored = Ignored(lambda why, count: log_(OrderIgnored(why, count)))
        self._device = device
        self._clock = clock
        self._log = log_
        self._obeyed: deque[bytes] = deque(maxlen=REMEMBERED)
        self._due_s = 0.0

    def take(self, message: bytes, keys: Keys, now_s: float) -> Command | None:
        """Return what a message commands, if it is to be obeyed at this time on a clock that only goes forward."""
        at = self._clock.now()
        try:
            order = decode_order(message, keys.authority, at)
        except WireError as error:
            self.ignored.happened(str(error), now_s)
            return None
        objection = self._objection(order, at, now_s)
        if objection is not None:
            self.ignored.happened(objection, now_s)
            return None
        self._obeyed.append(order.id)
        self._due_s = now_s + APART_S
        self._log(OrderObeyed(order.command))
        return order.command

    def _objection(self, order: Order, at: datetime, now_s: float) -> str | None:
        if order.device != self._device:
            return "to another device"
        if order.id in self._obeyed:
            return "repeated"
        if self._clock.synchronised() and abs(order.at_ms - milliseconds(at)) > FRESH_MS:
            return "stale, or from the future"
        return "more than one a second" if now_s < self._due_s else None
