"""The uplink and a journal that fails it: nothing waits for longer than the failure, and no content ends it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.journal_base import Mark, write_mark
from firmware.uplink import DAMAGED
from firmware.uplink_sending import RESEND_S
from firmware.wire import encode_ack
from tests.firmware.checkins import START_MS, checkin
from tests.firmware.rig import CENTRE, Rig, appended, sent_ack


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_what_was_recorded_while_the_journal_failed_is_sent_when_it_is_back(rig: Rig) -> None:
    rig.settle()  # nothing is there, and it remembers that
    appended(rig, 1, 1)
    rig.reader.close()  # as it does after any error
    rig.settle()
    assert rig.stored() == [checkin(1)]


@pytest.mark.parametrize("at_ms", [-1, 2**60])
def test_a_damaged_time_ends_no_uplink(rig: Rig, at_ms: int) -> None:
    appended(rig, 1, 2)
    with contextlib.closing(sqlite3.connect(rig.path)) as db, db:
        db.execute("UPDATE checkin SET at_ms = ? WHERE seq = 1", (at_ms,))
    rig.settle()
    assert rig.fault() == DAMAGED


def test_an_acknowledgement_that_meets_a_busy_journal_counts_when_it_is_repeated(rig: Rig) -> None:
    appended(rig, 1, 1)
    message = encode_ack(sent_ack(rig), rig.pki.signer(CENTRE))
    with contextlib.closing(sqlite3.connect(rig.path, isolation_level=None)) as gate:
        gate.execute("BEGIN IMMEDIATE")
        rig.publish_ack(message)
        rig.turn_uplink()
    assert rig.journal.unsent() == 1
    rig.publish_ack(message)
    rig.turn_uplink()
    assert rig.journal.unsent() == 0


def test_what_was_blanked_while_it_waited_is_not_sent_in_full_again(rig: Rig) -> None:
    rig.settle()
    appended(rig, 1, 1)
    rig.bus.drop_next(1)
    rig.settle()
    assert rig.journal.sweep(0, START_MS + 10_000, 0).changed == 1
    rig.advance(RESEND_S)
    assert [one.blank for one in rig.stored()] == [True]


def test_another_journal_is_another_epoch_and_sent_at_once(rig: Rig) -> None:
    rig.settle()
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
