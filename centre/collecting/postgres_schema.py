"""The schema in PostgreSQL: made and numbered by the program itself; check-ins in one partition a day."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from centre.collecting.days import to_date
from centre.collecting.store import StoreError

Connection = psycopg.Connection[Any]

VERSION = 2
SCHEMA = "greengate"
_LOCK = 0x43584331  # "CXC1": of the advisory lock under which the schema is changed

_CONTENT = """
    type text NOT NULL, id bytea NOT NULL, at_ms bigint NOT NULL, clock text NOT NULL, lane text NOT NULL,
    direction text NOT NULL, profile text NOT NULL, verdict text NOT NULL, reason text NOT NULL, kinds text NOT NULL,
    pseudonym bytea, details bytea, about bytea
"""
_KEY = 'device text COLLATE "C" NOT NULL, epoch bytea NOT NULL'
_TABLES = f"""
    CREATE TABLE version (version integer NOT NULL);
    CREATE TABLE journal (
        {_KEY}, spans bigint[] NOT NULL, conflicts bigint NOT NULL, breaks bigint NOT NULL,
        first_received_ms bigint, last_received_ms bigint, PRIMARY KEY (device, epoch))
        WITH (fillfactor = 50); -- each batch writes its journal's row anew: room for it on the same page
    CREATE TABLE batch (
        {_KEY}, last_seq bigint NOT NULL, digest bytea NOT NULL, first_seq bigint NOT NULL, previous bytea NOT NULL,
        conflicts integer NOT NULL, follows boolean NOT NULL, received_ms bigint NOT NULL,
        PRIMARY KEY (device, epoch, last_seq, digest));
    CREATE INDEX batch_alone ON batch (device, epoch, first_seq) WHERE NOT follows;
    CREATE INDEX batch_received ON batch (received_ms);
    CREATE TABLE checkin (
        {_KEY}, seq bigint NOT NULL, day date NOT NULL, received_ms bigint NOT NULL, {_CONTENT},
        PRIMARY KEY (device, epoch, seq, day)) PARTITION BY RANGE (day);
    CREATE TABLE conflict (
        {_KEY}, seq bigint NOT NULL, day date NOT NULL, received_ms bigint NOT NULL, {_CONTENT}, hash bytea NOT NULL,
        PRIMARY KEY (device, epoch, seq, hash));
    CREATE TABLE device (
        device text COLLATE "C" PRIMARY KEY,
        at_ms bigint, online boolean, unsent bigint, oldest_ms bigint, fill_permille integer, version text,
        trust_ms bigint, since_ms bigint, status_received_ms bigint,
        report_at_ms bigint, report bytea, report_received_ms bigint);
"""


def prepare(connection: Connection) -> None:
    """Make the schema where there is none, and see that it is this program's.

    Raises: StoreError, psycopg.Error.
    """
    with connection.transaction():
        if not _is_there(connection):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            if not _is_there(connection):  # else another program made it just now
                _make(connection)
        version = _version(connection)
        if version == (1,):
            version = _upgrade(connection)
    if version != (VERSION,):
        found = version[0] if version else "none"
        raise StoreError(f"its schema {found} is not this program's ({VERSION}): update the program")


def _is_there(connection: Connection) -> bool:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'version'"
    return connection.execute(query, [SCHEMA]).fetchone() is not None


def _make(connection: Connection) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute(f"SET LOCAL search_path = {SCHEMA}")
    connection.execute(_TABLES)
    connection.execute("INSERT INTO version VALUES (%s)", [VERSION])


def _version(connection: Connection) -> tuple[int, ...] | None:
    return connection.execute(f"SELECT version FROM {SCHEMA}.version").fetchone()  # noqa: S608 - a constant


def _upgrade(connection: Connection) -> tuple[int, ...] | None:
    """Make this program's schema of version 1, unless another program makes it just now; return the version then."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if _version(connection) == (1,):
        connection.execute(f"ALTER TABLE {SCHEMA}.device ADD COLUMN trust_ms bigint")
        connection.execute(f"UPDATE {SCHEMA}.version SET version = %s", [VERSION])  # noqa: S608 - a constant
    return _version(connection)


def partitions(connection: Connection) -> set[int]:
    """Return the days that have a partition."""
    query = """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'checkin'::regclass"""
    return {int(name.removeprefix("checkin_")) for (name,) in connection.execute(query)}


def add_partitions(connection: Connection, days: Collection[int]) -> None:
    """Make the partitions of some days, unless they are there; whoever else writes check-ins need not wait.

    Raises: psycopg.Error.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for day in sorted(set(days) - partitions(connection)):
            name, begins = sql.Identifier(f"checkin_{day}"), to_date(day)
            bounds = sql.Literal(begins), sql.Literal(begins + timedelta(days=1))
            connection.execute(sql.SQL("CREATE TABLE {} (LIKE checkin INCLUDING ALL)").format(name))
            # attached, not created as a part: that would lock the whole table
            attach = sql.SQL("ALTER TABLE checkin ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
            connection.execute(attach.format(name, *bounds))


def drop_partition(connection: Connection, day: int) -> None:
    """Drop a day's check-ins, unless somebody reads them for long: whoever stores would have to wait as well.

    Raises: psycopg.Error.
    """
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '2s'")
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(f"checkin_{day}")))
