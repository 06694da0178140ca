from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from centre.collecting.collector import Collector
from centre.collecting.events import (
    BatchAlone,
    BatchesStored,
    BatchRefused,
    BatchStored,
    Conflict,
    Event,
    StoreBack,
    StoreFailed,
)
from centre.collecting.metrics import Metrics
from centre.collecting.opening import Opener
from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import UnstorableError
from drivers.broker import Message
from drivers.broker.simulated import SimulatedBus
from drivers.clock.simulated import SimulatedClock
from firmware.sealing import Unsealer
from firmware.wire import Ack, Batch, ack_topic, batch_topic, decode_ack, digest_of, encode_batch
from firmware.wire_device import Report, Status, encode_report, encode_status, report_topic, status_topic
from tests.centre.batches import AT, EPOCH, batch_of
from tests.firmware.checkins import START_MS, checkin
from tests.pki import Pki

BATCH = batch_of(1, checkin(1), checkin(2))
STATUS = Status("gate-1", START_MS, online=True, unsent=3)


class Site:
    """One collector on a bus, and a device that listens to it."""

    def __init__(self, folder: Path) -> None:
        self.pki = Pki.shared()
        self.clock = SimulatedClock(AT)
        self.bus = SimulatedBus()
        self.broker = self.bus.broker("centre")
        self.device = self.bus.broker("gate-1")
        self.device.subscribe(ack_topic("gate-1"))
        self.store = SqliteStore(folder / "centre.db")
        self.events: list[Event] = []
        self.metrics = Metrics()
        self.authority = self.pki.authority
        self.opener = Opener(self.authority, self.pki.unsealer())
        self.signer = self.pki.signer("centre.one")
        self.collector = self.another()

    def another(self) -> Collector:
        return Collector(
            self.store, self.broker, self.opener, self.signer, self.clock, self.events.append, self.metrics
        )

    def message(self, batch: Batch, signer: str = "") -> Message:
        signed = self.pki.signer(signer or batch.device)
        return Message(batch_topic(batch.device), encode_batch(batch, signed, self.pki.recipient()).message)

    def take(self, *batches: Batch) -> None:
        self.collector.take(*map(self.message, batches))

    def acks(self) -> list[Ack]:
        acks = []
        while message := self.device.receive(0):
            acks.append(decode_ack(message.payload, self.pki.authority, AT))
        return acks

    def codes(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, BatchRefused)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.store:
        yield site


def ack_of(batch: Batch) -> Ack:
    return Ack(batch.device, batch.epoch, batch.last_seq, digest_of(batch))


def test_a_batch_is_stored_and_acknowledged_each_time_it_comes(site: Site) -> None:
    site.take(BATCH)
    site.take(BATCH)
    assert site.acks() == [ack_of(BATCH)] * 2
    assert site.events == [
        BatchStored("gate-1", EPOCH.hex(), 1, 2, new=2, known=0, follows=True),
        BatchStored("gate-1", EPOCH.hex(), 1, 2, new=0, known=2, follows=True),
    ]


def test_what_waits_together_is_stored_together_and_each_acknowledged(site: Site) -> None:
    second = batch_of(3, checkin(3), previous=digest_of(BATCH))
    alone = batch_of(9, checkin(9), previous=digest_of(BATCH))
    site.take(second, BATCH, BATCH, alone)
    assert site.acks() == [ack_of(batch) for batch in (second, BATCH, BATCH, alone)]
    assert site.events == [
        BatchAlone("gate-1", EPOCH.hex(), 9, 9),
        BatchesStored(4, new=4, known=2),
    ]


def test_what_a_topics_device_did_not_sign_is_counted_and_not_acknowledged(site: Site) -> None:
    message = site.message(BATCH)
    stranger = encode_batch(BATCH, Pki().signer("gate-1"), site.pki.recipient()).message
    unreadable = encode_batch(BATCH, site.pki.signer("gate-1"), Pki().recipient()).message
    site.collector.take(
        Message(batch_topic("gate-2"), message.payload),  # replayed from another device
        site.message(BATCH, signer="gate-2"),
        Message(batch_topic("gate-1"), stranger),
        Message(batch_topic("gate-1"), message.payload[:-1] + b"\0"),
        Message(batch_topic("gate-1"), unreadable),
        Message("greengate/v1/gate-1/other\n", message.payload),
        Message(batch_topic("gate-1"), b"\0"),
        Message(status_topic("gate-1"), message.payload),  # one for another purpose
    )
    assert site.collector.refused == 8
    assert site.codes() == ["device", "signature", "sealed", "malformed"]  # each told once
    assert all(event.topic.isprintable() for event in site.events if isinstance(event, BatchRefused))
    assert site.acks() == []
    assert site.store.entries() == []
    site.take(BATCH)
    assert len(site.acks()) == 1


