"""A device's journal and uplink, a bus, and a centre, in one process and on one simulated clock."""

import random
from pathlib import Path
from types import TracebackType
from typing import Self

from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import Entry
from drivers.broker import Message
from drivers.broker.simulated import SimulatedBus
from drivers.clock.simulated import SimulatedClock
from firmware.checkin import CheckIn, milliseconds
from firmware.config_sections import UplinkConfig
from firmware.events import LogEvent
from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.uplink import Uplink
from firmware.uplink_keys import Keys
from firmware.uplink_sending import Draw
from firmware.uplink_telling import will_of
from firmware.wire import (
    BATCHES_TOPIC,
    Ack,
    DecodedBatch,
    ack_topic,
    encode_ack,
    open_batch,
    unseal_batch,
)
from firmware.wire_device import Command, Order, Status, command_topic, decode_status, encode_order, status_topic
from tests.firmware.checkins import START, checkin
from tests.pki import Pki

DEVICE = "gate-1"
CENTRE = "centre.one"
AT_ONCE = UplinkConfig(batch_age_s=0)
SESSION_S = 3600


class KnownKeys:
    """Keys that are there, or not: a `KeySource` without files."""

    def __init__(self, keys: Keys | None) -> None:
        self.keys = keys
        self.problem = None if keys else "no keys: run greengate enrol"

    def turn(self, _now_s: float) -> None:
        """Nothing changes by itself."""


class Rig:
    """Where a test plays the gate, the network, the centre's people and the time.

    Waits are as long as they may be, unless `draw` says otherwise.
    """

    def __init__(
        self,
        folder: Path,
        limits: UplinkConfig = AT_ONCE,
        draw: Draw = lambda _least, most: most,
        trust_file: Path | None = None,
    ) -> None:
        self.path = folder / "journal.db"
        self.pki = Pki.shared()
        self.clock = SimulatedClock(START)
        self.bus = SimulatedBus()
        self.log: list[LogEvent] = []
        self.limits, self.draw, self.trust_file = limits, draw, trust_file
        self.source = KnownKeys(self.keys())
        self.journal = Journal.open(self.path, migrate=migrate)
        self.centre_broker = self.bus.broker("centre")
        self.centre_broker.subscribe(BATCHES_TOPIC)
        self.watching = self.bus.broker("watching")
        self.watching.subscribe(status_topic(DEVICE))
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

    @property
    def now_s(self) -> float:
        return self.clock.monotonic_ns() / 1e9

    def keys(self) -> Keys:
        return Keys(self.pki.signer(DEVICE), self.pki.recipient(), self.pki.authority)

    def start_uplink(self) -> None:
        """Start the uplink, as after a restart: of what it sent before it knows nothing."""
        will = will_of(DEVICE, "1.0", self.source, self.clock)
        self.broker = self.bus.broker(DEVICE, will, SESSION_S)
        self.reader = JournalReader(self.path)
        self.uplink = Uplink(
            DEVICE,
            self.reader,
            self.broker,
            self.source,
            self.clock,
            self.limits,
            version="1.0",
            trust_file=self.trust_file,
            log_=self.log.append,
            draw=self.draw,
        )

    def start_collector(self) -> None:
        self.store = SqliteStore(self.store_path)

    def restart_uplink(self) -> None:
        self.reader.close()
        self.start_uplink()

    def turn_uplink(self) -> None:
        while message := self.broker.receive(0):
            self.uplink.take(message, self.now_s)
        self.uplink.turn(self.now_s)

    def turn_centre(self) -> None:
        while message := self.centre_broker.receive(0):
            self.collect(message)

    def collect(self, message: Message, *, acknowledge: bool = True) -> None:
        """Do as a collector does."""
        decoded = self.decoded(message)
        batch = decoded.batch
        self.store.store([decoded], self.clock.now())
        if acknowledge and self.centre_broker.connected:
            ack = Ack(batch.device, batch.epoch, batch.last_seq, decoded.digest)
            self.centre_broker.publish(ack_topic(batch.device), self.signed(ack))

    def decoded(self, message: Message) -> DecodedBatch:
        return unseal_batch(open_batch(message.payload, self.pki.authority, None), self.pki.unsealer())

    def signed(self, ack: Ack, by: str = CENTRE) -> bytes:
        return encode_ack(ack, self.pki.signer(by))

    def settle(self, rounds: int = 4) -> None:
        """Let everything happen that needs no time."""
        for _ in range(rounds):
            self.turn_uplink()
            self.turn_centre()
        self.turn_uplink()

    def wait(self, seconds: float) -> None:
        """Let time pass while nobody does anything."""
        self.clock.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.wait(seconds)
        self.settle()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send something as somebody who is none of them would."""
        stranger = self.bus.broker("stranger")
        stranger.publish(topic, payload)
        stranger.close()

    def publish_ack(self, payload: bytes) -> None:
        self.publish(ack_topic(DEVICE), payload)

    def order(
        self, command: Command, *, number: int = 1, device: str = DEVICE, by: str = CENTRE, age_s: float = 0
    ) -> bytes:
        """Command something, as the centre does or as somebody who wants to be it; return the message."""
        at_ms = milliseconds(self.clock.now()) - round(age_s * 1000)
        message = encode_order(Order(device, number.to_bytes(16), at_ms, command), self.pki.signer(by))
        self.publish(command_topic(DEVICE), message)
        self.turn_uplink()
        return message

    def statuses(self) -> list[Status]:
        """Return what the device has told of itself since the last look."""
        found = []
        while message := self.watching.receive(0):
            found.append(decode_status(message.payload, self.pki.authority, self.clock.now()))
        return found

    def fault(self) -> str | None:
        return self.uplink.status(self.now_s).fault

    def stored(self) -> list[CheckIn]:
        return [entry.checkin for entry in self.entries()]

    def entries(self) -> list[Entry]:
        return self.store.entries(limit=100_000)


def appended(rig: Rig, first: int, last: int) -> None:
    for number in range(first, last + 1):
        rig.journal.append(checkin(number))


def sent(rig: Rig) -> DecodedBatch:
    """Let the uplink send a batch, and take it away from the centre."""
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    return rig.decoded(message)


def sent_ack(rig: Rig) -> Ack:
    """Let the uplink send a batch, take it away from the centre, and return what would acknowledge it."""
    batch, digest = sent(rig)
    return Ack(batch.device, batch.epoch, batch.last_seq, digest)


def seeded(seed: int) -> Draw:
    return random.Random(seed).uniform  # noqa: S311 - no secret
