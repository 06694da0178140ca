"""What every store promises of times: of check-ins, of what is over, of what devices said last."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from centre.collecting.store import Count, Known, Store
from firmware.checkin import ClockTrust
from firmware.wire_device import Report, Status
from tests.centre.batches import AT, arrived, put
from tests.firmware.checkins import START_MS, after, checkin

DAY = timedelta(days=1)
DAY_MS = 86_400_000


def test_entries_of_a_time_and_counts_by_verdict(store: Store) -> None:
    hour_ms = 3_600_000
    at = [checkin(seq, at_ms=START_MS - DAY_MS + seq * hour_ms) for seq in range(4)]
    wrong = replace(checkin(9, at_ms=0), clock="untrusted")  # was when it came
    put(store, arrived(1, *at, wrong, after(6, "passage", at[0])))
    put(store, arrived(1, replace(at[0], verdict="refused")))  # a conflict is no check-in more
    put(store, arrived(1, replace(checkin(1, at_ms=at[1].at_ms), verdict="refused"), device="gate-2"))
    since, until = AT - DAY + timedelta(hours=1), AT - DAY + timedelta(hours=3)
    assert [entry.key[::2] for entry in store.entries(since=since, until=until)] == [
        *(("gate-1", 2), ("gate-1", 3), ("gate-2", 1)),
    ]
    assert [entry.seq for entry in store.entries(since=AT, device="gate-1")] == [5, 6]
    begins = START_MS - DAY_MS + hour_ms
    begins -= begins % hour_ms
    assert store.counts(since, until, "hour") == [
        *(Count(begins, "accepted", 1), Count(begins, "refused", 1), Count(begins + hour_ms, "accepted", 1)),
    ]
    assert [(count.verdict, count.count) for count in store.counts(AT - DAY, AT + DAY, "day")] == [
        *(("accepted", 4), ("refused", 1), ("accepted", 1)),
    ]


@pytest.mark.parametrize(
    ("at_ms", "clock", "day"),
    [
        (START_MS - 3 * DAY_MS, "synchronised", -3),
        (START_MS + DAY_MS, "assumed", 1),
        (START_MS + 2 * DAY_MS, "synchronised", 0),
        (START_MS - 400 * DAY_MS, "synchronised", 0),
        (START_MS - 3 * DAY_MS, "untrusted", 0),
        (0, "synchronised", 0),
        (2**48 - 1, "synchronised", 0),
    ],
)
def test_retention_takes_a_clock_at_its_word_only_where_that_can_be(
    store: Store, at_ms: int, clock: ClockTrust, day: int
) -> None:
    put(store, arrived(1, replace(checkin(1, at_ms=at_ms), clock=clock)))
    assert store.expire((AT + day * DAY).date()) == 0
    assert len(store.entries()) == 1
    assert store.expire((AT + (day + 1) * DAY).date()) == 1
    assert store.entries() == []


def test_what_is_over_is_neither_missing_nor_stored_again(store: Store) -> None:
    old = arrived(1, *(checkin(seq, at_ms=START_MS - 5 * DAY_MS) for seq in (1, 2)))
    new = arrived(3, checkin(3), previous=old.digest)
    put(store, old, new)
    put(store, arrived(2, checkin(102)))
    assert store.expire(AT.date()) == 1
    assert [entry.seq for entry in store.entries() if not entry.conflict] == [3]
    (account,) = store.accounts()
    assert (account.stored, account.missing, account.conflicts) == (3, (), 1)
    assert put(store, old) == [(0, 2, 0, True)]
    longer = arrived(1, *(checkin(seq, at_ms=START_MS - 5 * DAY_MS) for seq in (1, 2)), checkin(3), checkin(4))
    assert put(store, longer) == [(1, 3, 0, True)]
    assert [entry.seq for entry in store.entries() if not entry.conflict] == [3, 4]


def test_retention_keeps_the_newest_batch_of_a_journal_so_that_the_chain_goes_on(store: Store) -> None:
    first = arrived(1, checkin(1))
    second = arrived(2, checkin(2), previous=first.digest)
    put(store, first, second)
    store.expire(date(2100, 1, 1))
    assert put(store, arrived(3, checkin(3), previous=second.digest))[0].follows
    assert store.accounts()[0].sound


def test_check_ins_that_come_when_their_day_is_over_are_new_and_go_with_the_next_retention(store: Store) -> None:
    late = arrived(1, checkin(1, at_ms=START_MS - 40 * DAY_MS), checkin(2))
    assert store.expire((AT - 30 * DAY).date()) == 0
    assert put(store, late) == [(2, 0, 0, True)]
    assert store.expire((AT - 30 * DAY).date()) == 1
    assert [entry.seq for entry in store.entries()] == [2]
    assert put(store, late) == [(0, 2, 0, True)]
    assert (store.accounts()[0].stored, store.accounts()[0].missing) == (2, ())


def test_known_numbers_that_come_in_other_batches_break_no_chain(store: Store) -> None:
    """As from a stick that somebody brings when the batches are long over."""
    first = arrived(1, checkin(1), checkin(2))
    second = arrived(3, checkin(3), checkin(4), previous=first.digest)
    put(store, first, second, arrived(5, checkin(5), previous=second.digest))
    store.expire(date(2100, 1, 1))
    assert put(store, arrived(4, checkin(4), previous=b"p" * 32)) == [(0, 1, 0, True)]
    assert store.accounts()[0].sound
    assert put(store, arrived(6, checkin(6), previous=b"p" * 32)) == [(1, 0, 0, False)]


def test_what_a_technician_tried_is_no_check_in_of_a_statistic(store: Store) -> None:
    put(store, arrived(1, checkin(1), replace(checkin(2), direction="test")))
    assert [count.count for count in store.counts(AT - DAY, AT + DAY, "day")] == [1]
    assert len(store.entries()) == 2


def test_devices_are_known_by_what_they_said_last(store: Store) -> None:
    status = Status("gate-1", START_MS, online=True, unsent=7, oldest_ms=5, fill_permille=3, version="1.0", trust_ms=4)
    report = Report("gate-0", START_MS, b"{}")
    store.seen([replace(status, at_ms=START_MS - 1, unsent=8), status, replace(status, device="gate-2")], AT)
    store.seen([status], AT + DAY)  # the same again, as a broker retains it
    store.reported(report, AT)
    assert store.devices() == [
        Known("gate-0", None, None),
        Known("gate-1", status, START_MS),
        Known("gate-2", replace(status, device="gate-2"), START_MS),
    ]
    will = Status("gate-1", START_MS, online=False, version="1.0")
    store.seen([will], AT + DAY)
    assert store.devices()[1] == Known("gate-1", replace(status, online=False), START_MS + DAY_MS)
    store.seen([status, replace(status, at_ms=5)], AT + 2 * DAY)  # replayed
    assert store.devices()[1] == Known("gate-1", replace(status, online=False), START_MS + DAY_MS)


def test_a_report_takes_the_place_of_an_older_one_only(store: Store) -> None:
    report = Report("gate-1", START_MS, b"{}")
    assert store.report("gate-1") is None
    store.seen([Status("gate-1", START_MS, online=True)], AT)
    assert store.report("gate-1") is None
    for at_ms, json in ((START_MS, b"{}"), (START_MS + 2, b"[]"), (START_MS + 1, b"1"), (START_MS + 2, b"2")):
        store.reported(replace(report, at_ms=at_ms, json=json), AT)
    assert store.report("gate-1") == Report("gate-1", START_MS + 2, b"[]")
    ahead = Report("gate-2", START_MS + 400 * DAY_MS, b"{}")
    store.reported(ahead, AT)
    store.reported(replace(report, device="gate-2"), AT)
    assert store.report("gate-2") == replace(report, device="gate-2")
