"""The uplink: journal to broker, acknowledgements back. `python -m firmware.uplink --config FILE`.

A row leaves the journal only when the centre says that it has stored it. What was sent is not kept: each attempt
reads the journal again, so that what was blanked meanwhile is not sent in full, and a batch grows while it waits.
"""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from drivers.broker import Broker, Message
from drivers.errors import BrokerError, DeviceError
from firmware.config import ConfigError
from firmware.crash import report_crash
from firmware.events import LogEvent, Started, Stopped, log
from firmware.floods import Seldom
from firmware.health import UplinkStatus
from firmware.journal_reader import JournalError, JournalReader
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import FOLDER_MODE, StopFlag, configuration, refuse
from firmware.small_files import write_small
from firmware.uplink_events import (
    AckIgnored,
    BatchAcknowledged,
    BatchResent,
    UplinkConnected,
    UplinkJournalFailed,
    UplinkLost,
    UplinkStatusFailed,
)
from firmware.wire import MAX_RECORDS, Batch, WireError, ack_topic, batch_topic, decode_ack, encode_batch
from firmware.wiring import broker_of

POLL_S = 0.2  # ours: how soon a check-in is sent; longer than a light needs
STATUS_S = 1.0  # the gate reads as often
RETRY_S = 1.0  # ours: after a failure on this side, before anything was sent
RESEND_S = 10.0  # ours: an acknowledgement takes a second over the worst of networks
RESEND_MAX_S = 60.0
REMEMBERED = 256  # ours: batches sent but not acknowledged, hours of attempts
FAULT_MAX_CHARS = 300
STATUS_MODE = 0o640  # the gate, a user of its own in the same group, reads it

NO_ACK = "the centre does not acknowledge: is its collector running, and does it take this device's batches?"
DAMAGED = "the journal is damaged: the gate sets it aside"


class _Sent(NamedTuple):
    """Hold what an acknowledgement must repeat."""

    epoch: bytes
    up_to: int
    digest: bytes


