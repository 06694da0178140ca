"""Check-ins in a PostgreSQL database: for as many collectors as there are, partitioned by day."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Self, TypeVar

import psycopg
from psycopg import errors

from centre.collecting import postgres_reading as reading
from centre.collecting.days import days_of, to_day, to_ms
from centre.collecting.ledger import take
from centre.collecting.postgres_connection import (
    READ_S,
    SESSION,
    STORE_S,
    PatientConnection,
    checked,
    in_words,
    was_cut,
)
from centre.collecting.postgres_engine import STAGING, PostgresEngine
from centre.collecting.postgres_schema import Connection, add_partitions, drop_partition, partitions, prepare
from centre.collecting.reading import Wanted
from centre.collecting.store import (
    Account,
    Count,
    Entry,
    Key,
    Known,
    Step,
    Store,
    StoreAwayError,
    Stored,
    StoreError,
    UnstorableError,
)
from firmware.wire import DecodedBatch
from firmware.wire_device import Report, Status

TRIES = 4  # of a transaction that another one was in the way of
T = TypeVar("T")


class PostgresStore:
    """Keep check-ins in a database, every commit synced before it returns; for one thread at a time."""

    def __init__(self, where: str, stopping: Callable[[], bool] = lambda: False) -> None:
        """Connect, and make the schema where there is none; a server that hangs is not waited for where `stopping`.

        Raises: StoreError.
        """
        self._conninfo, self.name = checked(where)
        self._stopping = stopping
        self._connection: PatientConnection | None = None
        self._days: set[int] = set()  # those that have a partition, as far as is known
        self._run(lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; a second call does nothing."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def store(self, batches: Sequence[DecodedBatch], at: datetime) -> list[Stored]:
        """Keep some batches; see `Store.store`."""
        if not batches:
            return []
        received_ms = to_ms(at)
        doubtful = False
        days = set().union(*(days_of(one.batch.rows, received_ms) for one in batches))

        def put(connection: Connection) -> list[Stored]:
            nonlocal doubtful
            self._ensure(connection, days)
            try:
                with connection.transaction():
                    return take(PostgresEngine(connection, received_ms), batches, doubtful=doubtful)
            except errors.UniqueViolation:
                doubtful = True  # check-ins that the ledger does not know of: a database restored in part
                raise

        return self._run(put, STORE_S)

    def seen(self, statuses: Sequence[Status], at: datetime) -> None:
        """Keep what devices say of themselves; see `Store.seen`."""
        if not statuses:
            return
        self._run(lambda connection: reading.put_statuses(connection, statuses, to_ms(at)), STORE_S)

    def reported(self, report: Report, at: datetime) -> None:
        """Keep a report; see `Store.reported`."""
        self._run(lambda connection: reading.put_report(connection, report, to_ms(at)), STORE_S)

    def accounts(self, device: str | None = None) -> list[Account]:
        """Return what there is of each journal; see `Store.accounts`."""
        return self._run(lambda connection: reading.accounts(connection, device))

    def devices(self) -> list[Known]:
        """Return what devices said last; see `Store.devices`."""
        return self._run(reading.devices)

    def report(self, device: str) -> Report | None:
        """Return what a device reported last; see `Store.report`."""
        return self._run(lambda connection: reading.report(connection, device))

    def entries(
        self,
        after: Key | None = None,
        limit: int = 1000,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        device: str | None = None,
    ) -> list[Entry]:
        """Return check-ins by their keys; see `Store.entries`."""
        wanted = Wanted(after or Key("", b"", 0), limit, since, until, device)
        return self._run(lambda connection: reading.entries(connection, wanted))

    def counts(self, since: datetime, until: datetime, step: Step) -> list[Count]:
        """Return how many check-ins there are; see `Store.counts`."""
        return self._run(lambda connection: reading.counts(connection, since, until, step))

    def expire(self, before: date) -> int:
        """Drop days; see `Store.expire`. Each in a transaction of its own: broken off, the same again goes on."""

        def drop(connection: Connection) -> int:
            over = sorted(day for day in partitions(connection) if day < to_day(before))
            for day in over:
                drop_partition(connection, day)
                self._days.discard(day)
            reading.expire(connection, before)
            return len(over)

        return self._run(drop)

    def _ensure(self, connection: Connection, days: Collection[int]) -> None:
        if not self._days.issuperset(days):
            add_partitions(connection, days)
            self._days |= set(days)

    def _run(self, action: Callable[[Connection], T], patience_s: float = READ_S) -> T:
        for again in range(TRIES):
            try:
                return action(self._opened(patience_s))
            except (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation) as error:
                failed: Exception = error  # another collector was in the way
            except errors.CheckViolation as error:
                failed = error  # the day was dropped by another program meanwhile
                self._days.clear()
            except UnstorableError:
                raise
            except (StoreError, ValueError) as error:  # ValueError: a damaged row
                self.close()
                raise StoreError(f"{self.name}: {error}") from None
            except psycopg.DataError as error:
                raise UnstorableError(f"{self.name}: {in_words(error)}") from None
            except psycopg.Error as error:
                self.close()  # the next call connects anew
                if again or not isinstance(error, psycopg.OperationalError) or not was_cut(error) or self._stopping():
                    raise self._failure(error) from None
                failed = error  # the connection had ended unnoticed: once more, on a new one
        self.close()
        raise StoreAwayError(f"{self.name}: {in_words(failed)}") from None

    def _failure(self, error: psycopg.Error) -> StoreError:
        kind = StoreAwayError if isinstance(error, psycopg.OperationalError) else StoreError
        return kind(f"{self.name}: {in_words(error)}")

    def _opened(self, patience_s: float) -> Connection:
        connection = self._connection
        if connection is None or connection.closed:
            connection = PatientConnection.connect(self._conninfo, autocommit=True)
            connection.stopping = self._stopping
            self._days.clear()
            try:
                connection.execute(SESSION)
                prepare(connection)
                connection.execute(STAGING)
            except BaseException:
                connection.close()  # half prepared, it is of no use
                raise
            self._connection = connection
        connection.patience_s = patience_s
        return connection


_: type[Store] = PostgresStore  # mypy sees that it is one
