from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.collector import Collector
from centre.collecting.collectors import FILE, GroupError, give_group, read_group, subscription
from centre.collecting.events import BatchRefused, BatchStored, Conflict, Event, StoreFailed
from centre.collecting.sqlite_store import SqliteStore
from drivers.broker import Message
from drivers.broker.simulated import SimulatedBus
from firmware.wire import BATCHES_TOPIC, Ack, Batch, ack_topic, batch_topic, decode_ack, encode_batch
from tests.firmware.checkins import checkin

EPOCH = bytes(range(8))
BATCH = Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2)))


class Site:
    """One collector on a bus, and a device that listens to it."""

    def __init__(self, folder: Path) -> None:
        self.bus = SimulatedBus()
        self.broker = self.bus.broker("centre")
        self.device = self.bus.broker("gate-1")
        self.device.subscribe(ack_topic("gate-1"))
        self.store = SqliteStore(folder / "centre.db")
        self.events: list[Event] = []
        self.collector = Collector(self.store, self.broker, self.events.append)

    def take(self, batch: Batch, topic: str = batch_topic("gate-1")) -> None:
        self.collector.take(Message(topic, encode_batch(batch).message))

    def acks(self) -> list[Ack]:
        acks = []
        while message := self.device.receive(0):
            acks.append(decode_ack(message.payload, allow_unsigned=True))
        return acks


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.store:
        yield site


def test_a_batch_is_stored_and_acknowledged_each_time_it_comes(site: Site) -> None:
    expected = Ack("gate-1", EPOCH, 2, encode_batch(BATCH).digest)
    site.take(BATCH)
    site.take(BATCH)
    assert site.acks() == [expected, expected]
    assert site.events[0] == BatchStored("gate-1", EPOCH.hex(), 1, 2, new=2, known=0, follows=True)
    assert site.events[1] == BatchStored("gate-1", EPOCH.hex(), 1, 2, new=0, known=2, follows=True)


def test_what_is_no_batch_of_its_topics_device_is_counted_and_not_acknowledged(site: Site) -> None:
    site.take(BATCH, batch_topic("gate-2"))
    site.take(BATCH, "greengate/v1/gate-1/other\n")
    site.collector.take(Message(batch_topic("gate-1"), b"nonsense"))
    site.collector.take(Message(batch_topic("gate-1"), b""))
    assert site.collector.refused == 4
    assert all(isinstance(event, BatchRefused) for event in site.events)
    assert isinstance(site.events[1], BatchRefused)
    assert site.events[1].topic.isprintable()
    assert site.acks() == []
    assert site.store.entries() == []
    site.take(BATCH)
    assert len(site.acks()) == 1


def test_a_conflict_is_reported_and_acknowledged_as_both_are_kept(site: Site) -> None:
    site.take(BATCH)
    site.take(replace(BATCH, records=(replace(checkin(1), verdict="refused"), checkin(2))))
    assert Conflict("gate-1", EPOCH.hex(), 1, 2, 1) in site.events
    assert len(site.acks()) == 2


def test_a_store_that_fails_acknowledges_nothing_and_comes_back(site: Site) -> None:
    assert site.store._db is not None
    site.store._db.execute("PRAGMA query_only=1")
    site.take(BATCH)
    assert isinstance(site.events[0], StoreFailed)
    assert site.acks() == []
    site.take(BATCH)
    assert len(site.acks()) == 1


def test_a_broker_that_went_away_meanwhile_is_no_harm(site: Site) -> None:
    site.bus.cut()
    site.take(BATCH)
    site.bus.restore()
    assert site.acks() == []
    site.take(BATCH)
    assert len(site.acks()) == 1
    assert len(site.store.entries()) == 2


def test_collectors_of_one_group_share_the_batches(site: Site, tmp_path: Path) -> None:
    other = site.bus.broker("centre-2")
    (tmp_path / "issued").mkdir()
    for broker in (site.broker, other):
        broker.subscribe(subscription(give_group(tmp_path, tmp_path / "issued")))
    for _ in range(4):
        site.device.publish(batch_topic("gate-1"), encode_batch(BATCH).message)
    received = [sum(broker.receive(0) is not None for _ in range(5)) for broker in (site.broker, other)]
    assert received == [2, 2]


def test_a_groups_name_is_drawn_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    names = {read_group(give_group(tmp_path, folder)) for folder in folders * 2}
    assert len(names) == 1
    assert [(folder / FILE).stat().st_mode & 0o777 for folder in (*folders, tmp_path)] == [0o600] * 3
    (tmp_path / FILE).unlink()
    assert read_group(give_group(tmp_path, folders[0])) not in names
    assert subscription(None) == BATCHES_TOPIC


@pytest.mark.parametrize("content", [None, b"", b"collectors", b"a" * 32 + b"/#\n", b"+" * 32, b"a" * 10_000])
def test_a_file_without_a_groups_name_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / FILE
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(GroupError, match="ca issue --collector"):
        subscription(path)
    path.write_bytes(b"a" * 32)
    path.chmod(0o644)
    with pytest.raises(GroupError, match="chmod 600"):
        subscription(path)