class Uplink:
    """Send one batch at a time, again until it is acknowledged, waiting longer each time and never giving up.

    Pure but for its two ports: times are seconds on any clock that only goes forward.
    """

    def __init__(
        self, device: str, journal: JournalReader, broker: Broker, log_: Callable[[LogEvent], None] = log
    ) -> None:
        self._device = device
        self._journal = journal
        self._broker = broker
        self._log = log_
        self._connected: bool | None = None
        self._sent: dict[_Sent, None] = {}  # in the order of sending, the last REMEMBERED
        self._in_flight: _Sent | None = None
        self._file: int | None = None
        self._attempts = 0  # to send what is in flight
        self._due_s = 0.0
        self._empty_at: tuple[int | None, int] | None = None  # the journal's version when nothing was unsent
        self._acked_s: float | None = None
        self._unsent = 0
        self._failure: str | None = None  # of the journal or of publishing
        self._ignored_why = ""
        self._now_s = 0.0
        self._ignored = Seldom(
            lambda count: log_(AckIgnored(self._ignored_why, count)), lambda: round(self._now_s * 1e9)
        )
        broker.subscribe(ack_topic(device))

    def take(self, message: Message, now_s: float) -> None:
        """Delete from the journal what a message acknowledges, if it is of a batch sent since the start."""
        self._now_s = now_s
        if message.topic != ack_topic(self._device):
            return
        try:
            ack = decode_ack(message.payload, allow_unsigned=True)
        except WireError as error:
            self._ignore(str(error))
            return
        sent = _Sent(ack.epoch, ack.up_to, ack.digest)
        if ack.device != self._device or sent not in self._sent:
            self._ignore("not of a batch sent since the start")
            return
        self._guarded(lambda: self._acknowledge(sent, now_s), now_s)

    def turn(self, now_s: float) -> None:
        """Send what is due."""
        self._now_s = now_s
        self._ignored.turn()
        self._notice_broker(now_s)
        self._notice_journal(now_s)
        if not self._connected or now_s < self._due_s:
            return
        self._guarded(lambda: self._send(now_s), now_s)

    def status(self, now_s: float) -> UplinkStatus:
        """Return how the uplink is."""
        with contextlib.suppress(JournalError):  # the number before stays; turn() reports the failure
            self._unsent = self._journal.unsent()
        age_s = None if self._acked_s is None else round(max(0.0, now_s - self._acked_s), 1)
        fault = self._fault()
        return UplinkStatus(bool(self._connected), self._unsent, age_s, fault and fault[:FAULT_MAX_CHARS])

    def _ignore(self, why: str) -> None:
        self._ignored_why = why
        self._ignored.happened()

    def _fault(self) -> str | None:
        if self._journal.damaged:
            return DAMAGED
        if not self._connected:
            return self._broker.fault or "not connected to the broker yet"
        return self._failure or ((self._broker.fault or NO_ACK) if self._attempts > 1 else None)

    def _notice_broker(self, now_s: float) -> None:
        connected = self._broker.connected
        if connected == self._connected:
            return
        self._connected = connected
        if connected:
            self._log(UplinkConnected())
            self._due_s, self._attempts = now_s, 0  # whatever was in flight may have been lost
        else:
            self._log(UplinkLost(self._broker.fault or "unknown"))

    def _notice_journal(self, now_s: float) -> None:
        """Begin anew with another file, instead of waiting for what the centre was sent of the one before."""
        file = self._journal.file
        if file != self._file:
            self._file, self._in_flight, self._attempts, self._due_s = file, None, 0, now_s

    def _send(self, now_s: float) -> None:
        version = self._journal.version()
        if self._in_flight is None and version == self._empty_at:
            return
        unsent = self._journal.batch(MAX_RECORDS)
        self._failure = None
        if unsent is None:
            self._in_flight, self._empty_at = None, version
            return
        batch = Batch(self._device, unsent.epoch, unsent.first_seq, unsent.records, unsent.previous)
        encoded = encode_batch(batch)
        self._broker.publish(batch_topic(self._device), encoded.message)
        self._remember(_Sent(batch.epoch, batch.last_seq, encoded.digest))
        wait_s = min(RESEND_S * 2**self._attempts, RESEND_MAX_S)
        if self._attempts:
            self._log(BatchResent(batch.first_seq, batch.last_seq, wait_s))
        self._attempts = min(self._attempts + 1, 10)  # enough for the longest wait
        self._due_s = now_s + wait_s

    def _remember(self, sent: _Sent) -> None:
        self._in_flight = sent
        self._sent.pop(sent, None)
        self._sent[sent] = None
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def _acknowledge(self, sent: _Sent, now_s: float) -> None:
        self._acked_s = now_s
        if not self._journal.acknowledge(sent.epoch, sent.up_to, sent.digest):
            return  # acknowledged before, or of a journal that was set aside
        self._log(BatchAcknowledged(sent.epoch.hex(), sent.up_to))
        if self._in_flight is not None and self._in_flight.up_to <= sent.up_to:
            self._in_flight = None
        self._attempts, self._due_s = 0, now_s if self._in_flight is None else self._due_s
        self._empty_at = None

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


class StatusFile:
    """Where the uplink says how it is; without it, the gate says that the uplink is silent."""

    def __init__(self, path: Path, log_: Callable[[LogEvent], None] = log) -> None:
        self._path = path
        self._log = log_
        self._failing = False

    def write(self, status: UplinkStatus) -> None:
        """Replace the file; a failure is logged once until it passes."""
        try:
            if not self._path.parent.is_dir():  # on an appliance it is there, and this user's
                self._path.parent.mkdir(FOLDER_MODE)
            write_small(self._path, msgspec.json.encode(status), STATUS_MODE)
        except OSError as error:
            if not self._failing:
                self._log(UplinkStatusFailed(f"{self._path}: {error.strerror}"))
            self._failing = True
        else:
            self._failing = False

    def remove(self) -> None:
        """Take the file away."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def run(
    uplink: Uplink, broker: Broker, status_file: Path, stopping: StopFlag, clock: Callable[[], float] = time.monotonic
) -> None:
    """Turn the loop until told to stop."""
    notify(READY)
    status = StatusFile(status_file)
    status_s = clock()
    while not stopping:
        message = broker.receive(POLL_S)
        now_s = clock()
        if message is not None:
            uplink.take(message, now_s)
        uplink.turn(now_s)
        if now_s >= status_s:
            status.write(uplink.status(now_s))
            status_s = now_s + STATUS_S
        notify(ALIVE)
    notify(STOPPING)
    status.remove()


def main() -> int:
    """Run the uplink of the configuration named on the command line."""
    sys.excepthook = report_crash
    try:
        config = configuration("uplink", __doc__)
        broker = broker_of(config)
    except (ConfigError, DeviceError) as error:
        return refuse("uplink", error)
    stopping = StopFlag()
    with broker, JournalReader(config.journal.path) as journal:
        log(Started("uplink"))
        run(Uplink(config.device.name, journal, broker), broker, config.uplink_status, stopping)
    log(Stopped("uplink"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