def test_what_a_doctor_asks_the_broker_is_no_message(site: Site) -> None:
    site.collector.take(*(Message(topic("gate-1"), b"") for topic in (status_topic, report_topic)))
    assert (site.collector.refused, site.events) == (0, [])


def test_keys_that_the_centre_has_anew_are_read_where_one_is_missing(site: Site) -> None:
    new = Pki()
    read: list[Unsealer] = []

    def keys() -> Unsealer:
        read.append(Unsealer([site.pki.sealing["batches"], *([new.sealing["batches"]] if len(read) else [])]))
        return read[-1]

    site.opener = Opener(site.authority, site.pki.unsealer(), None, keys)
    site.collector = site.another()
    message = Message(batch_topic("gate-1"), encode_batch(BATCH, site.pki.signer("gate-1"), new.recipient()).message)
    site.collector.take(message, message, message)
    assert (site.collector.refused, len(read)) == (3, 1)
    site.clock.advance(10)
    site.collector.take(message)
    site.take(BATCH)
    assert (len(site.acks()), len(read)) == (2, 2)


def test_a_flood_of_refusals_is_told_once_a_minute_with_their_number(site: Site) -> None:
    forged = [Message(batch_topic("gate-1"), b"nonsense")] * 50
    site.collector.take(*forged)
    site.clock.advance(60)
    site.collector.take(*forged)
    assert [event.count for event in site.events if isinstance(event, BatchRefused)] == [1, 50]
    assert site.metrics.registry.get_sample_value("greengate_refused_total", {"reason": "malformed"}) == 100


def test_whose_certificate_is_revoked_or_over_is_refused(site: Site) -> None:
    message = site.message(BATCH)
    _, certificate = site.pki.identity("gate-1")
    site.authority.revoked = frozenset([certificate.serial_number])
    site.collector.take(message)
    site.authority.revoked = frozenset()
    site.clock.jump(AT + timedelta(days=36525))
    site.collector.take(message)
    assert site.collector.refused == 2
    site.clock.jump(AT)
    site.collector.take(message)
    assert len(site.acks()) == 1


def test_a_conflict_is_reported_and_acknowledged_as_both_are_kept(site: Site) -> None:
    site.take(BATCH)
    site.take(batch_of(1, replace(checkin(1), verdict="refused"), checkin(2)))
    assert Conflict("gate-1", EPOCH.hex(), 1, 2, 1) in site.events
    assert len(site.acks()) == 2


def test_a_store_that_fails_is_told_once_and_what_waited_is_kept_when_it_is_back(site: Site) -> None:
    broken = site.store._db
    assert broken is not None
    path = site.store._path
    site.store.close()
    site.store._path = path.parent / "missing" / "centre.db"
    site.take(BATCH)
    site.collector.retry()
    assert site.collector.waiting
    assert [type(event) for event in site.events] == [StoreFailed]
    assert site.acks() == []
    site.store._path = path
    site.collector.retry()
    assert [type(event) for event in site.events] == [StoreFailed, BatchStored, StoreBack]
    assert site.acks() == [ack_of(BATCH)]
    assert not site.collector.waiting


def test_a_batch_that_the_store_will_never_take_keeps_no_other_from_it(site: Site) -> None:
    holes = [batch_of(2 * number, checkin(number)) for number in range(1, 1001)]
    site.collector.take(*map(site.message, holes))
    site.acks()
    site.take(batch_of(5000, checkin(1)), batch_of(1, checkin(1), device="gate-2"), batch_of(2001, checkin(7)))
    assert site.codes() == ["unstorable"]
    assert [ack.up_to for ack in site.acks()] == [2001]
    assert [account.stored for account in site.store.accounts()] == [1001, 1]
    assert not site.collector.waiting


