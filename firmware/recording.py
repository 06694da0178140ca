"""The gate's side of the journal: opened when it can be, tended when nobody waits."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from drivers.clock import Clock
from firmware.checkin import MAX_AT_MS, CheckIn, milliseconds
from firmware.config_sections import JournalConfig
from firmware.events import JournalSetAside, LogEvent
from firmware.journal import Journal, JournalError
from firmware.journal_base import count_set_aside
from firmware.journal_space import COPIES_PERMILLE, DIAGNOSTIC_MAX_CHARS, FILLING_PERMILLE, Diagnostic, KeptClock
from firmware.journal_wear import Wear
from firmware.timekeeping import BUILD_DATE, Anchor, Kept

TEND_NS = 10_000_000_000  # ours: between two times that the journal is tended
SWEEP_NS = 3600 * 1_000_000_000  # ours: retention counts in hours and days, so an hour late is soon enough
EMPTY_NS = 3600 * 1_000_000_000  # ours: between two times that the log is emptied
CARRY_NS = 600 * 1_000_000_000  # ours: each time costs a card some pages, and a start reads what was not carried
KEEP_NS = 600 * 1_000_000_000  # ours: a power cut takes the clock's floor back by ten minutes; a page each time
CARRY_RECORDS = 200  # ours: some 2 MiB of log with their acknowledgements; so hardly an append has to carry it itself
_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_MS = milliseconds(datetime(9999, 12, 31, tzinfo=UTC))  # a day before no more can be said
NOTES_MAX = 100  # ours: diagnostics that wait for a moment in which nobody does


T = TypeVar("T")


class Recording:
    """A journal that may not open at the start: a full disk is no reason to crash, only to be out of service."""

    def __init__(self, config: JournalConfig, log: Callable[[LogEvent], None], clock: Clock) -> None:
        """Remember where; nothing is opened before it is needed."""
        self._config = config
        self._log = log
        self._clock = clock
        self._journal: Journal | None = None
        self._reported: Path | None = None
        self._notes: deque[Diagnostic] = deque(maxlen=NOTES_MAX)
        self._wear = Wear()
        self._tend_ns = clock.monotonic_ns() + TEND_NS
        self._sweep_ns = self._carry_ns = self._empty_ns = self._keep_ns = clock.monotonic_ns()
        self._issued: datetime | None = None  # of the trust data, as kept last
        self._recorded = 0  # since the log was carried
        self._swept = 0  # the number up to which rows were looked at
        self._left = False  # in the log: what was deleted from the file
        self._anchor: Anchor | None = None

    @property
    def set_aside(self) -> int:
        """Return how many corrupt journals are kept aside, since whenever, until somebody takes them away."""
        return count_set_aside(self._config.path)

    @property
    def bytes_per_record(self) -> int | None:
        """Return how many bytes this program wrote to its disk for each check-in, None where nobody knows (yet)."""
        return self._wear.bytes_per_record

    @property
    def fill_permille(self) -> int:
        """Return how much of the journal's size is used, 0 where it does not answer."""
        return self._answer(Journal.fill_permille) or 0

    def unsent(self) -> int | None:
        """Return how many check-ins wait for the centre, None where the journal does not answer."""
        return self._answer(Journal.unsent)

    def kept_clock(self) -> Kept | None:
        """Return what of the clock was kept over the last power cut, None where the journal does not answer."""
        kept = self._answer(Journal.kept_clock)
        if kept is None:
            return None
        return Kept(_moment(kept.floor_ms) or BUILD_DATE, _moment(kept.shown_ms), _moment(kept.issued_ms))

    def append(self, checkin: CheckIn) -> int:
        """Record on disk before returning.

        Raises: JournalError; JournalFullError where the journal has its size.
        """
        try:
            seq = self._opened().append(checkin)
        finally:
            self._report()
        self._wear.recorded()
        self._recorded += 1
        return seq

    def probe(self) -> None:
        """Find out by a real write whether `append` would work.

        Raises: JournalError; JournalFullError where the journal has its size.
        """
        try:
            self._opened().probe()
        finally:
            self._report()

    def note(self, code: str, text: str = "") -> None:
        """Remember what befell the device, nothing of any holder, until the journal is tended."""
        at_ms = milliseconds(self._clock.now())
        self._notes.append(Diagnostic(at_ms, code[:DIAGNOSTIC_MAX_CHARS], text[:DIAGNOSTIC_MAX_CHARS]))

    def tend(self, now: datetime | None, kept: Kept | None = None) -> None:
        """Write diagnostics, let go what is past its time, and keep the write-ahead log short, when nobody waits.

        A false date must not delete what is still to be kept: without a trusted clock `now` is None, and nothing is
        deleted before the clock has gone steadily for an hour. `kept` is what of the clock is to outlive a power cut.

        Raises: JournalError.
        """
        now_ns = self._clock.monotonic_ns()
        if self._journal is None or now_ns < self._tend_ns:
            return
        self._tend_ns = now_ns + TEND_NS
        steady = self._steady(now, now_ns)
        try:
            self._journal.heed_mark()
            self._write_notes(self._journal)
            if kept and (now_ns >= self._keep_ns or kept.issued != self._issued):
                self._keep(self._journal, kept, now_ns)
            if now and steady and now_ns >= self._sweep_ns:
                self._sweep(self._journal, now, now_ns)
            self._carry(self._journal, now_ns)
        finally:
            self._report()

    def close(self) -> None:
        """Write what is noted and close the journal; a second call does nothing."""
        journal, self._journal = self._journal, None
        if journal:
            with suppress(JournalError):
                self._write_notes(journal)
            journal.close()

    def _write_notes(self, journal: Journal) -> None:
        """Write the diagnostics, or delete some where the room is for check-ins alone."""
        fill = journal.fill_permille()
        if fill >= COPIES_PERMILLE:
            journal.drop_copies()
        if fill >= FILLING_PERMILLE:
            journal.make_room()
        elif self._notes:
            journal.write_diagnostics(self._notes)
        self._notes.clear()

    def _keep(self, journal: Journal, kept: Kept, now_ns: int) -> None:
        """Keep what is known of the clock; where there is no room, it is tried again later."""
        self._keep_ns, self._issued = now_ns + KEEP_NS, kept.issued
        with suppress(JournalError):  # who has to know of it meets it at the next check-in or probe
            journal.keep_clock(KeptClock(*(None if one is None else milliseconds(one) for one in kept)))

    def _sweep(self, journal: Journal, now: datetime, now_ns: int) -> None:
        """Look at some rows for what is past its time; at their end, begin anew an hour later."""
        kept = timedelta(hours=self._config.acknowledged_hours)
        blank_ms = milliseconds(now - timedelta(days=self._config.retention_days))
        drop_ms = milliseconds(now - kept) if kept else MAX_AT_MS + 1
        swept = journal.sweep(self._swept, blank_ms, drop_ms, milliseconds(now))
        self._swept = swept.up_to or 0
        self._left = self._left or swept.changed > 0
        if swept.up_to is None:
            self._sweep_ns = now_ns + SWEEP_NS

    def _carry(self, journal: Journal, now_ns: int) -> None:
        """Carry the log into the file now and then, and empty it: soon where something was deleted, else once an hour,
        for what the uplink deletes is in it too.
        """  # noqa: D205 - one sentence, and a long one
        empty = self._left or now_ns >= self._empty_ns
        due = empty or now_ns >= self._carry_ns or self._recorded >= CARRY_RECORDS
        if due and journal.checkpoint(empty=empty):
            self._carry_ns, self._recorded = now_ns + CARRY_NS, 0
            if empty:
                self._empty_ns, self._left = now_ns + EMPTY_NS, False

    def _steady(self, now: datetime | None, now_ns: int) -> bool:
        """Return whether the clock has gone on, trusted and not set, for long enough."""
        if now is None:
            self._anchor = None
            return False
        self._anchor = self._anchor.seen(now, now_ns) if self._anchor else Anchor(now, now_ns)
        return self._anchor.steady(now_ns)

    def _answer(self, question: Callable[[Journal], T]) -> T | None:
        try:
            return question(self._journal) if self._journal else None
        except JournalError:
            return None

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.open(self._config.path, size_mib=self._config.size_mib)
        return self._journal

    def _report(self) -> None:
        aside = self._journal.set_aside if self._journal else None
        if aside and aside != self._reported:
            self._reported = aside
            self._log(JournalSetAside(file=aside.name))


def _moment(at_ms: int | None) -> datetime | None:
    """Return a time that was kept, None where it is none: what lies on a disk may be anything."""
    return _EPOCH + timedelta(milliseconds=at_ms) if at_ms is not None and 0 <= at_ms <= _LAST_MS else None
