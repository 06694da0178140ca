"""The uplink: what is recorded arrives, whatever broker, network and centre do."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from firmware.events import LogEvent
from firmware.health import UplinkFile, UplinkStatus
from firmware.journal_base import Mark, write_mark
from firmware.uplink import RESEND_MAX_S, RESEND_S, StatusFile
from firmware.uplink_events import BatchAcknowledged, BatchResent, UplinkLost, UplinkStatusFailed
from firmware.wire import MAX_RECORDS
from tests.firmware.checkins import START_MS, checkin
from tests.firmware.rig import Rig, appended


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_what_is_recorded_is_stored_and_leaves_the_journal(rig: Rig) -> None:
    appended(rig, 1, 3)
    rig.settle()
    assert rig.stored() == [checkin(number) for number in (1, 2, 3)]
    assert rig.journal.unsent() == 0
    status = rig.uplink.status(rig.now_s + 5)
    assert (status.connected, status.unsent, status.last_ack_age_s, status.fault) == (True, 0, 5.0, None)
    assert rig.log[-1] == BatchAcknowledged(rig.entries()[0].epoch.hex(), 3)
    appended(rig, 4, 4)
    rig.settle()
    assert [account.sound for account in rig.store.accounts()] == [True]
    assert rig.stored()[-1] == checkin(4)


def test_a_backlog_goes_in_bounded_batches_without_waiting_between(rig: Rig) -> None:
    rig.bus.cut()
    appended(rig, 1, MAX_RECORDS * 2 + 1)
    rig.settle()
    assert rig.journal.unsent() == MAX_RECORDS * 2 + 1
    rig.bus.restore()
    rig.settle()
    assert rig.journal.unsent() == 0
    assert len(rig.stored()) == MAX_RECORDS * 2 + 1


def test_a_broker_away_for_weeks_costs_nothing_but_time(rig: Rig) -> None:
    rig.settle()
    rig.bus.cut()
    for day in range(21):
        appended(rig, day * 10 + 1, day * 10 + 10)
        rig.advance(86_400)
    status = rig.uplink.status(rig.now_s)
    assert (status.connected, status.unsent, status.fault) == (False, 210, "the bus is cut")
    assert [type(event) for event in rig.log].count(UplinkLost) == 1
    rig.bus.restore()
    rig.settle()
    assert rig.stored() == [checkin(number) for number in range(1, 211)]
    assert rig.journal.unsent() == 0


def test_a_lost_batch_is_sent_again_and_no_sooner(rig: Rig) -> None:
    rig.settle()
    rig.bus.drop_next(1)
    appended(rig, 1, 1)
    rig.settle()
    rig.advance(RESEND_S - 1)
    assert rig.stored() == []
    rig.advance(1)
    assert rig.stored() == [checkin(1)]
    assert rig.journal.unsent() == 0


def test_a_reconnect_sends_at_once(rig: Rig) -> None:
    rig.bus.drop_next(1)
    appended(rig, 1, 1)
    rig.settle()
    rig.bus.cut()
    rig.settle()
    rig.bus.restore()
    rig.settle()
    assert rig.stored() == [checkin(1)]


def test_a_centre_that_does_not_acknowledge_is_asked_ever_more_rarely_and_never_given_up(rig: Rig) -> None:
    appended(rig, 1, 1)
    sent = []
    for second in range(600):
        rig.turn_uplink()
        if rig.centre_broker.receive(0):
            sent.append(second)
        rig.now_s += 1
    assert sent[:5] == [0, 10, 30, 70, 130]
    assert {after - before for before, after in pairwise(sent[3:])} == {int(RESEND_MAX_S)}
    fault = rig.uplink.status(rig.now_s).fault
    assert fault is not None
    assert "does not acknowledge" in fault
    assert rig.log[-1] == BatchResent(1, 1, RESEND_MAX_S)
    rig.advance(RESEND_MAX_S)
    assert rig.journal.unsent() == 0
    assert rig.uplink.status(rig.now_s).fault is None


def test_what_was_blanked_while_it_waited_is_not_sent_in_full_again(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.bus.drop_next(1)
    rig.settle()
    assert rig.journal.blank_before(START_MS + 10_000) == 1
    rig.advance(RESEND_S)
    assert [one.blank for one in rig.stored()] == [True]


def test_another_journal_is_another_epoch_and_sent_at_once(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.bus.drop_next(1)
    rig.settle()
    write_mark(rig.path, Mark(rig.path.stat().st_ino, "a test"))
    assert rig.uplink.status(rig.now_s).fault is None
    assert rig.journal.heed_mark()
    appended(rig, 2, 3)
    rig.settle()
    assert rig.stored() == [checkin(2), checkin(3)]
    assert rig.journal.unsent() == 0


def test_a_damaged_journal_is_said_and_waited_for(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.journal.close()
    rig.reader.close()
    rig.path.write_bytes(b"nonsense" * 2000)
    rig.advance(1)
    fault = rig.uplink.status(rig.now_s).fault
    assert fault is not None
    assert "damaged" in fault
    assert rig.journal.append(checkin(2)) == 1
    rig.settle()
    assert rig.stored() == [checkin(2)]
    assert rig.uplink.status(rig.now_s).fault is None


def test_a_locked_journal_is_said_and_tried_again(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.turn_uplink()
    rig.turn_centre()
    db = rig.journal._db
    assert db is not None
    db.execute("BEGIN IMMEDIATE")
    rig.turn_uplink()
    fault = rig.uplink.status(rig.now_s).fault
    assert fault is not None
    assert "locked" in fault
    db.execute("ROLLBACK")
    rig.advance(RESEND_S)
    assert rig.journal.unsent() == 0
    assert rig.uplink.status(rig.now_s).fault is None


def test_a_broker_that_refuses_to_take_a_batch_is_asked_again_a_little_later(rig: Rig) -> None:
    rig.settle()
    appended(rig, 1, 1)
    rig.broker._closed = True  # between the look at `connected` and the publishing
    rig.uplink._guarded(lambda: rig.uplink._send(rig.now_s), rig.now_s)
    fault = rig.uplink.status(rig.now_s).fault
    assert fault is not None
    assert "not connected" in fault
    rig.broker._closed = False
    rig.settle()
    assert rig.stored() == []
    rig.advance(1)
    assert rig.stored() == [checkin(1)]


def test_a_status_that_cannot_be_written_is_logged_once_until_it_can(tmp_path: Path) -> None:
    path, logged = tmp_path / "run" / "uplink" / "uplink.json", list[LogEvent]()
    status = StatusFile(path, logged.append)
    well = UplinkStatus(connected=True, unsent=0)
    for _ in range(2):
        status.write(well)
    assert [type(event) for event in logged] == [UplinkStatusFailed]
    (tmp_path / "run").mkdir()
    status.write(well)
    assert UplinkFile(path).status(0) == well
    status.remove()
    shutil.rmtree(tmp_path / "run")
    status.write(well)
    status.remove()
    assert [type(event) for event in logged] == [UplinkStatusFailed] * 2


def test_a_centre_that_was_replaced_gets_what_is_left_and_says_what_is_missing(rig: Rig, tmp_path: Path) -> None:
    appended(rig, 1, 2)
    rig.settle()
    rig.store.close()
    rig.store_path = tmp_path / "new.db"
    rig.start_collector()
    appended(rig, 3, 4)
    rig.settle()
    (account,) = rig.store.accounts()
    assert (account.stored, account.missing, account.breaks) == (2, ((1, 2),), 1)
    assert not account.sound
