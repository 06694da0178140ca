"""The gate's side of the journal: disks that are full or failing, files that are corrupt, data past their time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.events import JournalSetAside, LogEvent
from firmware.journal import BLANK_MAX_ROWS, Journal, JournalError
from firmware.journal_base import Mark, write_mark
from firmware.recording import RETENTION_NS, TEND_NS, Recording
from firmware.timekeeping import STEADY_NS

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW)


@pytest.fixture
def logged() -> list[LogEvent]:
    return []


def _recording(path: Path, clock: SimulatedClock, logged: list[LogEvent]) -> Recording:
    return Recording(path, 14, logged.append, clock.monotonic_ns)


def _checkin(at: datetime = NOW) -> CheckIn:
    at_ms = milliseconds(at)
    return CheckIn(
        id=new_id(at_ms),
        at_ms=at_ms,
        clock_trusted=True,
        lane="l",
        direction="in",
        verdict="accepted",
        reason="valid",
        kinds=("test",),
        pseudonym=bytes(16),
    )


def test_it_opens_when_it_is_first_needed(tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]) -> None:
    recording = _recording(tmp_path / "journal.db", clock, logged)
    recording.tend(NOW)
    assert recording.unsent() is None
    assert not (tmp_path / "journal.db").exists()
    assert recording.append(_checkin()) == 1
    recording.probe()
    assert recording.unsent() == 1
    assert recording.set_aside == 0
    recording.close()
    recording.close()


def test_a_folder_that_comes_later_is_waited_for(tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]) -> None:
    recording = _recording(tmp_path / "later" / "journal.db", clock, logged)
    with pytest.raises(JournalError):
        recording.probe()
    assert recording.unsent() is None
    (tmp_path / "later").mkdir()
    recording.probe()
    assert recording.append(_checkin()) == 1
    recording.close()


def test_a_corrupt_journal_is_reported_once(tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database" * 1000)
    recording = _recording(path, clock, logged)
    recording.probe()
    recording.append(_checkin())
    assert recording.set_aside == 1
    (event,) = logged
    assert isinstance(event, JournalSetAside)
    assert (tmp_path / event.file).read_bytes().startswith(b"this is no database")
    recording.close()


def test_what_is_past_its_retention_is_blanked_and_stays(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    for _ in range(BLANK_MAX_ROWS + 1):
        recording.append(_checkin(NOW - timedelta(days=15)))
    recording.append(_checkin())
    left = []
    for wait_ns in (0, TEND_NS, STEADY_NS - 1, 1 + TEND_NS, TEND_NS, TEND_NS, RETENTION_NS):
        clock.advance(wait_ns / 1e9)
        recording.tend(clock.now())
        left.append(_unblanked(path))
    assert left == [BLANK_MAX_ROWS + 2] * 3 + [2, 1, 1, 1]
    assert recording.unsent() == BLANK_MAX_ROWS + 2
    recording.close()


def test_without_a_trusted_clock_nothing_is_blanked(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.append(_checkin(NOW - timedelta(days=15)))
    for _ in range(3):
        clock.advance(STEADY_NS / 1e9)
        recording.tend(None)
    recording.tend(clock.now())
    assert _unblanked(path) == 1
    recording.close()


def test_a_clock_that_jumps_far_ahead_blanks_nothing_for_an_hour(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.append(_checkin())
    for _ in range(8):
        clock.advance(STEADY_NS / 1e9 / 4)
        recording.tend(clock.now())
    clock.jump(NOW + timedelta(days=300))
    for _ in range(4):
        clock.advance(STEADY_NS / 1e9 / 4)
        recording.tend(clock.now())
    assert _unblanked(path) == 1
    clock.advance(STEADY_NS / 1e9 / 4)
    recording.tend(clock.now())
    assert _unblanked(path) == 0
    recording.close()


def test_a_journal_that_was_set_aside_is_remembered_over_restarts_until_it_is_taken_away(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database" * 1000)
    first = _recording(path, clock, logged)
    first.probe()
    first.close()
    (aside,) = tmp_path.glob("journal.db.corrupt-*")
    aside.with_name(aside.name + "-wal").touch()
    again = _recording(path, clock, logged)
    assert again.set_aside == 1
    for file in tmp_path.glob("journal.db.corrupt-*"):
        file.unlink()
    assert again.set_aside == 0
    assert _recording(tmp_path / "no folder" / "journal.db", clock, logged).set_aside == 0


def test_a_journal_that_the_uplink_found_damaged_is_set_aside(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.append(_checkin())
    write_mark(path, Mark(path.stat().st_ino, "page 3"))
    clock.advance(TEND_NS / 1e9)
    recording.tend(NOW)
    assert recording.set_aside == 1
    assert recording.unsent() == 0
    recording.close()


def _unblanked(path: Path) -> int:
    with Journal.open(path) as journal:
        assert journal._db
        return int(journal._db.execute("SELECT count(*) FROM checkin WHERE pseudonym IS NOT NULL").fetchone()[0])
