"""What SQLite is asked for, but storing batches: devices' words, accounts, check-ins by key, counts, retention."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from centre.collecting.days import DAY_MS, to_day
from centre.collecting.ledger import Journal
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
from centre.collecting.sqlite_engine import to_spans
from centre.collecting.statuses import news
from centre.collecting.store import Account, Count, Entry, Known, Step
from firmware.checkin import COLUMNS
from firmware.wire_device import Report, Status

# When a check-in was: by its own clock where its day was taken from that, else when it came.
_BOOKED = f"iif(clock <> 'untrusted' AND day = at_ms / {DAY_MS}, at_ms, received_ms)"
_SAID = f"SELECT {SAID} FROM device WHERE device = ?"  # noqa: S608 - a constant
_STATUS = f"""
    INSERT INTO device ({SAID}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (device) DO UPDATE SET ({SAID})
        = ({", ".join(f"excluded.{column}" for column in SAID.split(", "))})
"""  # noqa: S608 - constants
_REPORT = f"""
    INSERT INTO device (device, report_at_ms, report, report_received_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (device) DO UPDATE SET (report_at_ms, report, report_received_ms)
        = (excluded.report_at_ms, excluded.report, excluded.report_received_ms)
    WHERE device.report_at_ms IS NULL OR {NEWER}
"""  # noqa: S608 - a constant
_REPORTED = "SELECT report_at_ms, report FROM device WHERE device = ? AND report IS NOT NULL"
_DEVICES = f"SELECT {SAID} FROM device ORDER BY device"  # noqa: S608 - a constant
_ACCOUNTS = """
    SELECT device, epoch, spans, conflicts, breaks, first_received_ms, last_received_ms FROM journal
    WHERE (?1 IS NULL OR device = ?1) ORDER BY device, epoch
"""
_WHERE = f"""
    (device, epoch, seq) > (:device_after, :epoch_after, :seq_after) AND (:device IS NULL OR device = :device)
    AND {_BOOKED} >= :since AND {_BOOKED} < :until
"""
_ENTRIES = f"""
    SELECT device, epoch, seq, received_ms, {COLUMNS} FROM checkin WHERE {_WHERE}
    ORDER BY device, epoch, seq LIMIT :limit
"""  # noqa: S608 - constants
_CONFLICTS = f"""
    SELECT device, epoch, seq, received_ms, {COLUMNS} FROM conflict WHERE {_WHERE}
    AND (device, epoch, seq) <= (:device_last, :epoch_last, :seq_last) ORDER BY device, epoch, seq, hash
"""  # noqa: S608 - constants
_COUNTS = f"""
    SELECT {_BOOKED} / :step * :step AS begins, verdict, count(*) FROM checkin
    WHERE day BETWEEN :first_day AND :last_day AND type = 'check-in' AND direction <> 'test'
    AND {_BOOKED} >= :since AND {_BOOKED} < :until
    GROUP BY begins, verdict ORDER BY begins, verdict
"""  # noqa: S608 - constants
_OVER = "SELECT count(DISTINCT day) FROM checkin WHERE day < ?"
_EXPIRE_BATCHES = """
    DELETE FROM batch WHERE follows AND received_ms < ? AND last_seq < (
        SELECT max(last_seq) FROM batch AS newest WHERE newest.device = batch.device AND newest.epoch = batch.epoch)
"""


def put_statuses(db: sqlite3.Connection, statuses: Sequence[Status], received_ms: int) -> None:
    """Keep what is new in what devices say."""
    rows = (db.execute(_SAID, [device]).fetchone() for device in {status.device for status in statuses})
    known = {said.status.device: said for row in rows if row is not None and (said := to_said(row)) is not None}
    db.executemany(_STATUS, [said.row for said in news(known, statuses, received_ms)])


def put_report(db: sqlite3.Connection, report: Report, received_ms: int) -> None:
    """Keep a report."""
    db.execute(_REPORT, (report.device, report.at_ms, report.json, received_ms))


def devices(db: sqlite3.Connection) -> list[Known]:
    """Return what devices said last."""
    return [to_known(row) for row in db.execute(_DEVICES)]


def report(db: sqlite3.Connection, device: str) -> Report | None:
    """Return what a device reported last."""
    row = db.execute(_REPORTED, [device]).fetchone()
    return None if row is None else Report(device, *row)


def accounts(db: sqlite3.Connection, device: str | None) -> list[Account]:
    """Return what there is of each journal."""
    return [
        to_account(name, epoch, Journal(to_spans(name, spans), conflicts, breaks), *received)
        for name, epoch, spans, conflicts, breaks, *received in db.execute(_ACCOUNTS, [device])
    ]


def entries(db: sqlite3.Connection, wanted: Wanted) -> list[Entry]:
    """Return check-ins by their keys, and those in conflict up to the last of them."""
    names = _in_days(named(wanted))
    found = [to_entry(row) for row in db.execute(_ENTRIES, names)]
    last = found[-1].key if len(found) >= wanted.limit else BEHIND_ALL
    names |= dict(zip(("device_last", "epoch_last", "seq_last"), last, strict=True))
    others = [to_entry(row)._replace(conflict=True) for row in db.execute(_CONFLICTS, names)]
    return sorted(found + others, key=lambda entry: (entry.key, entry.conflict)) if others else found


def counts(db: sqlite3.Connection, since: datetime, until: datetime, step: Step) -> list[Count]:
    """Return how many check-ins there are in each step, by verdict."""
    return [Count(*row) for row in db.execute(_COUNTS, _in_days(times(since, until)) | {"step": STEP_MS[step]})]


def expire(db: sqlite3.Connection, before: date) -> int:
    """Drop days of check-ins, those in conflict too, and batches but the newest of each journal and lone ones."""
    day = to_day(before)
    over = int(db.execute(_OVER, [day]).fetchone()[0])
    db.execute("DELETE FROM checkin WHERE day < ?", [day])
    db.execute("DELETE FROM conflict WHERE day < ?", [day])
    db.execute(_EXPIRE_BATCHES, [day * DAY_MS])
    return over


def _in_days(names: dict[str, Any]) -> dict[str, Any]:
    return names | {key: to_day(names[key]) for key in ("first_day", "last_day")}
