"""What every store promises: one suite for SQLite and PostgreSQL."""

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.store import Key, Store, UnstorableError, open_store
from firmware.checkin import to_row
from tests.centre.batches import AT, EPOCH, arrived, put, stored
from tests.firmware.checkins import START_MS, after, checkin, detailed

DAY_MS = 86_400_000


def test_each_checkin_is_stored_once_whatever_batch_it_comes_in(store: Store) -> None:
    one, two, three = checkin(1), checkin(2), checkin(3)
    assert put(store, arrived(1, one, two)) == [(2, 0, 0, True)]
    assert put(store, arrived(1, one, two)) == [(0, 2, 0, True)]
    assert put(store, arrived(1, one, two, three)) == [(1, 2, 0, True)]
    assert stored(store) == [(1, one), (2, two), (3, three)]


def test_batches_of_one_transaction_may_repeat_overlap_and_stand_in_any_order(store: Store) -> None:
    first = arrived(1, checkin(1), checkin(2))
    second = arrived(3, checkin(3), previous=first.digest)
    longer = arrived(3, checkin(3), checkin(4), previous=first.digest)
    other = arrived(1, checkin(1), device="gate-2")
    assert put(store, second, other, first, first, longer) == [
        *((1, 0, 0, True), (1, 0, 0, True), (2, 0, 0, True), (0, 2, 0, True), (1, 1, 0, True)),
    ]
    assert [account.sound for account in store.accounts()] == [True, True]
    assert [entry.key for entry in store.entries(device="gate-1")] == [("gate-1", EPOCH, seq) for seq in (1, 2, 3, 4)]


def test_all_that_a_record_holds_comes_back(store: Store) -> None:
    records = [detailed(1), after(2, "passage", checkin(1)), after(3, "override", checkin(1))]
    records += [replace(checkin(4), clock="rtc", kinds=(), pseudonym=None, profile="visitors")]
    put(store, arrived(1, *records))
    assert stored(store) == list(enumerate(records, 1))
    (first, *_) = store.entries()
    assert (first.row, first.received_ms) == (to_row(records[0]), START_MS)


def test_devices_and_epochs_are_kept_apart(store: Store) -> None:
    for device, epoch in (("gate-1", EPOCH), ("gate-2", EPOCH), ("gate-1", bytes(8))):
        assert put(store, arrived(1, checkin(1), device=device, epoch=epoch))[0].new == 1
    assert [(account.device, account.epoch, account.stored) for account in store.accounts()] == [
        ("gate-1", bytes(8), 1),
        ("gate-1", EPOCH, 1),
        ("gate-2", EPOCH, 1),
    ]
    assert [account.device for account in store.accounts("gate-2")] == ["gate-2"]


def test_another_content_under_a_known_key_overwrites_nothing_and_is_kept(store: Store) -> None:
    put(store, arrived(1, checkin(1)))
    other = replace(checkin(1), verdict="refused")
    forged = arrived(1, other, checkin(2))
    assert put(store, forged) == [(1, 0, 1, True)]
    assert put(store, forged) == [(0, 1, 1, True)]
    assert put(store, arrived(1, other)) == [(0, 0, 1, True)]
    assert [(entry.seq, entry.conflict, entry.checkin.verdict) for entry in store.entries()] == [
        *((1, False, "accepted"), (1, True, "refused"), (2, False, "accepted")),
    ]
    (account,) = store.accounts()
    assert (account.conflicts, account.stored, account.sound) == (1, 2, False)


def test_a_clone_and_its_original_lose_nothing(store: Store) -> None:
    """The card is copied at number 2; both go on, and the clone's are known first."""
    common = arrived(1, checkin(1), checkin(2))
    clone = arrived(3, *(checkin(seq + 100) for seq in (3, 4, 5)), previous=common.digest)
    original = arrived(3, *(checkin(seq) for seq in (3, 4)), previous=common.digest)
    onward = arrived(5, *(checkin(seq) for seq in (5, 6)), previous=original.digest)
    assert put(store, common, clone, original, onward) == [
        *((2, 0, 0, True), (3, 0, 0, True), (0, 0, 2, True), (1, 0, 1, True)),
    ]
    (account,) = store.accounts()
    assert (account.stored, account.conflicts, account.missing, account.breaks) == (6, 3, (), 0)
    kept = {entry.checkin for entry in store.entries()}
    assert kept == {*map(checkin, range(1, 7)), *map(checkin, (103, 104, 105))}


