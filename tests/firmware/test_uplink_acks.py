"""What deletes from the journal: only the centre's acknowledgement of what was sent, and once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.broker import Message
from firmware.uplink import REMEMBERED, RESEND_MAX_S, RESEND_S
from firmware.uplink_events import AckIgnored
from firmware.wire import Ack, batch_topic, decode_batch, encode_ack
from tests.firmware.checkins import checkin
from tests.firmware.rig import DEVICE, Rig, appended, sent_ack


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_a_lost_acknowledgement_makes_nothing_twice(rig: Rig) -> None:
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
    rig.now_s += RESEND_S
    second = sent_ack(rig)
    assert (first.up_to, second.up_to) == (1, 3)
    rig.publish_ack(encode_ack(first))
    rig.turn_uplink()
    assert rig.journal.unsent() == 2
    rig.publish_ack(encode_ack(second))
    rig.turn_uplink()
    assert rig.journal.unsent() == 0
    appended(rig, 4, 4)
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    batch, _ = decode_batch(message.payload, allow_unsigned=True)
    assert (batch.first_seq, batch.previous) == (4, second.digest)


def forged(ack: Ack, name: str) -> bytes:
    match name:
        case "another device":
            return encode_ack(replace(ack, device="gate-2"))
        case "another epoch":
            return encode_ack(replace(ack, epoch=bytes(8)))
        case "too high":
            return encode_ack(replace(ack, up_to=ack.up_to + 1))
        case "too low":
            return encode_ack(replace(ack, up_to=1))
        case "another hash":
            return encode_ack(replace(ack, digest=bytes(32)))
        case _:
            return b"\xd2\x84nonsense"


@pytest.mark.parametrize("name", ["another device", "another epoch", "too high", "too low", "another hash", "nonsense"])
def test_an_acknowledgement_that_is_not_of_a_batch_sent_deletes_nothing(rig: Rig, name: str) -> None:
    appended(rig, 1, 2)
    ack = sent_ack(rig)
    rig.publish_ack(forged(ack, name))
    rig.turn_uplink()
    assert rig.journal.unsent() == 2
    assert isinstance(rig.log[-1], AckIgnored)
    rig.publish_ack(encode_ack(ack))
    rig.turn_uplink()
    assert rig.journal.unsent() == 0


def test_an_acknowledgement_on_another_topic_is_none(rig: Rig) -> None:
    appended(rig, 1, 1)
    ack = sent_ack(rig)
    rig.uplink.take(Message(batch_topic(DEVICE), encode_ack(ack)), rig.now_s)
    assert rig.journal.unsent() == 1


def test_an_acknowledgement_of_before_a_restart_is_ignored_and_given_again(rig: Rig) -> None:
    appended(rig, 1, 1)
    ack = sent_ack(rig)
    rig.restart_uplink()
    rig.publish_ack(encode_ack(ack))
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


def test_attempts_are_remembered_within_bounds(rig: Rig) -> None:
    for number in range(1, REMEMBERED + 20):
        appended(rig, number, number)
        rig.turn_uplink()
        rig.centre_broker.receive(0)
        rig.now_s += RESEND_MAX_S
    assert len(rig.uplink._sent) == REMEMBERED


def test_a_collector_killed_between_commit_and_acknowledgement_stores_nothing_twice(rig: Rig) -> None:
    appended(rig, 1, 2)
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    rig.store.store(decode_batch(message.payload, allow_unsigned=True))
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
        rig.publish_ack(forged(ack, "another hash"))
        rig.turn_uplink()
    ignored = [event for event in rig.log if isinstance(event, AckIgnored)]
    assert len(ignored) <= 2
    assert rig.journal.unsent() == 2
