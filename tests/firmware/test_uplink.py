"""The uplink: what is recorded arrives, whatever broker, network and centre do."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from firmware.config_sections import UplinkConfig
from firmware.uplink_events import BatchAcknowledged, BatchResent, UplinkLost
from firmware.uplink_sending import RESEND_LEAST_S, RESEND_MAX_S, RESEND_S
from firmware.wire import MAX_RECORDS, open_batch
from tests.firmware.checkins import checkin, detailed
from tests.firmware.rig import DEVICE, Rig, appended, seeded
from tests.pki import Pki


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
    rig.settle()
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
    assert sent_at(rig, 300) == [0, 10, 30, 70, 130, 190, 250]
    fault = rig.fault()
    assert fault is not None
    assert "does not acknowledge" in fault
    assert rig.log[-1] == BatchResent(1, 1, RESEND_MAX_S)
    rig.advance(RESEND_MAX_S)
    assert rig.journal.unsent() == 0
    assert rig.uplink.status(rig.now_s).fault is None


def sent_at(rig: Rig, seconds: int) -> list[int]:
    """Return when something was sent in so many seconds, counted from now, while the centre answers nothing."""
    times = []
    for second in range(seconds):
        rig.turn_uplink()
        if rig.centre_broker.receive(0):
            times.append(second)
        rig.wait(1)
    return times


def test_waits_are_drawn_evenly_and_never_shorter_than_the_least(tmp_path: Path) -> None:
    waits = []
    for seed in range(30):
        (tmp_path / str(seed)).mkdir()
        with Rig(tmp_path / str(seed), draw=seeded(seed)) as rig:
            appended(rig, 1, 1)
            times = sent_at(rig, 100)
            waits.append([after - before for before, after in pairwise(times)][:2])
    first, second = zip(*waits, strict=True)
    assert min(first) >= RESEND_LEAST_S
    assert max(first) <= RESEND_S + 1
    assert len(set(first)) > 3
    assert max(second) > RESEND_S + 1
    assert max(second) <= 2 * RESEND_S + 1


def test_a_batch_is_closed_by_its_age(tmp_path: Path) -> None:
    with Rig(tmp_path, UplinkConfig(batch_age_s=0.5)) as rig:
        rig.settle()
        appended(rig, 1, 1)
        rig.advance(0.2)
        appended(rig, 2, 2)
        rig.advance(0.4)
        assert rig.stored() == []
        rig.advance(0.2)  # since it was first seen
        assert rig.stored() == [checkin(1), checkin(2)]
        appended(rig, 3, 3)
        rig.advance(0.1)
        rig.advance(0.3)
        assert len(rig.stored()) == 2
        rig.advance(0.2)
        assert len(rig.stored()) == 3


def test_a_batch_is_closed_by_its_number_of_records(tmp_path: Path) -> None:
    with Rig(tmp_path, UplinkConfig(batch_age_s=3600, batch_records=3)) as rig:
        rig.settle()
        appended(rig, 1, 2)
        rig.advance(60)
        assert rig.stored() == []
        appended(rig, 3, 8)
        rig.advance(1)
        assert rig.stored() == [checkin(number) for number in range(1, 7)]  # full ones follow without waiting
        rig.advance(3600)
        assert rig.journal.unsent() == 0


def test_a_batch_is_closed_by_its_size(tmp_path: Path) -> None:
    with Rig(tmp_path, UplinkConfig(batch_age_s=3600)) as rig:
        rig.settle()
        for number in range(1, 302):
            rig.journal.append(detailed(number, 400))
        rig.settle()
        assert 150 < len(rig.stored()) < 301
        rig.advance(3600)
        assert len(rig.stored()) == 301


def test_a_connection_closes_the_batch(tmp_path: Path) -> None:
    with Rig(tmp_path, UplinkConfig(batch_age_s=3600)) as rig:
        appended(rig, 1, 2)
        rig.settle()  # the first connection
        assert len(rig.stored()) == 2
        appended(rig, 3, 4)
        rig.advance(60)
        assert len(rig.stored()) == 2
        rig.bus.cut()
        rig.settle()
        rig.bus.restore()
        rig.settle()
        assert len(rig.stored()) == 4


def test_an_acknowledgement_that_comes_while_away_for_a_moment_counts(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.turn_uplink()
    rig.bus.lose(DEVICE)
    rig.turn_centre()
    assert rig.journal.unsent() == 1
    rig.bus.restore()
    rig.turn_uplink()
    assert rig.journal.unsent() == 0
    assert rig.centre_broker.receive(0) is None  # nothing had to be sent again


def test_what_is_sent_no_broker_can_read(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    assert b"valid" not in message.payload
    assert b"vaccination" not in message.payload


def test_renewed_keys_are_taken_up_at_once(rig: Rig) -> None:
    appended(rig, 1, 1)
    rig.settle()
    assert rig.source.keys is not None
    renewed = Pki(key=rig.pki.key)
    renewed.certificate = rig.pki.certificate
    rig.source.keys = rig.source.keys._replace(signer=renewed.signer(DEVICE))
    appended(rig, 2, 2)
    rig.turn_uplink()
    message = rig.centre_broker.receive(0)
    assert message is not None
    assert open_batch(message.payload, rig.pki.authority, None).serial == renewed.identity(DEVICE)[1].serial_number


def test_without_keys_nothing_is_sent_and_the_status_says_why(rig: Rig) -> None:
    keys, rig.source.keys, rig.source.problem = rig.source.keys, None, "no keys: run greengate enrol"
    appended(rig, 1, 1)
    rig.advance(60)
    rig.order("identify")
    assert rig.stored() == []
    assert rig.statuses() == []
    assert rig.fault() == "no keys: run greengate enrol"
    rig.uplink.leave()
    rig.source.keys, rig.source.problem = keys, None
    rig.settle()
    assert rig.stored() == [checkin(1)]
    assert len(rig.statuses()) == 1
    assert rig.fault() is None


def test_a_broker_that_refuses_to_take_a_batch_is_asked_again_a_little_later(rig: Rig) -> None:
    rig.settle()
    appended(rig, 1, 1)
    rig.broker._closed = True  # between the look at `connected` and the publishing
    rig.uplink._sending.turn(rig.now_s, rig.keys())
    fault = rig.uplink.status(rig.now_s).fault
    assert fault is not None
    assert "not connected" in fault
    rig.broker._closed = False
    rig.settle()
    assert rig.stored() == []
    rig.advance(1)
    assert rig.stored() == [checkin(1)]


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
