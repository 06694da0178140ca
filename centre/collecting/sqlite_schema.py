"""The schema in SQLite, and what makes it of a file that an earlier version of this program wrote."""

from centre.collecting.store import StoreError
from centre.database import Form

_CONTENT = """
    type TEXT NOT NULL, id BLOB NOT NULL, at_ms INTEGER NOT NULL, clock TEXT NOT NULL, lane TEXT NOT NULL,
    direction TEXT NOT NULL, profile TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, kinds TEXT NOT NULL,
    pseudonym BLOB, details BLOB, about BLOB
"""
_KEY = "device TEXT NOT NULL, epoch BLOB NOT NULL"
_TABLES = f"""
    CREATE TABLE journal (
        {_KEY}, spans TEXT NOT NULL, conflicts INTEGER NOT NULL, breaks INTEGER NOT NULL,
        first_received_ms INTEGER, last_received_ms INTEGER, PRIMARY KEY (device, epoch)) STRICT, WITHOUT ROWID;
    CREATE TABLE batch (
        {_KEY}, last_seq INTEGER NOT NULL, digest BLOB NOT NULL, first_seq INTEGER NOT NULL, previous BLOB NOT NULL,
        conflicts INTEGER NOT NULL, follows INTEGER NOT NULL, received_ms INTEGER NOT NULL,
        PRIMARY KEY (device, epoch, last_seq, digest)) STRICT, WITHOUT ROWID;
    CREATE INDEX batch_alone ON batch (device, epoch, first_seq) WHERE NOT follows;
    CREATE TABLE checkin (
        {_KEY}, seq INTEGER NOT NULL, day INTEGER NOT NULL, received_ms INTEGER NOT NULL, {_CONTENT},
        PRIMARY KEY (device, epoch, seq)) STRICT, WITHOUT ROWID;
    CREATE INDEX checkin_day ON checkin (day);
    CREATE TABLE conflict (
        {_KEY}, seq INTEGER NOT NULL, day INTEGER NOT NULL, received_ms INTEGER NOT NULL, {_CONTENT},
        hash BLOB NOT NULL, PRIMARY KEY (device, epoch, seq, hash)) STRICT, WITHOUT ROWID;
    CREATE TABLE device (
        device TEXT PRIMARY KEY,
        at_ms INTEGER, online INTEGER, unsent INTEGER, oldest_ms INTEGER, fill_permille INTEGER, version TEXT,
        trust_ms INTEGER, since_ms INTEGER, status_received_ms INTEGER,
        report_at_ms INTEGER, report BLOB, report_received_ms INTEGER)
        STRICT, WITHOUT ROWID;
"""

# Version 1 knew no times of receipt: what it holds came now, and is kept from now on.
_NOW = "unixepoch() * 1000"
_FROM_1 = "device, epoch, seq, unixepoch() / 86400, unixepoch() * 1000, 'check-in', id, at_ms, {clock}, lane, direction"
_FROM_1 = _FROM_1.format(clock="iif(clock_trusted, 'synchronised', 'untrusted')")
_FROM_1 += ", 'default', verdict, reason, kinds, pseudonym, NULL, NULL"
_FOLLOWS = """(first_seq = 1 AND previous = zeroblob(32) OR EXISTS (
    SELECT * FROM batch_1 AS before WHERE before.device = batch_1.device AND before.epoch = batch_1.epoch
    AND before.last_seq = batch_1.first_seq - 1 AND before.hash = batch_1.previous))"""
_CONFLICTS = """(SELECT count(DISTINCT seq) FROM conflict_1 AS other
    WHERE other.device = {0}.device AND other.epoch = {0}.epoch{1})"""
_UPGRADE = f"""
    ALTER TABLE checkin RENAME TO checkin_1;
    ALTER TABLE conflict RENAME TO conflict_1;
    ALTER TABLE batch RENAME TO batch_1;
    {_TABLES}
    INSERT INTO checkin SELECT {_FROM_1} FROM checkin_1;
    INSERT INTO conflict SELECT {_FROM_1}, hash FROM conflict_1;
    INSERT INTO batch SELECT device, epoch, last_seq, hash, first_seq, previous,
        {_CONFLICTS.format("batch_1", " AND other.hash = batch_1.hash")}, {_FOLLOWS}, {_NOW} FROM batch_1;
    INSERT INTO journal
        SELECT device, epoch, group_concat(first || '-' || last, ' '), {_CONFLICTS.format("span", "")},
            (SELECT count(*) FROM batch WHERE batch.device = span.device AND batch.epoch = span.epoch AND NOT follows),
            {_NOW}, {_NOW}
        FROM (SELECT device, epoch, min(seq) AS first, max(seq) AS last FROM (
                SELECT device, epoch, seq, seq - row_number() OVER (PARTITION BY device, epoch ORDER BY seq) AS island
                FROM checkin_1)
            GROUP BY device, epoch, island ORDER BY device, epoch, first) AS span
        GROUP BY device, epoch;
    DROP TABLE checkin_1;
    DROP TABLE conflict_1;
    DROP TABLE batch_1;
"""  # noqa: S608 - constants

_TRUST = "ALTER TABLE device ADD COLUMN trust_ms INTEGER;"

FORM = Form(0x43584331, 3, _TABLES, StoreError, "name another file", upgrades={1: _UPGRADE, 2: _TRUST})  # "CXC1"
