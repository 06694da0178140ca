"""The centre's store of check-ins: a port, so that any engine can stand behind it. `open_store` opens one by its name.

What there is of a journal (a device's epoch) is known from a ledger, not from the check-ins themselves: these go when
their time is over, and are missing nowhere then.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from firmware.checkin import CheckIn, Row, from_row
from firmware.wire import DecodedBatch
from firmware.wire_device import Report, Status

Step = Literal["hour", "day"]
_DATABASE = re.compile(r"\s*(\w+://|\w+\s*=)")  # a URL, or the first word of a libpq connection


class StoreError(Exception):
    """A store that cannot be read or written now: what is wrong, on one line."""


class PasswordError(StoreError):
    """A place with a password in it, which is refused: what to do, never the place."""


class StoreAwayError(StoreError):
    """A store that does not answer now, and may do so later by itself."""


class UnstorableError(StoreError):
    """A batch that the store will not take, now or later; whatever came with it may be stored without it."""


class Stored(NamedTuple):
    """Hold what became of a batch: check-ins new to the store, known before, and in conflict with known ones.

    `follows` tells whether the batch that it names as the one before is known.
    """

    new: int
    known: int
    conflicts: int
    follows: bool


class Key(NamedTuple):
    """Hold what a check-in is known by."""

    device: str
    epoch: bytes
    seq: int


class Entry(NamedTuple):
    """Hold a check-in under its key, and when it came; `conflict` where another was known under that key before.

    Details stay sealed in it.
    """

    device: str
    epoch: bytes
    seq: int
    row: Row
    received_ms: int
    conflict: bool = False

    @property
    def key(self) -> Key:
        """Return its key."""
        return Key(self.device, self.epoch, self.seq)

    @property
    def checkin(self) -> CheckIn:
        """Return the check-in. Raises: ValueError, TypeError for a damaged row."""
        return from_row(self.row)


@dataclass(frozen=True, slots=True)
class Account:
    """Hold what the store has of one journal: an epoch of a device.

    `stored` counts numbers that came, also those whose time is over; `up_to` is the last one without a hole before it.
    `missing` are ranges of numbers, both ends included, of check-ins that never came. `breaks` counts batches that do
    not follow a known one; `conflicts` counts numbers that came again with another content: the card was copied, or
    set back.
    """

    device: str
    epoch: bytes
    stored: int
    up_to: int
    last_seq: int
    missing: tuple[tuple[int, int], ...]
    breaks: int
    conflicts: int
    first_received_ms: int
    last_received_ms: int

    @property
    def sound(self) -> bool:
        """Tell whether nothing is missing, broken or in conflict."""
        return not (self.missing or self.breaks or self.conflicts)


@dataclass(frozen=True, slots=True)
class Known:
    """Hold the last status of a device, and when that came; None where it never sent one."""

    device: str
    status: Status | None
    status_received_ms: int | None


@dataclass(frozen=True, slots=True)
class Count:
    """Hold how many check-ins of a verdict there are in the step that begins at a time (UTC)."""

    begins_ms: int
    verdict: str
    count: int


class Store(Protocol):
    """Keep each check-in once by device, epoch and number. Every method raises StoreError; `at` is the time now.

    The time of a check-in is what its device's clock said if that is to be believed, else when it came.
    """

    def store(self, batches: Sequence[DecodedBatch], at: datetime) -> list[Stored]:
        """Keep some batches, all or none; when this returns they are on the disk.

        What is known stays as it is: a check-in with another content is kept aside, as a conflict.
        Raises: UnstorableError where one of them is to blame; alone, it is the one.
        """
        ...

    def seen(self, statuses: Sequence[Status], at: datetime) -> None:
        """Keep what some devices say of themselves, in place of what they said before; see `statuses.heard`."""
        ...

    def reported(self, report: Report, at: datetime) -> None:
        """Keep a device's report, in place of an older one."""
        ...

    def accounts(self, device: str | None = None) -> list[Account]:
        """Return what there is of each journal, by device (of one only, where it is named) and epoch."""
        ...

    def devices(self) -> list[Known]:
        """Return the devices that ever said anything of themselves, by name."""
        ...

    def report(self, device: str) -> Report | None:
        """Return what a device reported last; None where it never did."""
        ...

    def entries(
        self,
        after: Key | None = None,
        limit: int = 1000,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        device: str | None = None,
    ) -> list[Entry]:
        """Return about `limit` check-ins by their keys, behind a key; those in conflict behind the one known first.

        Their time is from `since` on and before `until`. None are left when it returns none.
        """
        ...

    def counts(self, since: datetime, until: datetime, step: Step) -> list[Count]:
        """Return how many check-ins there are in each step, by verdict.

        Passages, overrides, conflicts and what a technician tried are none.
        """
        ...

    def expire(self, before: date) -> int:
        """Drop check-ins of days before that one for good, and the batches that brought them; return how many days.

        The ledger stays: what is dropped is missing nowhere, and is not stored again if it comes again.
        """
        ...

    def close(self) -> None:
        """Close; a second call does nothing, and another method opens it again."""
        ...

    def __enter__(self) -> Self:
        """Give the store itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


def open_store(where: str | Path, stopping: Callable[[], bool] = lambda: False) -> Store:
    """Return the store at a place: postgresql://... (or the words of a libpq connection), or a SQLite file's path.

    Where `stopping`, one that does not answer is given up at once. Raises: StoreError.
    """
    from centre.collecting.sqlite_store import SqliteStore  # noqa: PLC0415 - each engine knows this port

    if isinstance(where, str) and is_postgres(where):
        from centre.collecting.postgres_store import PostgresStore  # noqa: PLC0415 - psycopg where it is used

        return PostgresStore(where, stopping)
    return SqliteStore(Path(where))


def is_postgres(where: str) -> bool:
    """Tell whether a place names a PostgreSQL database: a URL, or a connection's words (host=... dbname=...).

    A file whose name looks so is named with its folder: ./a=b.db.
    """
    return _DATABASE.match(where) is not None


def check_place(where: str | Path) -> None:
    """Make sure that a place can be opened as it is written, without opening it.

    Raises: PasswordError for a database's name with a password in it, StoreError for what is none.
    """
    if isinstance(where, str) and is_postgres(where):
        from centre.collecting.postgres_connection import checked  # noqa: PLC0415 - psycopg where it is used

        checked(where)
