"""The uplink: journal to broker, acknowledgements back. `python -m firmware.uplink --config FILE`.

A row leaves the journal only when the centre says, signed, that it has stored it.
"""

import contextlib
import importlib.metadata
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from drivers.broker import Broker, Message
from drivers.clock import Clock
from drivers.errors import BrokerError, DeviceError
from firmware.config import Config, ConfigError
from firmware.config_sections import UplinkConfig
from firmware.crash import report_crash
from firmware.events import LogEvent, Started, Stopped, log
from firmware.health import IDENTIFY_S, UplinkStatus
from firmware.journal_reader import JournalError, JournalReader
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration, refuse
from firmware.uplink_events import UplinkConnected, UplinkLost
from firmware.uplink_keys import KeyFiles, Keys, KeySource
from firmware.uplink_orders import Orders
from firmware.uplink_sending import Draw, Sending
from firmware.uplink_telling import StatusFile, Telling, will_of
from firmware.uplink_trust import Announcements
from firmware.wire import ack_topic
from firmware.wire_device import Command, command_topic
from firmware.wire_trust import TRUST_TOPIC
from firmware.wiring import broker_of, clock_of

POLL_S = 0.2  # ours: how soon a check-in is seen
STATUS_S = 1.0  # the gate reads as often
FAULT_MAX_CHARS = 300

DAMAGED = "the journal is damaged: the gate sets it aside"


class Uplink:
    """One device's end of the line: sends, obeys, tells. Pure but for its ports."""

    def __init__(
        self,
        device: str,
        journal: JournalReader,
        broker: Broker,
        source: KeySource,
        clock: Clock,
        limits: UplinkConfig,
        *,
        version: str = "",
        trust_file: Path | None = None,
        log_: Callable[[LogEvent], None] = log,
        draw: Draw = random.uniform,
    ) -> None:
        """Begin; times given to the other methods are seconds on any clock that only goes forward.

        `trust_file` is where to write that the centre has published newer trust; None: nobody asks for it here.
        """
        self._device = device
        self._journal = journal
        self._broker = broker
        self._source = source
        self._clock = clock
        self._log = log_
        self._connection: int | None = -1  # none yet: the first look tells, whatever it finds
        self._unsent = 0
        self._identify_until_s = 0.0
        self._sending = Sending(device, journal, broker, limits, log_, draw)
        self._orders = Orders(device, clock, log_)
        self._telling = Telling(device, version, journal, broker, clock)
        self._announcements = None if trust_file is None else Announcements(trust_file, clock, log_)
        broker.subscribe(ack_topic(device))
        broker.subscribe(command_topic(device))
        if self._announcements is not None:  # else a broker whose access list is older would refuse it for nothing
            broker.subscribe(TRUST_TOPIC)

    def take(self, message: Message, now_s: float) -> None:
        """Do what a message of the centre's asks for; never raises for what is in it."""
        keys = self._source.keys
        if keys is None:
            return
        if message.topic == ack_topic(self._device):
            self._sending.take_ack(message.payload, keys, self._clock.now(), now_s)
        elif message.topic == command_topic(self._device):
            command = self._orders.take(message.payload, keys, now_s)
            if command is not None:
                self._obey(command, keys, now_s)
        elif message.topic == TRUST_TOPIC and self._announcements is not None:
            self._announcements.take(message.payload, keys, now_s)

    def turn(self, now_s: float) -> None:
        """Send and tell what is due."""
        self._sending.ignored.turn(now_s)
        self._orders.ignored.turn(now_s)
        if self._announcements is not None:
            self._announcements.turn(now_s)
        self._source.turn(now_s)
        self._notice_broker(now_s)
        keys = self._source.keys
        if self._connected and keys is not None:
            with contextlib.suppress(JournalError, BrokerError):  # sending meets the same, and says so
                self._telling.turn(now_s, keys)
            self._sending.turn(now_s, keys)

    def status(self, now_s: float) -> UplinkStatus:
        """Return how the uplink is."""
        with contextlib.suppress(JournalError):  # the number before stays; turn() reports the failure
            self._unsent = self._journal.unsent()
        acked_s, fault = self._sending.acked_s, self._fault()
        return UplinkStatus(
            connected=self._connected,
            unsent=self._unsent,
            last_ack_age_s=None if acked_s is None else round(max(0.0, now_s - acked_s), 1),
            fault=fault and fault[:FAULT_MAX_CHARS],
            identify_s=round(max(0.0, self._identify_until_s - now_s), 1),
        )

    def leave(self) -> None:
        """Tell the centre that this device goes, in order."""
        keys = self._source.keys
        if keys is not None:
            with contextlib.suppress(JournalError, BrokerError):
                self._telling.tell(keys, online=False)

    @property
    def _connected(self) -> bool:
        return self._connection is not None and self._connection >= 0

    def _obey(self, command: Command, keys: Keys, now_s: float) -> None:
        match command:
            case "sync-now":
                self._sending.hurry(now_s)
            case "identify":
                self._identify_until_s = now_s + IDENTIFY_S
            case "report":
                with contextlib.suppress(JournalError, BrokerError):  # whoever asked asks again
                    self._telling.report(keys)

    def _fault(self) -> str | None:
        if self._journal.damaged:
            return DAMAGED
        if self._source.problem is not None:
            return self._source.problem
        if not self._connected:
            return self._broker.fault or "not connected to the broker yet"
        return self._sending.fault

    def _notice_broker(self, now_s: float) -> None:
        connection = self._broker.connection if self._broker.connected else None
        if connection == self._connection:
            return
        self._connection = connection
        if connection is not None:
            self._log(UplinkConnected())
            self._sending.hurry(now_s)
            self._telling.hurry()
        else:
            self._log(UplinkLost(self._broker.fault or "unknown"))


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
    uplink.leave()
    status.remove()


def main() -> int:
    """Run the uplink of the configuration named on the command line."""
    sys.excepthook = report_crash
    try:
        config = configuration("uplink", __doc__)
        stopping = StopFlag()
        _run(config, stopping)
    except (ConfigError, DeviceError) as error:
        return refuse("uplink", error)
    log(Stopped("uplink"))
    return 0


def _run(config: Config, stopping: StopFlag) -> None:
    device, version, clock = config.device.name, _version(), clock_of(config)
    source = KeyFiles(device, config.centre_files)
    source.turn(time.monotonic())  # before the first connection, so that it has a will
    kept = config.journal.acknowledged_hours > 0
    with (
        broker_of(config, will_of(device, version, source, clock)) as broker,
        JournalReader(config.journal.path, keep_acknowledged=kept, size_mib=config.journal.size_mib) as journal,
    ):
        log(Started("uplink"))
        news = None if config.trust.url is None else config.trust_announced
        uplink = Uplink(device, journal, broker, source, clock, config.uplink, version=version, trust_file=news)
        run(uplink, broker, config.uplink_status, stopping)


def _version() -> str:
    try:
        return importlib.metadata.version("greengate")
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
