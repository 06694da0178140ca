"""Check-ins in one SQLite file: enough for a site, and for several collectors on one machine."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from centre.collecting import sqlite_reading as reading
from centre.collecting.days import to_ms
from centre.collecting.ledger import take
from centre.collecting.reading import Wanted
from centre.collecting.sqlite_engine import SqliteEngine
from centre.collecting.sqlite_schema import FORM
from centre.collecting.store import Account, Count, Entry, Key, Known, Step, Store, Stored, StoreError
from centre.database import changing, opened
from firmware.wire import DecodedBatch
from firmware.wire_device import Report, Status

BUSY_S = 5.0  # ours: another collector's batches take milliseconds

T = TypeVar("T")


class _DoubtfulError(StoreError):
    """Check-ins that the ledger does not know of: it was brought back from an older backup, say."""


class SqliteStore:
    """Keep check-ins in a file, every commit synced before it returns; for one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it.

        Raises: StoreError.
        """
        self.name = str(path)
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._run(lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def store(self, batches: Sequence[DecodedBatch], at: datetime) -> list[Stored]:
        """Keep some batches; see `Store.store`."""
        try:
            return self._change(lambda db: take(SqliteEngine(db, to_ms(at)), batches))
        except _DoubtfulError:
            return self._change(lambda db: take(SqliteEngine(db, to_ms(at)), batches, doubtful=True))

    def seen(self, statuses: Sequence[Status], at: datetime) -> None:
        """Keep what devices say of themselves; see `Store.seen`."""
        self._change(lambda db: reading.put_statuses(db, statuses, to_ms(at)))

    def reported(self, report: Report, at: datetime) -> None:
        """Keep a report; see `Store.reported`."""
        self._change(lambda db: reading.put_report(db, report, to_ms(at)))

    def accounts(self, device: str | None = None) -> list[Account]:
        """Return what there is of each journal; see `Store.accounts`."""
        return self._run(lambda db: reading.accounts(db, device))

    def devices(self) -> list[Known]:
        """Return what devices said last; see `Store.devices`."""
        return self._run(reading.devices)

    def report(self, device: str) -> Report | None:
        """Return what a device reported last; see `Store.report`."""
        return self._run(lambda db: reading.report(db, device))

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
        return self._run(lambda db: reading.entries(db, wanted))

    def counts(self, since: datetime, until: datetime, step: Step) -> list[Count]:
        """Return how many check-ins there are; see `Store.counts`."""
        return self._run(lambda db: reading.counts(db, since, until, step))

    def expire(self, before: date) -> int:
        """Drop days; see `Store.expire`."""
        return self._change(lambda db: reading.expire(db, before))

    def _change(self, action: Callable[[sqlite3.Connection], T]) -> T:
        def change(db: sqlite3.Connection) -> T:
            with changing(db):
                return action(db)

        return self._run(change)

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._db is None:
                self._db = opened(self._path, FORM, busy_s=BUSY_S)
            return action(self._db)
        except sqlite3.IntegrityError as error:
            raise _DoubtfulError(f"{self._path}: {error}") from error
        except (sqlite3.Error, ValueError) as error:  # ValueError: a damaged row
            self.close()  # after an error its caches are not to be trusted; the next call opens it again
            raise StoreError(f"{self._path}: {error}") from error


_: type[Store] = SqliteStore  # mypy sees that it is one
