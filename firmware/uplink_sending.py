"""Batches out, acknowledgements in: one batch in flight, sent again until the centre says that it has stored it.

What was sent is not kept: each attempt reads the journal again, so that what was blanked meanwhile is not sent in
full, and a batch grows while it waits.
"""

import random
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from drivers.broker import Broker
from drivers.errors import BrokerError
from firmware.config_sections import UplinkConfig
from firmware.events import LogEvent
from firmware.journal_reader import JournalError, JournalReader, Unsent
from firmware.uplink_events import (
    AckIgnored,
    BatchAcknowledged,
    BatchResent,
    Ignored,
    UplinkJournalFailed,
)
from firmware.uplink_keys import Keys
from firmware.wire import Batch, WireError, batch_topic, count_fitting, decode_ack, encode_batch

RETRY_S = 1.0  # ours: after a failure on this side, before anything was sent
RESEND_LEAST_S = 5.0  # ours: an acknowledgement takes a second over the worst of networks
RESEND_S = 10.0  # the first wait is drawn from below it, and each bound is twice the one before
RESEND_MAX_S = 60.0
REMEMBERED = 256  # ours: batches sent but not acknowledged, hours of attempts

NO_ACK = "the centre does not acknowledge: is its collector running, and does it take this device's batches?"

Draw = Callable[[float, float], float]


class _Sent(NamedTuple):
    """Hold what an acknowledgement must repeat."""

    epoch: bytes
    up_to: int
    digest: bytes


