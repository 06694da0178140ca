"""What PostgreSQL is asked for, but storing batches: devices' words, accounts, check-ins by key, counts, retention."""

from collections.abc import Sequence
from datetime import date, datetime

from centre.collecting.days import DAY_MS, EPOCH
from centre.collecting.ledger import Journal
from centre.collecting.postgres_engine import columns, to_spans
from centre.collecting.postgres_schema import Connection
from centre.collecting.reading import (
    BEHIND_ALL,
    NEWER,
    SAID,
    STEP_MS,
    Wanted,
    named,
    times,
    to_account,
    to_entry,
    to_known,
    to_said,
)
from centre.collecting.statuses import news
from centre.collecting.store import Account, Count, Entry, Known, Step
from firmware.checkin import COLUMNS
from firmware.wire_device import Report, Status

# When a check-in was: by its own clock where its day was taken from that, else when it came.
_BOOKED = f"""CASE WHEN clock <> 'untrusted' AND day = date '1970-01-01' + (at_ms / {DAY_MS})::int
    THEN at_ms ELSE received_ms END"""
_SAID = f"SELECT {SAID} FROM device WHERE device = ANY(%s) ORDER BY device FOR UPDATE"  # noqa: S608 - a constant
_STATUSES = f"""
    INSERT INTO device ({SAID})
    SELECT * FROM unnest(%b::text[], %s::bigint[], %s::boolean[], %s::bigint[], %s::bigint[], %s::int[], %b::text[],
        %s::bigint[], %s::bigint[], %s::bigint[])
    ON CONFLICT (device) DO UPDATE SET ({SAID})
        = ({", ".join(f"excluded.{column}" for column in SAID.split(", "))})
"""  # noqa: S608 - constants
_REPORT = f"""
    INSERT INTO device (device, report_at_ms, report, report_received_ms) VALUES (%s, %s, %s, %s)
    ON CONFLICT (device) DO UPDATE SET (report_at_ms, report, report_received_ms)
        = (excluded.report_at_ms, excluded.report, excluded.report_received_ms)
    WHERE device.report_at_ms IS NULL OR {NEWER}
"""  # noqa: S608 - a constant
_REPORTED = "SELECT report_at_ms, report FROM device WHERE device = %s AND report IS NOT NULL"
_DEVICES = f"SELECT {SAID} FROM device ORDER BY device"  # noqa: S608 - a constant
_ACCOUNTS = """
    SELECT device, epoch, spans, conflicts, breaks, first_received_ms, last_received_ms FROM journal
    WHERE cardinality(spans) > 0 AND (%(device)s::text IS NULL OR device = %(device)s) ORDER BY device, epoch
"""
_WHERE = f"""
    (device, epoch, seq) > (%(device_after)s, %(epoch_after)s, %(seq_after)s)
    AND (%(device)s::text IS NULL OR device = %(device)s)
    AND day >= %(first_day)s AND day <= %(last_day)s AND ({_BOOKED}) >= %(since)s AND ({_BOOKED}) < %(until)s
"""
_ENTRIES = f"""
    SELECT device, epoch, seq, received_ms, {COLUMNS} FROM checkin WHERE {_WHERE}
    ORDER BY device, epoch, seq LIMIT %(limit)s
"""  # noqa: S608 - constants
_CONFLICTS = f"""
    SELECT device, epoch, seq, received_ms, {COLUMNS} FROM conflict WHERE {_WHERE}
    AND (device, epoch, seq) <= (%(device_last)s, %(epoch_last)s, %(seq_last)s) ORDER BY device, epoch, seq, hash
"""  # noqa: S608 - constants
_COUNTS = f"""
    SELECT ({_BOOKED}) / %(step)s * %(step)s AS begins, verdict, count(*) FROM checkin
    WHERE day >= %(first_day)s AND day <= %(last_day)s AND type = 'check-in' AND direction <> 'test'
    AND ({_BOOKED}) >= %(since)s AND ({_BOOKED}) < %(until)s
    GROUP BY begins, verdict ORDER BY begins, verdict
"""  # noqa: S608 - constants
_EXPIRE_BATCHES = """
    DELETE FROM batch WHERE ctid IN (
        SELECT batch.ctid FROM batch JOIN journal USING (device, epoch)
        WHERE received_ms < %s AND follows AND last_seq < spans[cardinality(spans)] LIMIT %s)
"""
_AT_ONCE = 20_000  # ours: batches dropped in one transaction, some tenths of a second


def put_statuses(connection: Connection, statuses: Sequence[Status], received_ms: int) -> None:
    """Keep what is new in what devices say."""
    with connection.transaction():
        rows = connection.execute(_SAID, [[status.device for status in statuses]])
        known = {said.status.device: said for said in map(to_said, rows) if said is not None}
        if new := news(known, statuses, received_ms):
            connection.execute(_STATUSES, columns([said.row for said in new], 9))


def put_report(connection: Connection, report: Report, received_ms: int) -> None:
    """Keep a report."""
    connection.execute(_REPORT, (report.device, report.at_ms, report.json, received_ms))


def devices(connection: Connection) -> list[Known]:
    """Return what devices said last."""
    return [to_known(row) for row in connection.execute(_DEVICES)]


def report(connection: Connection, device: str) -> Report | None:
    """Return what a device reported last."""
    row = connection.execute(_REPORTED, [device]).fetchone()
    return None if row is None else Report(device, *row)


def accounts(connection: Connection, device: str | None) -> list[Account]:
    """Return what there is of each journal."""
    rows = connection.execute(_ACCOUNTS, {"device": device})
    return [
        to_account(name, epoch, Journal(to_spans(name, spans), conflicts, breaks), *received)
        for name, epoch, spans, conflicts, breaks, *received in rows
    ]


def entries(connection: Connection, wanted: Wanted) -> list[Entry]:
    """Return check-ins by their keys, and those in conflict up to the last of them."""
    names = named(wanted)
    found = [to_entry(row) for row in connection.execute(_ENTRIES, names)]
    last = found[-1].key if len(found) >= wanted.limit else BEHIND_ALL
    names |= dict(zip(("device_last", "epoch_last", "seq_last"), last, strict=True))
    others = [to_entry(row)._replace(conflict=True) for row in connection.execute(_CONFLICTS, names)]
    return sorted(found + others, key=lambda entry: (entry.key, entry.conflict)) if others else found


def counts(connection: Connection, since: datetime, until: datetime, step: Step) -> list[Count]:
    """Return how many check-ins there are in each step, by verdict."""
    names = times(since, until) | {"step": STEP_MS[step]}
    return [Count(*row) for row in connection.execute(_COUNTS, names)]


def expire(connection: Connection, before: date) -> None:
    """Drop what else is over: check-ins in conflict, and batches but the newest of each journal and lone ones."""
    connection.execute("DELETE FROM conflict WHERE day < %s", [before])
    over_ms = (before - EPOCH).days * DAY_MS
    while connection.execute(_EXPIRE_BATCHES, [over_ms, _AT_ONCE]).rowcount == _AT_ONCE:
        pass
