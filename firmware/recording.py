"""The gate's side of the journal: opened when it can be, tended when nobody waits."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from firmware.checkin import CheckIn, milliseconds
from firmware.events import JournalSetAside, LogEvent
from firmware.journal import BLANK_MAX_ROWS, Journal, JournalError
from firmware.journal_base import count_set_aside
from firmware.timekeeping import Anchor

TEND_NS = 10_000_000_000  # ours: between two times that the journal is tended
RETENTION_NS = 3600 * 1_000_000_000  # ours: retention counts in days, so an hour late is soon enough


class Recording:
    """A journal that may not open at the start: a full disk is no reason to crash, only to be out of service."""

    def __init__(
        self,
        path: Path,
        retention_days: int,
        log: Callable[[LogEvent], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Remember where; nothing is opened before it is needed."""
        self._path = path
        self._retention = timedelta(days=retention_days)
        self._log = log
        self._monotonic_ns = monotonic_ns
        self._journal: Journal | None = None
        self._reported: Path | None = None
        self._tend_ns = monotonic_ns() + TEND_NS
        self._retention_ns = monotonic_ns()
        self._anchor: Anchor | None = None

    @property
    def set_aside(self) -> int:
        """Return how many corrupt journals are kept aside, since whenever, until somebody takes them away."""
        return count_set_aside(self._path)

    def append(self, checkin: CheckIn) -> int:
        """Record on disk before returning.

        Raises: JournalError.
        """
        try:
            return self._opened().append(checkin)
        finally:
            self._report()

    def probe(self) -> None:
        """Find out by a real write whether `append` would work.

        Raises: JournalError.
        """
        try:
            self._opened().probe()
        finally:
            self._report()

    def unsent(self) -> int | None:
        """Return how many check-ins wait for the centre, None where the journal does not answer."""
        try:
            return self._journal.unsent() if self._journal else None
        except JournalError:
            return None

    def tend(self, now: datetime | None) -> None:
        """Blank what is past its retention, and keep the write-ahead log short; call it when nobody waits.

        A false date must not blank what is still to be kept: without a trusted clock `now` is None, and nothing is
        blanked before the clock has gone steadily for an hour.

        Raises: JournalError.
        """
        now_ns = self._monotonic_ns()
        if self._journal is None or now_ns < self._tend_ns:
            return
        self._tend_ns = now_ns + TEND_NS
        steady = self._steady(now, now_ns)
        try:
            self._journal.heed_mark()
            if now and steady and now_ns >= self._retention_ns:
                blanked = self._journal.blank_before(milliseconds(now - self._retention))
                self._retention_ns = now_ns + (RETENTION_NS if blanked < BLANK_MAX_ROWS else 0)
            self._journal.checkpoint()
        finally:
            self._report()

    def close(self) -> None:
        """Close the journal; a second call does nothing."""
        journal, self._journal = self._journal, None
        if journal:
            journal.close()

    def _steady(self, now: datetime | None, now_ns: int) -> bool:
        """Return whether the clock has gone on, trusted and not set, for long enough."""
        if now is None:
            self._anchor = None
            return False
        self._anchor = self._anchor.seen(now, now_ns) if self._anchor else Anchor(now, now_ns)
        return self._anchor.steady(now_ns)

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.open(self._path)
        return self._journal

    def _report(self) -> None:
        aside = self._journal.set_aside if self._journal else None
        if aside and aside != self._reported:
            self._reported = aside
            self._log(JournalSetAside(file=aside.name))
