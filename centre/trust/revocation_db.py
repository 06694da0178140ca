"""What is revoked, as the centre knows it: `HOME/trust/revocations.db`, in batches as they came.

A batch is what came under one name: a file of the gateway's, an issuer's list, or a list that an administrator adds
to and takes from. Only hashes are kept, 16 bytes each, many in one blob; what publishing compiles is the union of
the batches of a key and kind that are in force. A file is taken in one `change()`, synced when it returns.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from centre import database
from centre.trust.home import TrustError, TrustHome
from verifier.revocation_set import HASH_BYTES, Kind

__all__ = ["Batch", "Kind", "RevocationDb", "RevocationDbError"]

FILE = "revocations.db"
BUSY_S = 60.0  # ours: another administrator's list of millions takes so long

_TABLES = """
    CREATE TABLE IF NOT EXISTS batch (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kid BLOB NOT NULL, kind TEXT NOT NULL,
        country TEXT NOT NULL, expires_ms INTEGER, version INTEGER, pending INTEGER, chunk INTEGER) STRICT;
    CREATE INDEX IF NOT EXISTS batch_group ON batch (kid, kind);
    CREATE TABLE IF NOT EXISTS part (
        batch INTEGER NOT NULL REFERENCES batch ON DELETE CASCADE, place INTEGER NOT NULL, hashes BLOB NOT NULL,
        PRIMARY KEY (batch, place)) STRICT;
    CREATE TABLE IF NOT EXISTS withdrawn (id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_COLUMNS = "id, kid, kind, country, expires_ms, version, pending, chunk"
# A version of which not all came yet counts for nothing, except what changes one that is in force.
_IN_FORCE = "(expires_ms IS NULL OR expires_ms > ?) AND (pending IS NULL OR version IS NOT NULL)"


class RevocationDbError(TrustError):
    """A database of revocations that cannot be used now: what is wrong and the cure, on one line."""


_FORM = database.Form(0x43585256, 1, _TABLES, RevocationDbError, "move it away")  # "CXRV"


class Batch(NamedTuple):
    """What is said of a batch.

    `kid`: whose passes, empty for any key's. `country`: who revoked, empty where nobody says. `version`: of an
    issuer's numbered list. `pending`, `chunk`: the version whose chunks are coming, and the last that came.
    """

    id: str
    kid: bytes
    kind: Kind
    country: str = ""
    expires_ms: int | None = None
    version: int | None = None
    pending: int | None = None
    chunk: int | None = None


class RevocationDb(database.DatabaseFile):
    """The batches. Every method raises RevocationDbError where the file cannot be used."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Work on a file that `open` opened."""
        super().__init__(db)
        self._path = path

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open it in the centre's home folder, or create it there (`home/trust` must be there)."""
        path = TrustHome(home).folder / FILE
        with _told(path):
            return cls(database.opened(path, _FORM, busy_s=BUSY_S), path)

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Do what is within all or not at all, with nobody else writing; synced when it returns."""
        with _told(self._path), database.changing(self._db):
            yield

    # What publishing compiles

    def groups(self, now: datetime) -> Iterator[tuple[bytes, Kind]]:
        """Return the keys (empty for any) and kinds of which anything is revoked; expired batches are left out."""
        query = f"""SELECT DISTINCT kid, kind FROM batch WHERE {_IN_FORCE}
            AND EXISTS (SELECT 1 FROM part WHERE part.batch = batch.number) ORDER BY kid, kind"""  # noqa: S608 - constants
        yield from self._rows(query, (_ms(now),))

    def blobs(self, kid: bytes, kind: Kind, now: datetime) -> Iterator[bytes]:
        """Return a group's hashes, many at a time; some may come twice. Unchanged ones come the same."""
        query = f"""SELECT hashes FROM batch JOIN part ON part.batch = batch.number
            WHERE kid = ? AND kind = ? AND {_IN_FORCE} ORDER BY number, place"""  # noqa: S608 - constants
        with _told(self._path):
            for (hashes,) in self._db.execute(query, (kid, kind, _ms(now))):
                yield hashes

    # What imports change, within a change()

    def batch(self, batch_id: str) -> Batch | None:
        """Return what is said of a batch; None where there is none of this name."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM batch WHERE id = ?", (batch_id,))  # noqa: S608 - constants
        return Batch(*rows[0]) if rows else None

    def hashes(self, batch_id: str) -> bytes:
        """Return a batch's hashes, in the order in which they are kept."""
        query = "SELECT hashes FROM batch JOIN part ON part.batch = batch.number WHERE id = ? ORDER BY place"
        return b"".join(hashes for (hashes,) in self._rows(query, (batch_id,)))

    def count(self, batch_id: str) -> int:
        """Return how many hashes a batch has."""
        query = "SELECT total(length(hashes)) FROM batch JOIN part ON part.batch = batch.number WHERE id = ?"
        return int(self._rows(query, (batch_id,))[0][0]) // HASH_BYTES

    def put(self, batch: Batch) -> None:
        """Add a batch without hashes; of one that is there, this is said from now on, and its hashes stay."""
        values = ", ".join("?" * len(batch))
        self._run(
            f"INSERT INTO batch ({_COLUMNS}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET kid = excluded.kid,"  # noqa: S608
            " kind = excluded.kind, country = excluded.country, expires_ms = excluded.expires_ms,"
            " version = excluded.version, pending = excluded.pending, chunk = excluded.chunk",
            batch,
        )

    def replace(self, batch: Batch, hashes: bytes) -> None:
        """Put a batch with these hashes, in one blob, in the place of one of its name."""
        self.delete(batch.id)
        self.put(batch)
        self._write(self._number(batch.id), 0, hashes)

    def delete(self, batch_id: str) -> bool:
        """Remove a batch with its hashes; tell whether it was there."""
        return bool(self._run("DELETE FROM batch WHERE id = ?", (batch_id,)))

    def withdraw(self, batch_id: str) -> bool:
        """Remove a batch that its publisher deleted, for good; tell whether it was there."""
        self._run("INSERT INTO withdrawn VALUES (?) ON CONFLICT DO NOTHING", (batch_id,))
        return self.delete(batch_id)

    def was_withdrawn(self, batch_id: str) -> bool:
        """Tell whether a batch's publisher deleted it: an old file of it must not bring it back."""
        return bool(self._rows("SELECT 1 FROM withdrawn WHERE id = ?", (batch_id,)))

    def rename(self, batch_id: str, new_id: str) -> None:
        """Give a batch the name of another, which is removed."""
        self.delete(new_id)
        self._run("UPDATE batch SET id = ? WHERE id = ?", (new_id, batch_id))

    def add(self, batch_id: str, hashes: bytes) -> int:
        """Add hashes to a list, and return how many it did not have."""
        from centre.trust.hash_lists import union  # noqa: PLC0415 - numpy takes longer than most commands

        return self._edit(batch_id, hashes, union)

    def take(self, batch_id: str, hashes: bytes) -> int:
        """Take hashes out of a list, and return how many it had."""
        from centre.trust.hash_lists import without  # noqa: PLC0415 - as above

        return -self._edit(batch_id, hashes, without)

    def lists(self, prefix: str) -> list[Batch]:
        """Return the batches whose names begin so."""
        query = f"SELECT {_COLUMNS} FROM batch WHERE substr(id, 1, ?) = ? ORDER BY id"  # noqa: S608 - constants
        return [Batch(*row) for row in self._rows(query, (len(prefix), prefix))]

    def _edit(self, batch_id: str, hashes: bytes, change: Callable[[bytes, bytes], bytes]) -> int:
        """Change a list, which is kept in a bucket for each first byte; return by how many it grew."""
        from centre.trust.hash_lists import by_first_byte  # noqa: PLC0415 - as above

        grown = 0
        number = self._number(batch_id)
        for place, some in by_first_byte(hashes):
            before = self._part(number, place)
            after = change(before, some)
            grown += len(after) - len(before)
            if after != before:
                self._write(number, place, after)
        return grown // HASH_BYTES

    def _number(self, batch_id: str) -> int:
        ((number,),) = self._rows("SELECT number FROM batch WHERE id = ?", (batch_id,))
        return int(number)

    def _part(self, number: int, place: int) -> bytes:
        rows = self._rows("SELECT hashes FROM part WHERE batch = ? AND place = ?", (number, place))
        return bytes(rows[0][0]) if rows else b""

    def _write(self, number: int, place: int, hashes: bytes) -> None:
        if hashes:
            upsert = "INSERT INTO part VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes"
            self._run(upsert, (number, place, hashes))
        else:
            self._run("DELETE FROM part WHERE batch = ? AND place = ?", (number, place))

    def _run(self, statement: str, values: tuple[Any, ...]) -> int:
        with _told(self._path):
            return self._db.execute(statement, values).rowcount

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        with _told(self._path):
            return self._db.execute(query, values).fetchall()


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        cure = "another command works on it: try again" if "locked" in str(error) else "check --home, disk and rights"
        raise RevocationDbError(f"{path}: {error}: {cure}") from None
