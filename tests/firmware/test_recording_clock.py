"""What of the clock outlives a power cut: kept in the journal, every ten minutes, whatever lies there."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.checkin import MAX_AT_MS, milliseconds
from firmware.config_sections import JournalConfig
from firmware.journal import Journal
from firmware.journal_base import JournalError
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.journal_space import KeptClock
from firmware.recording import KEEP_NS, TEND_NS, Recording
from firmware.timekeeping import BUILD_DATE, Kept

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEPT = Kept(NOW - timedelta(hours=2), NOW - timedelta(minutes=1), NOW - timedelta(hours=9))


class Tended:
    """A recording that is tended as a gate does, and a clock that goes on."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimulatedClock(NOW)
        self.path = folder / "journal.db"
        self.recording = Recording(JournalConfig(path=self.path), lambda _: None, self.clock)

    def tend(self, kept: Kept | None, after_ns: int = TEND_NS) -> None:
        self.clock.advance(after_ns / 1e9)
        self.recording.probe()
        self.recording.tend(NOW, kept)

    def in_file(self) -> tuple[int | None, int | None]:
        with closing(sqlite3.connect(self.path)) as db:
            found: tuple[int | None, int | None] = db.execute(
                "SELECT clock_floor_ms, clock_shown_ms FROM meta"
            ).fetchone()
            return found


@pytest.fixture
def tended(tmp_path: Path) -> Tended:
    migrate(tmp_path / "journal.db")
    return Tended(tmp_path)


def test_a_journal_that_is_not_open_knows_nothing_and_a_new_one_the_build(tended: Tended) -> None:
    assert tended.recording.kept_clock() is None
    tended.recording.probe()
    assert tended.recording.kept_clock() == Kept(BUILD_DATE)
    tended.recording.close()


def test_what_was_kept_is_there_after_a_power_cut(tended: Tended, tmp_path: Path) -> None:
    tended.tend(KEPT)
    again = Tended(tmp_path)  # the one before is not closed
    again.recording.probe()
    assert again.recording.kept_clock() == KEPT
    again.recording.close()
    tended.recording.close()


def test_it_is_written_every_ten_minutes_and_no_more_often(tended: Tended) -> None:
    tended.tend(KEPT)
    before = tended.in_file()
    later = Kept(NOW, None, KEPT.issued)
    tended.tend(later, KEEP_NS - TEND_NS)
    assert tended.in_file() == before
    tended.tend(later)
    assert tended.recording.kept_clock() == later
    assert tended.in_file() != before
    tended.recording.close()


def test_other_trust_data_are_told_of_at_once(tended: Tended) -> None:
    tended.tend(KEPT)
    other = KEPT._replace(issued=NOW)
    tended.tend(other)
    assert tended.recording.kept_clock() == other
    with JournalReader(tended.path) as reader:
        assert reader.trust_ms() == milliseconds(NOW)
    tended.recording.close()


def test_without_a_journal_or_by_plain_files_nobody_says_how_old_the_trust_data_are(tended: Tended) -> None:
    with JournalReader(tended.path.with_name("none.db")) as reader:
        assert reader.trust_ms() is None
    tended.tend(KEPT._replace(issued=None))
    with JournalReader(tended.path) as reader:
        assert reader.trust_ms() is None
    tended.recording.close()


def test_where_nothing_is_known_nothing_is_kept(tended: Tended) -> None:
    tended.tend(None)
    assert tended.in_file() == (None, None)
    tended.recording.close()


def test_one_that_cannot_be_written_keeps_nobody_out(tended: Tended, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_journal: Journal, _kept: KeptClock) -> None:
        raise JournalError("no room")

    monkeypatch.setattr(Journal, "keep_clock", fails)
    tended.tend(KEPT)
    tended.recording.probe()
    tended.recording.close()


@pytest.mark.parametrize("lies", [-1, 2**62, 253402300800000])
def test_what_lies_there_and_is_no_time_is_not_believed(tended: Tended, lies: int) -> None:
    with closing(sqlite3.connect(tended.path, isolation_level=None)) as db:
        db.execute("UPDATE meta SET clock_floor_ms = ?, clock_shown_ms = ?, trust_issued_ms = ?", (lies,) * 3)
    tended.recording.probe()
    assert tended.recording.kept_clock() == Kept(BUILD_DATE)
    with JournalReader(tended.path) as reader:
        assert (reader.trust_ms() == lies) is (0 <= lies <= MAX_AT_MS)  # what a status can hold
    tended.recording.close()


def test_a_journal_without_its_row_has_kept_nothing(tended: Tended) -> None:
    tended.recording.probe()
    with closing(sqlite3.connect(tended.path, isolation_level=None)) as db:
        db.execute("DELETE FROM meta")
    assert tended.recording.kept_clock() == Kept(BUILD_DATE)
    tended.recording.close()