class Sending:
    """Decide when to send what. Pure but for its two ports: times are seconds on any clock that only goes forward.

    A batch is closed when it is full, when its oldest record was first seen `batch_age_s` ago, or when in a hurry:
    after a connection was made, or when told to. Waits for an acknowledgement are drawn evenly between
    `RESEND_LEAST_S` and a bound that doubles, so that a fleet does not send in one instant.
    """

    def __init__(
        self,
        device: str,
        journal: JournalReader,
        broker: Broker,
        limits: UplinkConfig,
        log_: Callable[[LogEvent], None],
        draw: Draw = random.uniform,
    ) -> None:
        self.acked_s: float | None = None  # when the centre last acknowledged
        self.ignored = Ignored(lambda why, count: log_(AckIgnored(why, count)))
        self._device = device
        self._journal = journal
        self._broker = broker
        self._limits = limits
        self._log = log_
        self._draw = draw
        self._sent: dict[_Sent, bool] = {}  # the last REMEMBERED in the order of sending; True: acknowledged
        self._in_flight: _Sent | None = None
        self._file: int | None = None
        self._attempts = 0  # to send what is in flight
        self._due_s = 0.0
        self._hurry = False
        self._seen_s: float | None = None  # when the oldest unsent record was seen, while its batch is open
        self._looked_at: tuple[int, int] | None = None  # the journal's version when there was nothing to close
        self._failure: str | None = None  # of the journal or of publishing

    @property
    def fault(self) -> str | None:
        """Return what keeps records here although the broker is there."""
        return self._failure or ((self._broker.fault or NO_ACK) if self._attempts > 1 else None)

    def hurry(self, now_s: float) -> None:
        """Send what there is, at once, and count attempts anew: what is in flight may have been lost."""
        self._hurry, self._attempts, self._due_s, self._looked_at = True, 0, now_s, None

    def turn(self, now_s: float, keys: Keys) -> None:
        """Send what is due."""
        self._notice_journal(now_s)
        if now_s >= self._due_s:
            self._guarded(lambda: self._send(now_s, keys), now_s)

    def take_ack(self, message: bytes, keys: Keys, at: datetime, now_s: float) -> None:
        """Delete from the journal what a message acknowledges, if the centre signed it of a batch sent since the start.

        `at` is when the centre's certificate has to be in force.
        """
        try:
            ack = decode_ack(message, keys.authority, at)
        except WireError as error:
            self.ignored.happened(str(error), now_s)
            return
        sent = _Sent(ack.epoch, ack.up_to, ack.digest)
        if ack.device != self._device:
            self.ignored.happened("of another device's batch", now_s)
        elif sent not in self._sent:
            self.ignored.happened("not of a batch sent since the start", now_s)
        elif not self._sent[sent]:  # a repeated one is no news, and locks no journal
            self._guarded(lambda: self._acknowledge(sent, now_s), now_s)

    def _notice_journal(self, now_s: float) -> None:
        """Begin anew with another file, instead of waiting for what the centre was sent of the one before."""
        file = self._journal.file
        if file != self._file:
            self._file, self._in_flight, self._seen_s = file, None, None
            self.hurry(now_s)

    def _send(self, now_s: float, keys: Keys) -> None:
        version = self._journal.version()
        if self._in_flight is None and version == self._looked_at and not self._is_old(now_s):
            return
        unsent = self._journal.batch(self._limits.batch_records)
        self._failure = None
        if unsent is None:
            self._in_flight, self._seen_s, self._hurry = None, None, False
            self._looked_at = version
            return
        if self._in_flight is None and not self._is_closed(unsent, now_s):
            self._looked_at = version
            return
        rows = unsent.rows[: count_fitting(unsent.rows)]
        batch = Batch(self._device, unsent.epoch, unsent.first_seq, rows, unsent.previous)
        encoded = encode_batch(batch, keys.signer, keys.recipient)
        self._broker.publish(batch_topic(self._device), encoded.message)
        self._remember(_Sent(batch.epoch, batch.last_seq, encoded.digest))
        self._await(batch, now_s)

    def _is_closed(self, unsent: Unsent, now_s: float) -> bool:
        """Tell whether to send what is unsent: no more fits, it has waited, or there is a hurry."""
        if self._seen_s is None:
            self._seen_s = now_s
        full = len(unsent.rows) >= self._limits.batch_records or count_fitting(unsent.rows) < len(unsent.rows)
        return full or self._hurry or self._is_old(now_s)

    def _is_old(self, now_s: float) -> bool:
        return self._seen_s is not None and now_s >= self._seen_s + self._limits.batch_age_s

    def _remember(self, sent: _Sent) -> None:
        self._in_flight = sent
        self._sent.pop(sent, None)
        self._sent[sent] = False
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def _await(self, batch: Batch, now_s: float) -> None:
        """Decide when to send again."""
        wait_s = self._draw(RESEND_LEAST_S, min(RESEND_S * 2**self._attempts, RESEND_MAX_S))
        if self._attempts:
            self._log(BatchResent(batch.first_seq, batch.last_seq, wait_s))
        self._attempts = min(self._attempts + 1, 10)  # enough for the longest wait
        self._due_s, self._seen_s = now_s + wait_s, None

    def _acknowledge(self, sent: _Sent, now_s: float) -> None:
        self.acked_s = now_s
        noted = self._journal.acknowledge(sent.epoch, sent.up_to, sent.digest)
        for one in self._sent:
            self._sent[one] |= one.epoch == sent.epoch and one.up_to <= sent.up_to
        if not noted:
            return  # acknowledged from a stick, or of a journal that was set aside
        self._log(BatchAcknowledged(sent.epoch.hex(), sent.up_to))
        if self._in_flight is not None and self._in_flight.up_to <= sent.up_to:
            self._in_flight, self._due_s = None, now_s
        self._attempts, self._looked_at = 0, None

    def _guarded(self, action: Callable[[], None], now_s: float) -> None:
        """Do something that the journal or the broker may not take now; then try again a little later."""
        try:
            action()
        except JournalError as error:
            if self._failure != str(error):
                self._log(UplinkJournalFailed(str(error)))
            self._failure = str(error)
            self._due_s = max(self._due_s, now_s + RETRY_S)
        except BrokerError as error:
            self._failure = str(error)
            self._due_s = now_s + RETRY_S
