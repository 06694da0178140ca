"""What a device said of itself last, whatever comes again: of what it signed once, a broker may keep a copy (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from centre.collecting.days import DAY_MS
from centre.collecting.store import Known
from firmware.wire_device import Status

CONNECTING_MS = 60_000  # ours: a last will is signed before its connection is made, the first status after that
AHEAD_MS = DAY_MS  # ours: a clock so far ahead is wrong, and what it said keeps nothing newer out
DOUBT_MS = 2 * DAY_MS  # ours: a device that is on says something every five minutes


class Said(NamedTuple):
    """Hold the last that a device said, since when it is there without a break that is known, and when that came."""

    status: Status
    since_ms: int
    received_ms: int

    @property
    def row(self) -> tuple[Any, ...]:
        """Return it as values."""
        one = self.status
        values = (one.device, one.at_ms, one.online, one.unsent, one.oldest_ms, one.fill_permille)
        return (*values, one.version, one.trust_ms, self.since_ms, self.received_ms)


def news(known: Mapping[str, Said], statuses: Iterable[Status], received_ms: int) -> list[Said]:
    """Return what is new in some statuses, by device, so that nobody who stores them waits for another's."""
    now = dict(known)
    for status in statuses:
        now[status.device] = heard(now.get(status.device), status, received_ms)
    return [said for device, said in sorted(now.items()) if said is not known.get(device)]


def heard(known: Said | None, status: Status, received_ms: int) -> Said:
    """Return what is known of a device after a status; the same where it is none of now.

    A status counts if it is newer than the last. A last will cannot be: its time is that of connecting. So it counts if
    it is of the present connection, and changes only that the device is away, since it tells nothing of its journal.
    """
    if known is None:
        return Said(status, status.at_ms, received_ms)
    last = known.status
    if _is_will(status):
        if not last.online or status.at_ms < known.since_ms - CONNECTING_MS:
            return known
        return Said(replace(last, online=False), known.since_ms, received_ms)
    was_wrong = last.at_ms > known.received_ms + AHEAD_MS and status.at_ms != last.at_ms
    if status.at_ms <= last.at_ms and not was_wrong:
        return known
    since_ms = known.since_ms if last.online and not was_wrong else status.at_ms
    return Said(status, since_ms, received_ms)


def contradicted(devices: Iterable[Known], now_ms: int) -> bool:
    """Tell whether a clock is far ahead of what every device says that is on; where none is, nobody contradicts it."""
    said = [one.status.at_ms for one in devices if one.status is not None and one.status.online]
    return bool(said) and now_ms > max(said) + DOUBT_MS


def _is_will(status: Status) -> bool:
    tells = status.unsent or status.fill_permille or (status.oldest_ms, status.trust_ms) != (None, None)
    return not (status.online or tells)
