"""What only a file can do to a store: be full, damaged, somebody else's, or of an earlier version."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import Known, StoreError, UnstorableError
from firmware.checkin import CheckIn
from firmware.wire_device import Status
from tests.centre.batches import AT, EPOCH, arrived
from tests.firmware.checkins import START_MS, checkin

VERSION_1 = """
    CREATE TABLE checkin (
        device TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, {content},
        PRIMARY KEY (device, epoch, seq)) STRICT, WITHOUT ROWID;
    CREATE TABLE conflict (
        device TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, {content},
        PRIMARY KEY (device, epoch, seq, hash)) STRICT, WITHOUT ROWID;
    CREATE TABLE batch (
        device TEXT NOT NULL, epoch BLOB NOT NULL, last_seq INTEGER NOT NULL, hash BLOB NOT NULL,
        first_seq INTEGER NOT NULL, previous BLOB NOT NULL,
        PRIMARY KEY (device, epoch, last_seq, hash)) STRICT, WITHOUT ROWID;
    PRAGMA application_id=1129857841;
    PRAGMA user_version=1;
""".format(
    content="""id BLOB NOT NULL, at_ms INTEGER NOT NULL, clock_trusted INTEGER NOT NULL, lane TEXT NOT NULL,
    direction TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, kinds TEXT NOT NULL, pseudonym BLOB"""
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


def test_a_batch_that_does_not_fit_is_not_kept_in_part(store: SqliteStore) -> None:
    assert store._db is not None
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    many = arrived(1, *(checkin(number) for number in range(1, 401)))
    with pytest.raises(StoreError, match="full"):
        store.store([many], AT)
    assert (store.entries(), store.accounts()) == ([], [])
    assert store.store([many], AT)[0].new == 400


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


def test_a_damaged_ledger_is_an_error_of_the_store(store: SqliteStore) -> None:
    store.store([arrived(1, checkin(1))], AT)
    assert store._db is not None
    store.store([arrived(1, checkin(1), device="gate-2")], AT)
    for damaged in ("perhaps", "1", "2-1", "0-1", "1-3 3-4", "1-2-3", "1-x"):
        assert store._db is not None
        store._db.execute("UPDATE journal SET spans = ? WHERE device = 'gate-1'", [damaged])
        with pytest.raises(StoreError, match=r"gate-1 is damaged: .*backup"):
            store.accounts()
        with pytest.raises(UnstorableError, match="gate-1 is damaged"):
            store.store([arrived(2, checkin(2))], AT)
    assert store.store([arrived(2, checkin(2), device="gate-2")], AT)[0].new == 1


def test_a_damaged_status_is_as_none(store: SqliteStore) -> None:
    store.seen([Status("gate-1", START_MS, online=True)], AT)
    assert store._db is not None
    store._db.execute("UPDATE device SET unsent = -1")
    assert store.devices() == [Known("gate-1", None, None)]
    store.seen([Status("gate-1", 7, online=True)], AT)
    assert store.devices()[0].status == Status("gate-1", 7, online=True)


def test_check_ins_that_the_ledger_does_not_know_are_compared(store: SqliteStore) -> None:
    """As after somebody brought back some tables, but not all."""
    store.store([arrived(1, checkin(1), checkin(2))], AT)
    assert store._db is not None
    store._db.executescript("DELETE FROM journal; DELETE FROM batch")
    changed = arrived(1, replace(checkin(1), verdict="refused"), checkin(2), checkin(3))
    assert store.store([changed], AT) == [(1, 1, 1, True)]
    assert [entry.seq for entry in store.entries()] == [1, 1, 2, 3]


def test_a_file_of_version_2_learns_how_old_trust_is(path: Path) -> None:
    status = Status("gate-1", 5, online=True, unsent=7)
    with SqliteStore(path) as store:
        store.seen([status], AT)
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE device DROP COLUMN trust_ms; PRAGMA user_version=2")
    for _ in range(2):
        with SqliteStore(path) as store:
            assert [one.status for one in store.devices()] == [status]
    with SqliteStore(path) as store:
        store.seen([replace(status, at_ms=6, trust_ms=4)], AT)
        assert [one.status and one.status.trust_ms for one in store.devices()] == [4]


def test_a_file_of_version_1_is_taken_over_with_all_that_is_in_it(path: Path) -> None:
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    kept = [(1, checkin(1)), (2, replace(checkin(2), clock="untrusted")), (5, checkin(5)), (6, checkin(6))]
    db.executemany("INSERT INTO checkin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(*one) for one in kept])
    other = _row(5, checkin(105))
    forked = (*other[:3], b"h" * 32, *other[3:])
    db.execute("INSERT INTO conflict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", forked)
    batches = [(2, b"a" * 32, 1, bytes(32)), (6, b"b" * 32, 5, b"x" * 32), (6, b"h" * 32, 5, b"a" * 32)]
    db.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", [("gate-1", EPOCH, *batch) for batch in batches])
    db.commit()
    db.close()
    for _ in range(2):
        with SqliteStore(path) as store:
            entries = store.entries()
            (account,) = store.accounts()
    assert [(entry.seq, entry.checkin) for entry in entries if not entry.conflict] == kept
    assert [(entry.seq, entry.checkin) for entry in entries if entry.conflict] == [(5, checkin(105))]
    assert (account.stored, account.up_to, account.missing) == (4, 2, ((3, 4),))
    assert (account.conflicts, account.breaks) == (1, 2)
    with SqliteStore(path) as store:
        assert store.store([arrived(3, checkin(3), checkin(4), previous=b"a" * 32)], AT) == [(2, 0, 0, True)]
        assert store.accounts()[0].missing == ()


def _row(seq: int, one: CheckIn) -> tuple[object, ...]:
    texts = (one.lane, one.direction, one.verdict, one.reason, " ".join(one.kinds))
    return ("gate-1", EPOCH, seq, one.id.bytes, one.at_ms, int(one.clock_trusted), *texts, one.pseudonym)
