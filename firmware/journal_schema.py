"""The journal's schema and its migrations; a program of its own, so that sqlite-utils is in no other's memory.

`python -m firmware.journal_schema FILE` brings a journal up to date; exit code 1 with a line on stderr: not done.
"""

import secrets
import sqlite3
import sys
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from firmware.journal_base import APPLICATION_ID, EPOCH_BYTES, NO_HASH, SCHEMA_VERSION, connect

migrations = Migrations("journal")


@migrations()
def first_light(db: Database) -> None:
    """Create the check-ins, what the centre has acknowledged, and the page that `probe` writes.

    `seq` is set by `Journal.append` to the number after the last one ever given: AUTOINCREMENT would do the same, for
    one more page in every commit.
    """
    db.create_table(
        "checkin",
        {
            "seq": int,
            "id": bytes,
            "at_ms": int,
            "clock_trusted": int,
            "lane": str,
            "direction": str,
            "verdict": str,
            "reason": str,
            "kinds": str,
            "pseudonym": bytes,
        },
        pk="seq",
        not_null={"id", "at_ms", "clock_trusted", "lane", "direction", "verdict", "reason", "kinds"},
        strict=True,
    )
    db.create_table(
        "meta",
        {"id": int, "epoch": bytes, "acked_seq": int, "acked_hash": bytes},
        pk="id",
        not_null={"epoch", "acked_seq", "acked_hash"},
        strict=True,
    )
    db.create_table("probe", {"id": int, "filler": bytes}, pk="id", strict=True)
    epoch = secrets.token_bytes(EPOCH_BYTES)
    db.table("meta").insert({"id": 1, "epoch": epoch, "acked_seq": 0, "acked_hash": NO_HASH})


@migrations()
def for_the_centre(db: Database) -> None:
    """Add what a check-in holds for the centre, how far the clock was trusted in words, and diagnostics.

    Columns are added to the rows where they are: a copy of the table would leave the file twice as large for good.
    """
    columns = {"type": "check-in", "clock": "synchronised", "profile": "default"}
    for name, before in columns.items():
        db.execute(f"ALTER TABLE checkin ADD COLUMN {name} TEXT NOT NULL DEFAULT '{before}'")
    for name in ("details", "about"):
        db.execute(f"ALTER TABLE checkin ADD COLUMN {name} BLOB")
    db.execute("UPDATE checkin SET clock = 'untrusted' WHERE clock_trusted = 0")
    db.execute("ALTER TABLE checkin DROP COLUMN clock_trusted")
    db.execute("DELETE FROM probe")
    db.create_table(
        "diagnostic",
        {"id": int, "at_ms": int, "code": str, "text": str},
        pk="id",
        not_null={"at_ms", "code", "text"},
        strict=True,
    )


@migrations()
def a_floor_under_the_clock(db: Database) -> None:
    """Add what of the clock is to outlive a power cut, in a row that there is: no page more to write."""
    for name in ("clock_floor_ms", "clock_shown_ms"):
        db.execute(f"ALTER TABLE meta ADD COLUMN {name} INTEGER")


@migrations()
def when_the_trust_data_were_issued(db: Database) -> None:
    """Add when the trust data in use were issued, for the centre and the clock's floor."""
    db.execute("ALTER TABLE meta ADD COLUMN trust_issued_ms INTEGER")


def migrate(path: Path) -> None:
    """Bring the journal at a path up to date, all or nothing.

    Raises: sqlite3.Error.
    """
    connection = connect(path, create=True)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        db = Database(connection, execute_plugins=False)
        with db.atomic():
            migrations.apply(db)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Migrate the one journal named."""
    try:
        migrate(Path(arguments[0]))
    except sqlite3.Error as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
