"""What both engines are asked for: which check-ins, and rows as what the port returns."""

import contextlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from centre.collecting.days import DAY_MS, to_date, to_ms
from centre.collecting.ledger import Journal, holes
from centre.collecting.statuses import AHEAD_MS, Said
from centre.collecting.store import Account, Entry, Key, Known
from firmware.wire import WireError
from firmware.wire_device import Status

SAID = "device, at_ms, online, unsent, oldest_ms, fill_permille, version, trust_ms, since_ms, status_received_ms"
# A report takes the place of an older one only, or of one by a clock that was far ahead.
NEWER = f"excluded.report_at_ms > device.report_at_ms OR device.report_at_ms > device.report_received_ms + {AHEAD_MS}"
STEP_MS = {"hour": DAY_MS // 24, "day": DAY_MS}
_LAST_DAY = date(9999, 12, 31)
_MAX_MS = 2**63 - 1
BEHIND_ALL = ("\U0010ffff", b"\xff" * 9, _MAX_MS)


class Wanted(NamedTuple):
    """Hold which check-ins somebody wants; see `Store.entries`."""

    after: Key
    limit: int
    since: datetime | None
    until: datetime | None
    device: str | None


def to_said(row: Sequence[Any]) -> Said | None:
    """Return the last that a device said, from the columns `SAID`; None where it never did, or where it is damaged."""
    device, at_ms, online, unsent, oldest_ms, fill, version, trust_ms, since_ms, received_ms = row
    if at_ms is None:
        return None
    with contextlib.suppress(WireError):  # then the next that it says takes its place
        status = Status(device, at_ms, bool(online), unsent, oldest_ms, fill, version, trust_ms)
        return Said(status, since_ms, received_ms)
    return None


def to_known(row: Sequence[Any]) -> Known:
    """Return a row of a device, from the columns `SAID`."""
    said = to_said(row)
    return Known(row[0], None, None) if said is None else Known(row[0], said.status, said.received_ms)


def to_account(device: str, epoch: bytes, journal: Journal, first_ms: int, last_ms: int) -> Account:
    """Return the account of a journal."""
    return Account(
        device,
        epoch,
        stored=journal.stored,
        up_to=journal.up_to,
        last_seq=journal.last_seq,
        missing=holes(journal.spans),
        breaks=journal.breaks,
        conflicts=journal.conflicts,
        first_received_ms=first_ms,
        last_received_ms=last_ms,
    )


def named(wanted: Wanted) -> dict[str, Any]:
    """Return what somebody wants by the names in queries."""
    after = dict(zip(("device_after", "epoch_after", "seq_after"), wanted.after, strict=True))
    return {**after, "limit": wanted.limit, "device": wanted.device, **times(wanted.since, wanted.until)}


def times(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """Return times by the names in queries, and the days that hold them."""
    return {
        "since": 0 if since is None else to_ms(since),
        "until": _MAX_MS if until is None else to_ms(until),
        "first_day": to_date(0 if since is None else to_ms(since) // DAY_MS),
        "last_day": _LAST_DAY if until is None else to_date(to_ms(until) // DAY_MS),
    }


def to_entry(row: Sequence[Any]) -> Entry:
    """Return a row of a check-in under its key."""
    device, epoch, seq, received_ms, *content = row
    return Entry(device, epoch, seq, tuple(content), received_ms)
