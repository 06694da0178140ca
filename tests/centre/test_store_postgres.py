"""What only PostgreSQL can do to a store: go away, come back, refuse, and be looked at by others meanwhile."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from centre.collecting import postgres_copy
from centre.collecting.postgres_schema import add_partitions, partitions
from centre.collecting.postgres_store import PostgresStore
from centre.collecting.store import StoreError, UnstorableError, open_store
from firmware.checkin import to_row
from firmware.wire import Batch
from firmware.wire_device import Status
from tests.centre.batches import AT, EPOCH, arrived
from tests.firmware.checkins import START_MS, checkin, detailed, longest

DAY_MS = 86_400_000


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    with PostgresStore(database) as store:
        yield store


def admin(database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(database, autocommit=True, options="-c search_path=greengate")


def test_a_connection_that_ended_unnoticed_is_made_again(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1))], AT)
    with admin(database) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'greengate%'")
    assert store.store([arrived(1, checkin(1), checkin(2))], AT)[0].new == 1


def test_commits_are_synced_whatever_the_servers_default_is(database: str) -> None:
    with admin(database) as other:
        name = database.rsplit("/", 1)[1]
        other.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with PostgresStore(database) as store:
        shown = store._opened(1.0).execute("SHOW synchronous_commit").fetchone()
    assert shown == ("on",)


def test_nothing_depends_on_how_the_server_keeps_transactions_apart(database: str) -> None:
    with admin(database) as other:
        name = database.rsplit("/", 1)[1]
        other.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable")
    with PostgresStore(database) as store:
        shown = store._opened(1.0).execute("SHOW transaction_isolation").fetchone()
    assert shown == ("read committed",)


def test_a_schema_of_version_1_learns_how_old_trust_is(database: str) -> None:
    status = Status("gate-1", 5, online=True, unsent=7)
    with PostgresStore(database) as store:
        store.seen([status], AT)
    with admin(database) as other:
        other.execute("ALTER TABLE device DROP COLUMN trust_ms")
        other.execute("UPDATE version SET version = 1")
    for _ in range(2):
        with PostgresStore(database) as store:
            assert [one.status for one in store.devices()] == [status]
    with PostgresStore(database) as store:
        store.seen([replace(status, at_ms=6, trust_ms=4)], AT)
        assert [one.status and one.status.trust_ms for one in store.devices()] == [4]


def test_a_newer_schema_is_refused(database: str) -> None:
    PostgresStore(database).close()
    with admin(database) as other:
        other.execute("UPDATE version SET version = 99")
    with pytest.raises(StoreError, match=r"schema 99 is not this program's .*update the program"):
        PostgresStore(database)


def test_retention_makes_nobody_who_stores_wait_long_for_somebody_who_reads(
    store: PostgresStore, database: str
) -> None:
    store.store([arrived(1, checkin(1))], AT)
    with admin(database) as other, other.transaction():
        other.execute("SELECT * FROM checkin")
        begun_s = time.monotonic()
        with pytest.raises(StoreError, match="lock timeout"):
            store.expire(AT.date().replace(year=2100))
        assert time.monotonic() - begun_s < 5
    assert store.expire(AT.date().replace(year=2100)) == 1


def test_days_dropped_by_another_program_are_made_again(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1))], AT)
    with PostgresStore(database) as other:
        assert other.expire(AT.date().replace(year=2100)) == 1
    assert store.store([arrived(2, checkin(2))], AT)[0].new == 1


def test_a_days_partition_waits_for_nobody_who_stores(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1))], AT)
    with admin(database) as other, other.transaction():
        other.execute("SELECT * FROM checkin FOR UPDATE")
        with admin(database) as third:
            third.execute("SET lock_timeout = '1s'")
            add_partitions(third, range(100, 110))
            assert len(partitions(third)) == 11


def test_check_ins_that_the_ledger_does_not_know_stay_as_they_are(store: PostgresStore, database: str) -> None:
    """As after a restore of some tables, but not of all."""
    store.store([arrived(1, checkin(1))], AT)
    with admin(database) as other:
        other.execute("DELETE FROM journal")
        other.execute("DELETE FROM batch")
    changed = arrived(1, replace(checkin(1), verdict="refused"), checkin(2))
    assert store.store([changed], AT + timedelta(days=1)) == [(1, 0, 1, True)]
    assert [entry.checkin.verdict for entry in store.entries()] == ["accepted", "refused", "accepted"]


def test_a_damaged_ledger_keeps_no_other_device_out(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1)), arrived(1, checkin(1), device="gate-2")], AT)
    with admin(database) as other:
        for damaged in ([1], [2, 1], [1, 3, 3, 4]):
            other.execute("UPDATE journal SET spans = %s WHERE device = 'gate-1'", [damaged])
            with pytest.raises(UnstorableError, match=r"gate-1 is damaged: .*backup"):
                store.store([arrived(2, checkin(2)), arrived(2, checkin(2), device="gate-2")], AT)
            with pytest.raises(StoreError, match="gate-1 is damaged"):
                store.accounts()
    assert store.store([arrived(2, checkin(2), device="gate-2")], AT)[0].new == 1


def test_a_journal_that_somebody_locks_fails_in_time_and_stores_later(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1))], AT)
    store._opened(1.0).execute("SET lock_timeout = '200ms'")
    with admin(database) as other, other.transaction():
        other.execute("SELECT * FROM journal FOR UPDATE")
        begun_s = time.monotonic()
        with pytest.raises(StoreError, match="lock timeout"):
            store.store([arrived(2, checkin(2))], AT)
        assert time.monotonic() - begun_s < 5
    assert store.store([arrived(2, checkin(2))], AT)[0].new == 1


def test_two_groups_in_opposite_orders_do_not_stop_each_other(database: str) -> None:
    PostgresStore(database).close()
    failures: list[BaseException] = []

    def put(devices: list[str]) -> None:
        try:
            with PostgresStore(database) as store:
                for seq in range(1, 30):
                    store.store([arrived(seq, checkin(seq), device=device) for device in devices], AT)
        except BaseException as error:  # noqa: BLE001 - the test tells it
            failures.append(error)

    devices = [f"gate-{number}" for number in range(8)]
    threads = [threading.Thread(target=put, args=(order,)) for order in (devices, devices[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with PostgresStore(database) as store:
        assert [account.stored for account in store.accounts()] == [29] * 8


def test_what_the_binary_copy_writes_is_what_comes_back(store: PostgresStore) -> None:
    records = [detailed(1, 512), longest(), replace(checkin(3, at_ms=0), kinds=(), pseudonym=None), checkin(4)]
    store.store([arrived(1, *records)], AT)
    assert [entry.checkin for entry in store.entries()] == records
    batch = Batch("gate-1", EPOCH, 1, tuple(map(to_row, records)))
    pieces = b"".join(postgres_copy.encoded([(batch, range(4))], START_MS))
    assert pieces.startswith(postgres_copy.HEAD)
    assert pieces.endswith(postgres_copy.TAIL)


def test_no_message_holds_what_the_database_quotes_of_rows(store: PostgresStore, database: str) -> None:
    store.store([arrived(1, checkin(1))], AT)
    with admin(database) as other:
        other.execute("ALTER TABLE checkin ADD CHECK (lane = '') NOT VALID")
    with pytest.raises(StoreError) as failed:
        store.store([arrived(2, checkin(2))], AT)
    assert "Cổng" not in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("password", ["user:secret@host", "host"])
def test_a_place_with_a_password_is_refused_with_the_cure(password: str) -> None:
    where = f"postgresql://{password}/x" if "@" in password else f"host={password} dbname=x password=secret"
    with pytest.raises(StoreError, match=r"\.pgpass") as refused:
        open_store(where)
    assert "secret" not in str(refused.value)
