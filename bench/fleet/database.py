"""The database of a fleet, a real PostgreSQL of this run's own (or a SQLite file), and what is to be found in it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import psycopg

from bench.common import percentile
from centre.collecting.store import open_store
from tests.postgres_server import Postgres, running

_TIMES = "SELECT received_ms - at_ms FROM {} WHERE device >= ? AND at_ms >= ? AND at_ms < ? AND type = 'check-in'"


class Database(Protocol):
    """A store, and how to look into it."""

    where: str

    def pids(self) -> list[int]:
        """Return the processes that work for it, apart from the collectors."""
        ...

    def latencies_ms(self, from_device: str, since_ms: int, until_ms: int) -> list[int]:
        """Return how long check-ins of devices (by name, from one on) took from their own clock to the database."""
        ...

    def size_bytes(self) -> int:
        """Return how much room it takes, with its indexes."""
        ...


class Audit(NamedTuple):
    """What is stored."""

    stored: int
    twice: int
    holes: int
    forks: int
    latency_s: dict[str, dict[str, float]]
    bytes_each: float


class PostgresDatabase:
    """A PostgreSQL in a folder of this run."""

    def __init__(self, server: Postgres) -> None:
        """Take a server that runs."""
        self._server = server
        self.where = server.database()

    def pids(self) -> list[int]:
        """See `Database`."""
        first = self._server.pid
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def latencies_ms(self, from_device: str, since_ms: int, until_ms: int) -> list[int]:
        """See `Database`."""
        query = _TIMES.format("greengate.checkin").replace("?", "%s")
        with psycopg.connect(self.where) as connection:
            return [row[0] for row in connection.execute(query, (from_device, since_ms, until_ms))]  # type: ignore[arg-type] # a constant of ours

    def size_bytes(self) -> int:
        """See `Database`."""
        with psycopg.connect(self.where) as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(found[0]) if found else 0


class SqliteDatabase:
    """A SQLite file, which the collectors write themselves."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.where = str(path)

    def pids(self) -> list[int]:
        """See `Database`."""
        return []

    def latencies_ms(self, from_device: str, since_ms: int, until_ms: int) -> list[int]:
        """See `Database`."""
        with contextlib.closing(sqlite3.connect(self.where)) as db:
            return [row[0] for row in db.execute(_TIMES.format("checkin"), (from_device, since_ms, until_ms))]

    def size_bytes(self) -> int:
        """See `Database`."""
        return Path(self.where).stat().st_size


@contextlib.contextmanager
def database(folder: Path, kind: str) -> Iterator[Database]:
    """Run the database."""
    if kind == "sqlite":
        yield SqliteDatabase(folder / "centre.db")
        return
    with running(folder / "postgres") as server:
        yield PostgresDatabase(server)


def stored(database_: Database) -> int:
    """Return how many numbers have come, by the ledger."""
    with open_store(database_.where) as store:
        return sum(account.stored for account in store.accounts())


def audit(database_: Database, online_from: str, times_ms: tuple[int, int, int]) -> Audit:
    """Return what is stored: every check-in read, none counted by the ledger's word.

    Devices by name from `online_from` on were online; the times are the morning's begin, the province's return, and
    when that was over.
    """
    ids: set[bytes] = set()
    total = 0
    with open_store(database_.where) as store:
        accounts = store.accounts()
        after = None
        while entries := store.entries(after, 20_000):
            total += len(entries)
            ids.update(entry.row[1] for entry in entries)
            after = entries[-1].key
    begun_ms, returned_ms, drained_ms = times_ms
    online = database_.latencies_ms(online_from, begun_ms, returned_ms)
    during = database_.latencies_ms(online_from, returned_ms, drained_ms)
    return Audit(
        stored=len(ids),
        twice=total - len(ids),
        holes=sum(len(account.missing) for account in accounts),
        forks=sum(account.conflicts for account in accounts),
        latency_s={"online": _shares_s(online), "return": _shares_s(during)},
        bytes_each=database_.size_bytes() / max(total, 1),
    )


def _shares_s(latencies_ms: list[int]) -> dict[str, float]:
    return {str(share): percentile(latencies_ms or [0], share) / 1000 for share in (0.5, 0.95, 0.99)}
