import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import StoreError, agree
from firmware.checkin import CheckIn
from firmware.wire import FIRST_PREVIOUS, Batch, DecodedBatch, decode_batch, encode_batch
from tests.firmware.checkins import checkin

EPOCH = bytes(range(8))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


def arrived(
    first: int, *records: CheckIn, previous: bytes = FIRST_PREVIOUS, device: str = "gate-1", epoch: bytes = EPOCH
) -> DecodedBatch:
    batch = Batch(device, epoch, first, records, previous)
    return decode_batch(encode_batch(batch).message, allow_unsigned=True)


def test_each_checkin_is_stored_once_whatever_batch_it_comes_in(store: SqliteStore) -> None:
    one, two, three = checkin(1), checkin(2), checkin(3)
    assert store.store(arrived(1, one, two)) == (2, 0, 0, True)
    assert store.store(arrived(1, one, two)) == (0, 2, 0, True)
    assert store.store(arrived(1, one, two, three)) == (1, 2, 0, True)
    assert [(entry.seq, entry.checkin) for entry in store.entries()] == [(1, one), (2, two), (3, three)]


def test_devices_and_epochs_are_kept_apart(store: SqliteStore) -> None:
    for device, epoch in (("gate-1", EPOCH), ("gate-2", EPOCH), ("gate-1", bytes(8))):
        assert store.store(arrived(1, checkin(1), device=device, epoch=epoch)).new == 1
    assert [(account.device, account.epoch, account.stored) for account in store.accounts()] == [
        ("gate-1", bytes(8), 1),
        ("gate-1", EPOCH, 1),
        ("gate-2", EPOCH, 1),
    ]


def test_another_content_under_a_known_key_overwrites_nothing_and_is_kept(store: SqliteStore, path: Path) -> None:
    store.store(arrived(1, checkin(1)))
    forged = arrived(1, replace(checkin(1), verdict="refused"), checkin(2))
    assert store.store(forged) == (1, 0, 1, True)
    assert store.store(forged) == (0, 1, 1, True)
    assert [entry.checkin for entry in store.entries()] == [checkin(1), checkin(2)]
    (account,) = store.accounts()
    assert (account.conflicts, account.sound) == (1, False)
    db = sqlite3.connect(path)
    assert db.execute("SELECT seq, verdict FROM conflict").fetchall() == [(1, "refused")]
    db.close()


def test_what_retention_blanked_is_no_conflict_and_changes_nothing(store: SqliteStore) -> None:
    blank = replace(checkin(1), kinds=(), pseudonym=None)
    store.store(arrived(1, checkin(1)))
    assert store.store(arrived(1, blank)) == (0, 1, 0, True)
    assert store.entries()[0].checkin == checkin(1)
    store.store(arrived(2, replace(checkin(2), kinds=(), pseudonym=None)))
    assert store.store(arrived(2, checkin(2))).conflicts == 0
    assert store.entries()[1].checkin.blank
    assert not agree(checkin(1), replace(blank, verdict="refused"))
    assert not agree(checkin(1), replace(checkin(1), pseudonym=bytes(16)))


def test_the_chain_is_checked_against_known_ends_in_whatever_order_they_come(store: SqliteStore) -> None:
    first = arrived(1, checkin(1))
    second = arrived(2, checkin(2), previous=first.digest)
    assert not store.store(second).follows
    assert [(account.breaks, account.missing) for account in store.accounts()] == [(1, ((1, 1),))]
    assert store.store(first).follows
    assert store.accounts()[0].sound
    assert not store.store(arrived(3, checkin(3), previous=bytes([1]) * 32)).follows
    assert not store.store(arrived(9, checkin(9), previous=second.digest)).follows
    assert not store.store(arrived(12, checkin(12))).follows
    (account,) = store.accounts()
    assert (account.stored, account.last_seq, account.breaks) == (5, 12, 3)
    assert account.missing == ((4, 8), (10, 11))


def test_entries_come_in_pages(store: SqliteStore) -> None:
    store.store(arrived(1, *(checkin(number) for number in range(1, 8))))
    page = store.entries(limit=3)
    assert [entry.seq for entry in page] == [1, 2, 3]
    assert [entry.seq for entry in store.entries(page[-1][:3], limit=10)] == [4, 5, 6, 7]


def test_a_store_survives_its_process_and_serves_two(path: Path) -> None:
    with SqliteStore(path) as one, SqliteStore(path) as two:
        assert one.store(arrived(1, checkin(1))).new == 1
        assert two.store(arrived(1, checkin(1), checkin(2))) == (1, 1, 0, True)
    with SqliteStore(path) as again:
        assert len(again.entries()) == 2
        again.close()
        again.close()
        assert len(again.entries()) == 2


def test_a_batch_that_does_not_fit_is_not_kept_in_part(store: SqliteStore) -> None:
    assert store._db is not None
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    many = arrived(1, *(checkin(number) for number in range(1, 401)))
    with pytest.raises(StoreError, match="full"):
        store.store(many)
    assert store.entries() == []
    assert store.store(many).new == 400


def test_what_cannot_be_a_store_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        SqliteStore(garbage)
    assert garbage.read_bytes() == b"nonsense" * 1000
    with pytest.raises(StoreError, match="unable to open"):
        SqliteStore(tmp_path / "missing" / "centre.db")
    for name, statement, text in (
        ("other", "CREATE TABLE photos (id)", "another program's"),
        ("newer", "PRAGMA user_version=99", "newer than this program"),
    ):
        db = sqlite3.connect(tmp_path / name)
        db.execute("PRAGMA application_id=1129857841" if name == "newer" else "PRAGMA user_version=0")
        db.execute(statement)
        db.close()
        with pytest.raises(StoreError, match=text):
            SqliteStore(tmp_path / name)


def test_a_damaged_row_is_an_error_of_the_store(store: SqliteStore) -> None:
    store.store(arrived(1, checkin(1)))
    assert store._db is not None
    store._db.execute("UPDATE checkin SET verdict = 'perhaps'")
    with pytest.raises(StoreError):
        store.entries()
