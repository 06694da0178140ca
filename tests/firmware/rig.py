"""A device's journal and uplink, a bus, and a centre, in one process and on one simulated clock."""

from pathlib import Path
from types import TracebackType
from typing import Self

from centre.collecting.collector import Collector
from centre.collecting.events import Event
from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import Entry
from drivers.broker.simulated import SimulatedBus
from firmware.checkin import CheckIn
from firmware.events import LogEvent
from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.uplink import Uplink
from firmware.wire import BATCHES_TOPIC, Ack, ack_topic, decode_batch
from tests.firmware.checkins import checkin

DEVICE = "gate-1"


class Rig:
    """Where a test plays the gate, the network and the time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.now_s = 1000.0
        self.bus = SimulatedBus()
        self.log: list[LogEvent] = []
        self.events: list[Event] = []
        self.journal = Journal.open(self.path, migrate=migrate)
        self.centre_broker = self.bus.broker("centre")
        self.centre_broker.subscribe(BATCHES_TOPIC)
        self.store_path = folder / "centre.db"
        self.start_collector()
        self.start_uplink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.close()
        self.reader.close()
        self.store.close()

    def start_uplink(self) -> None:
        """Start the uplink, as after a restart: of what it sent before it knows nothing."""
        self.broker = self.bus.broker(DEVICE)
        self.reader = JournalReader(self.path)
        self.uplink = Uplink(DEVICE, self.reader, self.broker, self.log.append)

    def start_collector(self) -> None:
        self.store = SqliteStore(self.store_path)
        self.collector = Collector(self.store, self.centre_broker, self.events.append)

    def restart_uplink(self) -> None:
        self.reader.close()
        self.start_uplink()

    def turn_uplink(self) -> None:
        while message := self.broker.receive(0):
            self.uplink.take(message, self.now_s)
        self.uplink.turn(self.now_s)

    def turn_centre(self) -> None:
        while message := self.centre_broker.receive(0):
            self.collector.take(message)

    def settle(self, rounds: int = 4) -> None:
        """Let everything happen that needs no time."""
        for _ in range(rounds):
            self.turn_uplink()
            self.turn_centre()
        self.turn_uplink()

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        self.settle()

    def publish_ack(self, payload: bytes, topic: str = ack_topic(DEVICE)) -> None:
        """Send something to the device as somebody who is not the centre would."""
        stranger = self.bus.broker("stranger")
        stranger.publish(topic, payload)
        stranger.close()

    def stored(self) -> list[CheckIn]:
        return [entry.checkin for entry in self.entries()]

    def entries(self) -> list[Entry]:
        return self.store.entries(limit=100_000)


def appended(rig: Rig, first: int, last: int) -> None:
    for number in range(first, last + 1):
        rig.journal.append(checkin(number))


def sent_ack(rig: Rig) -> Ack:
    """Let the uplink send a batch, take it away from the centre, and return what would acknowledge it."""
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    batch, digest = decode_batch(message.payload, allow_unsigned=True)
    return Ack(batch.device, batch.epoch, batch.last_seq, digest)
