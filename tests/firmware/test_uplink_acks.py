"""What deletes from the journal: only the centre's acknowledgement of what was sent, and once."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.broker import Message
from firmware.uplink_events import AckIgnored
from firmware.uplink_sending import REMEMBERED, RESEND_MAX_S, RESEND_S
from firmware.wire import Ack, batch_topic, encode_ack
from tests.firmware.checkins import START, checkin
from tests.firmware.rig import CENTRE, DEVICE, Rig, appended, sent, sent_ack
from tests.pki import Pki


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_a_lost_acknowledgement_makes_nothing_twice(rig: Rig) -> None:
    rig.settle()
    appended(rig, 1, 2)
    rig.turn_uplink()
    rig.bus.drop_next(1)
    rig.settle()
    assert rig.journal.unsent() == 2
    rig.advance(RESEND_S)
    assert rig.journal.unsent() == 0
    assert rig.stored() == [checkin(1), checkin(2)]


def test_a_batch_grows_while_it_waits_and_any_of_its_acknowledgements_counts(rig: Rig) -> None:
    appended(rig, 1, 1)
    first = sent_ack(rig)
    appended(rig, 2, 3)
    rig.wait(RESEND_S)
    second = sent_ack(rig)
    assert (first.up_to, second.up_to) == (1, 3)
    rig.publish_ack(rig.signed(first))
    rig.turn_uplink()
    assert rig.journal.unsent() == 2
    rig.publish_ack(rig.signed(second))
    rig.turn_uplink()
    assert rig.journal.unsent() == 0
    appended(rig, 4, 4)
    batch, _ = sent(rig)
    assert (batch.first_seq, batch.previous) == (4, second.digest)


OTHERS = Pki()  # another centre's
FORGERIES: dict[str, tuple[Callable[[Rig, Ack], bytes], str]] = {
    "another device": (lambda rig, ack: rig.signed(replace(ack, device="gate-2")), "another device"),
    "another epoch": (lambda rig, ack: rig.signed(replace(ack, epoch=bytes(8))), "not of a batch sent"),
    "too high": (lambda rig, ack: rig.signed(replace(ack, up_to=ack.up_to + 1)), "not of a batch sent"),
    "too low": (lambda rig, ack: rig.signed(replace(ack, up_to=1)), "not of a batch sent"),
    "another hash": (lambda rig, ack: rig.signed(replace(ack, digest=bytes(32))), "not of a batch sent"),
    "another centre": (lambda _, ack: encode_ack(ack, OTHERS.signer(CENTRE)), "another authority"),
    "a device": (lambda rig, ack: rig.signed(ack, by="gate-2"), "not signed by the centre"),
    "this device": (lambda rig, ack: rig.signed(ack, by=DEVICE), "not signed by the centre"),
    "flipped": (lambda rig, ack: flipped(rig.signed(ack)), "signature is wrong"),
    "nonsense": (lambda _rig, _ack: b"\xd2\x84nonsense", ""),
}


def flipped(message: bytes) -> bytes:
    return message[:-1] + bytes([message[-1] ^ 1])


@pytest.mark.parametrize("name", FORGERIES)
def test_an_acknowledgement_that_is_not_the_centres_of_a_batch_sent_deletes_nothing(rig: Rig, name: str) -> None:
    appended(rig, 1, 2)
    ack = sent_ack(rig)
    forge, why = FORGERIES[name]
    rig.publish_ack(forge(rig, ack))
    rig.turn_uplink()
    assert rig.journal.unsent() == 2
    ignored = rig.log[-1]
    assert isinstance(ignored, AckIgnored)
    assert why in ignored.why
    rig.publish_ack(rig.signed(ack))
    rig.turn_uplink()
    assert rig.journal.unsent() == 0


def test_an_acknowledgement_by_a_certificate_that_is_over_deletes_nothing(rig: Rig) -> None:
    appended(rig, 1, 2)
    ack = rig.signed(sent_ack(rig))
    rig.clock.jump(START + timedelta(days=20 * 365))
    rig.publish_ack(ack)
    rig.turn_uplink()
    assert rig.journal.unsent() == 2
    rig.clock.jump(START)  # a clock that was wrong costs time only
    rig.publish_ack(ack)
    rig.turn_uplink()
    assert rig.journal.unsent() == 0


def test_an_acknowledgement_on_another_topic_is_none(rig: Rig) -> None:
    appended(rig, 1, 1)
    ack = sent_ack(rig)
    rig.uplink.take(Message(batch_topic(DEVICE), rig.signed(ack)), rig.now_s)
    assert rig.journal.unsent() == 1


def test_an_acknowledgement_of_before_a_restart_is_ignored_and_given_again(rig: Rig) -> None:
    appended(rig, 1, 1)
    ack = sent_ack(rig)
    rig.restart_uplink()
    rig.publish_ack(rig.signed(ack))
    message = rig.broker.receive(0)
    assert message is not None
    rig.uplink.take(message, rig.now_s)
    assert rig.journal.unsent() == 1
    rig.settle()
    assert rig.journal.unsent() == 0


def test_a_repeated_acknowledgement_changes_nothing(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.bus.duplicate_next(10)
    rig.settle()
    appended(rig, 2, 2)
    rig.settle()
    assert rig.stored() == [checkin(1), checkin(2)]
    assert rig.journal.unsent() == 0


def test_a_repeated_acknowledgement_is_no_sign_of_life_and_locks_no_journal(rig: Rig) -> None:
    rig.settle()
    appended(rig, 1, 1)
    ack = rig.signed(sent_ack(rig))
    rig.publish_ack(ack)
    rig.turn_uplink()
    rig.wait(100)
    with contextlib.closing(sqlite3.connect(rig.path, isolation_level=None)) as gate:
        gate.execute("BEGIN IMMEDIATE")  # the gate is writing: nobody else may, until it is done
        rig.publish_ack(ack)
        rig.turn_uplink()
        status = rig.uplink.status(rig.now_s)
    assert (status.last_ack_age_s, status.fault) == (100, None)


def test_a_shorter_attempts_acknowledgement_that_comes_late_changes_nothing(rig: Rig) -> None:
    appended(rig, 1, 1)
    first = sent_ack(rig)
    appended(rig, 2, 3)
    rig.wait(RESEND_S)
    second = sent_ack(rig)
    for ack in (second, first):
        rig.publish_ack(rig.signed(ack))
        rig.turn_uplink()
    appended(rig, 4, 4)
    batch, _ = sent(rig)
    assert (batch.first_seq, batch.previous) == (4, second.digest)


def test_attempts_are_remembered_within_bounds(rig: Rig) -> None:
    for number in range(1, REMEMBERED + 20):
        appended(rig, number, number)
        rig.turn_uplink()
        rig.centre_broker.receive(0)
        rig.wait(RESEND_MAX_S)
    assert len(rig.uplink._sending._sent) == REMEMBERED


def test_a_collector_killed_between_commit_and_acknowledgement_stores_nothing_twice(rig: Rig) -> None:
    appended(rig, 1, 2)
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    rig.collect(message, acknowledge=False)
    rig.store.close()  # and here it died
    rig.start_collector()
    rig.advance(RESEND_S)
    assert rig.stored() == [checkin(1), checkin(2)]
    assert rig.journal.unsent() == 0
    assert [account.sound for account in rig.store.accounts()] == [True]


def test_a_flood_of_forged_acknowledgements_does_not_fill_the_log(rig: Rig) -> None:
    appended(rig, 1, 2)
    ack = sent_ack(rig)
    for _ in range(50):
        rig.publish_ack(rig.signed(replace(ack, digest=bytes(32))))
        rig.turn_uplink()
    ignored = [event for event in rig.log if isinstance(event, AckIgnored)]
    assert len(ignored) <= 2
    assert rig.journal.unsent() == 2
