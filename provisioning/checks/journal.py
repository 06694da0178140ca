"""The journal: whole, read without changing it; how much waits in it, and what was set aside."""

import sqlite3
import time
from collections.abc import Iterator

from firmware.journal_base import JournalError, MalformedError, count_set_aside
from firmware.journal_snapshot import Snapshot, snapshot
from firmware.journal_space import fill_permille
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

CHECK_S = 4.0
STEPS = 10_000  # of SQLite's machine between two looks at the time
MANY = 10_000  # ours: two busy days
FILLING_PERCENT, FULL_PERCENT = 80, 99  # from the first on the gate says so; at the second it is out of service


class _TimeUpError(Exception):
    """The journal is too large to be checked whole in the time of a check."""


def journal(patient: Patient) -> Iterator[Finding]:
    """Check it, and count what the centre has not acknowledged."""
    path = patient.at(patient.known.journal.path)
    next(path.parent.iterdir(), None) if path.parent.is_dir() else None  # PermissionError: skipped without root
    if aside := count_set_aside(path):
        yield warning("journal-aside", files=aside, folder=str(path.parent))
    try:
        with snapshot(path) as now:
            if now is None:
                yield skipped("journal-none", file=str(path))
                return
            yield _whole(now)
            many = now.unsent > MANY
            yield (warning if many else ok)("journal-unsent-many" if many else "journal-unsent", rows=now.unsent)
            yield from _fill(now, patient.known.journal.size_mib)
    except MalformedError as error:
        yield fault("journal-damaged", file=str(path), why=" ".join(str(error).split()))
    except JournalError as error:
        if isinstance(error.__cause__, PermissionError):
            raise error.__cause__ from None
        yield fault("journal-unreadable", why=" ".join(str(error).split()))


def _fill(now: Snapshot, size_mib: int) -> Iterator[Finding]:
    values = {"percent": fill_permille(now.db, size_mib) // 10, "mib": size_mib}
    if values["percent"] >= FULL_PERCENT:
        yield fault("journal-full", **values)
    elif values["percent"] >= FILLING_PERCENT:
        yield warning("journal-filling", **values)
    else:
        yield ok("journal-room", **values)


def _whole(now: Snapshot) -> Finding:
    """Check every page and row, as far as the time suffices. Raises: MalformedError."""
    end_s = time.monotonic() + CHECK_S

    def late() -> bool:
        return time.monotonic() > end_s

    def seen(_rows: int) -> None:
        if late():
            raise _TimeUpError

    now.db.set_progress_handler(late, STEPS)
    try:
        now.check(seen)
    except _TimeUpError:
        return skipped("journal-large", seconds=f"{CHECK_S:g}")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
            raise
        return skipped("journal-large", seconds=f"{CHECK_S:g}")
    finally:
        now.db.set_progress_handler(None, 0)
    return ok("journal-whole")