def test_what_retention_blanked_is_no_conflict_and_changes_nothing(store: Store) -> None:
    blank = replace(checkin(1), kinds=(), pseudonym=None)
    put(store, arrived(1, checkin(1)))
    assert put(store, arrived(1, blank)) == [(0, 1, 0, True)]
    assert stored(store) == [(1, checkin(1))]
    put(store, arrived(2, replace(checkin(2), kinds=(), pseudonym=None)))
    assert put(store, arrived(2, checkin(2)))[0].conflicts == 0
    assert stored(store)[1][1].blank


def test_the_chain_is_checked_against_known_ends_in_whatever_order_they_come(store: Store) -> None:
    first = arrived(1, checkin(1))
    second = arrived(2, checkin(2), previous=first.digest)
    assert not put(store, second)[0].follows
    assert [(account.breaks, account.missing, account.up_to) for account in store.accounts()] == [(1, ((1, 1),), 0)]
    assert put(store, first)[0].follows
    assert store.accounts()[0].sound
    assert not put(store, arrived(3, checkin(3), previous=bytes([1]) * 32))[0].follows
    assert not put(store, arrived(9, checkin(9), previous=second.digest))[0].follows
    assert not put(store, arrived(12, checkin(12)))[0].follows
    (account,) = store.accounts()
    assert (account.stored, account.up_to, account.last_seq, account.breaks) == (5, 3, 12, 3)
    assert account.missing == ((4, 8), (10, 11))


def test_entries_come_in_pages_with_their_conflicts(store: Store) -> None:
    put(store, arrived(1, *(checkin(number) for number in range(1, 8))))
    put(store, arrived(3, checkin(103)), arrived(7, checkin(107)))
    pages, position = [], None
    while page := store.entries(position, limit=3):
        pages.append([entry.seq for entry in page])
        position = page[-1].key
    assert pages == [[1, 2, 3, 3], [4, 5, 6], [7, 7]]
    assert store.entries(Key("gate-2", b"", 0)) == []


def test_of_nothing_nothing_is_stored(store: Store) -> None:
    assert put(store) == []
    store.seen([], AT)
    assert (store.devices(), store.accounts()) == ([], [])


def test_a_journal_of_nothing_but_holes_is_bounded(store: Store) -> None:
    put(store, *(arrived(2 * number, checkin(number)) for number in range(1, 1001)))
    with pytest.raises(UnstorableError, match="holes"):
        put(store, arrived(5000, checkin(1)), arrived(1, checkin(1), device="gate-2"))
    assert [account.device for account in store.accounts()] == ["gate-1"]
    assert put(store, arrived(3, checkin(3)))[0].new == 1


def test_a_store_survives_its_process_and_serves_two(store: Store, where: str | Path) -> None:
    with open_store(where) as one, open_store(where) as two:
        assert put(one, arrived(1, checkin(1)))[0].new == 1
        assert put(two, arrived(1, checkin(1), checkin(2))) == [(1, 1, 0, True)]
    with open_store(where) as again:
        assert len(again.entries()) == 2
        again.close()
        again.close()
        assert len(again.entries()) == 2
    store.close()


def test_collectors_at_once_store_everything_once(where: str | Path) -> None:
    """Three of them get every batch of the same devices, cut in three ways, in an order of their own."""
    devices = [f"gate-{number}" for number in range(4)]
    days = [START_MS - DAY_MS * (seq % 7) for seq in range(61)]
    records = {device: [checkin(seq, at_ms=days[seq]) for seq in range(1, 61)] for device in devices}
    failures: list[BaseException] = []
    new = [0, 0, 0]

    def collect(own: int) -> None:
        size = (5, 7, 12)[own]
        batches = [
            arrived(first, *records[device][first - 1 : first - 1 + size], device=device)
            for device in devices
            for first in range(1, 61, size)
        ]
        random.Random(own).shuffle(batches)  # noqa: S311 - no secret
        try:
            with open_store(where) as store:
                for start in range(0, len(batches), 3):
                    group = batches[start : start + 3]
                    new[own] += sum(one.new for one in store.store(group, AT))
        except BaseException as error:  # noqa: BLE001 - the test tells it
            failures.append(error)

    threads = [threading.Thread(target=collect, args=(own,)) for own in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert sum(new) == 240
    with open_store(where) as store:
        assert [entry.checkin for entry in store.entries()] == [one for device in devices for one in records[device]]
        accounts = store.accounts()
    assert [(one.stored, one.missing, one.conflicts) for one in accounts] == [(60, (), 0)] * 4