def test_a_device_whose_row_is_damaged_keeps_no_other_out(site: Site) -> None:
    others = [batch_of(1, checkin(1), device=f"gate-{number}") for number in range(2, 9)]
    site.take(BATCH)
    assert site.store._db is not None
    site.store._db.execute("UPDATE journal SET spans = 'perhaps'")
    site.take(*others[:3], batch_of(3, checkin(3)), *others[3:])
    assert not site.collector.waiting
    assert [event.why for event in site.events if isinstance(event, BatchRefused)] == [
        "the ledger's row of gate-1 is damaged: bring the store back from its backup"
    ]
    assert [event for event in site.events if isinstance(event, StoreFailed)] == []
    assert len({entry.device for entry in site.store.entries()}) == 8


def test_a_status_that_the_store_will_never_take_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a database whose encoding has no letter for one of its version."""
    seen = site.store.seen

    def picky(statuses: Sequence[Status], at: datetime) -> None:
        if any(one.version for one in statuses):
            raise UnstorableError("no such letter")
        seen(statuses, at)

    monkeypatch.setattr(site.store, "seen", picky)
    signed = [replace(STATUS, device=device, version=version) for device, version in (("gate-1", "1"), ("gate-2", ""))]
    site.collector.take(
        *(Message(status_topic(one.device), encode_status(one, site.pki.signer(one.device))) for one in signed)
    )
    assert not site.collector.waiting
    assert site.codes() == ["unstorable"]
    assert [known.device for known in site.store.devices()] == ["gate-2"]


def test_nothing_on_a_topic_that_tells_is_nothing(site: Site) -> None:
    """A status taken back from the broker, and how `greengate doctor` tries whether its device may write."""
    site.collector.take(Message(status_topic("gate-1"), b""), Message(report_topic("gate-1"), b""))
    assert (site.collector.refused, site.events, site.store.devices()) == (0, [], [])


def test_a_broker_that_went_away_meanwhile_is_no_harm(site: Site) -> None:
    """As if it were killed between commit and acknowledgement: the device sends again."""
    site.bus.cut()
    site.take(BATCH)
    site.bus.restore()
    assert site.acks() == []
    site.collector = site.another()
    site.take(BATCH)
    assert len(site.acks()) == 1
    assert len(site.store.entries()) == 2


def test_acknowledgements_that_cannot_go_out_do_so_when_they_can(site: Site) -> None:
    site.bus.cut()
    site.take(BATCH, batch_of(3, checkin(3), previous=digest_of(BATCH)))
    assert site.collector.answer()
    site.bus.restore()
    assert not site.collector.answer()
    assert [ack.up_to for ack in site.acks()] == [2, 3]


def test_statuses_and_reports_are_kept(site: Site) -> None:
    signer = site.pki.signer("gate-1")
    report = Report("gate-1", START_MS, b'{"n": 1}')
    site.collector.take(
        Message(status_topic("gate-1"), encode_status(replace(STATUS, at_ms=START_MS - 1, unsent=9), signer)),
        site.message(BATCH),
        Message(report_topic("gate-1"), encode_report(report, signer, site.pki.recipient())),
        Message(status_topic("gate-1"), encode_status(STATUS, signer)),
        Message(status_topic("gate-2"), encode_status(STATUS, signer)),
    )
    (known,) = site.store.devices()
    assert (known.status, site.store.report("gate-1")) == (STATUS, report)
    assert site.codes() == ["device"]
    assert len(site.acks()) == 1


def test_figures_for_prometheus(site: Site) -> None:
    site.take(BATCH)
    site.take(BATCH, batch_of(1, checkin(5), checkin(2)))

    def value(name: str, **labels: str) -> float | None:
        return site.metrics.registry.get_sample_value(f"greengate_{name}", labels)

    assert [value("records_total", state=state) for state in ("new", "known", "conflict")] == [2, 3, 1]
    assert (value("messages_total"), value("batches_total"), value("acknowledged_total")) == (3, 3, 3)
    assert (value("store_seconds_count"), value("last_commit_seconds")) == (2, AT.timestamp())
