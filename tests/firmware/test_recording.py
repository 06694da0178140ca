"""The gate's side of the journal: disks that are full or failing, files that are corrupt, data past their time."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.config_sections import JournalConfig
from firmware.events import JournalSetAside, LogEvent
from firmware.journal import JournalError
from firmware.journal_base import Mark, write_mark
from firmware.journal_reader import JournalReader
from firmware.journal_space import FILLING_PERMILLE, STEP_ROWS, Diagnostic
from firmware.recording import NOTES_MAX, SWEEP_NS, TEND_NS, Recording
from firmware.timekeeping import STEADY_NS
from tests.firmware import checkins

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW)


@pytest.fixture
def logged() -> list[LogEvent]:
    return []


def _recording(
    path: Path, clock: SimulatedClock, logged: list[LogEvent], *, size_mib: int = 256, acknowledged_hours: int = 0
) -> Recording:
    config = JournalConfig(path=path, size_mib=size_mib, acknowledged_hours=acknowledged_hours)
    return Recording(config, logged.append, clock)


def _checkin(at: datetime = NOW) -> CheckIn:
    at_ms = milliseconds(at)
    return replace(checkins.checkin(1), id=new_id(at_ms), at_ms=at_ms)


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


def test_a_journal_that_does_not_answer_has_no_numbers(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.append(_checkin())
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id)")
    assert (recording.unsent(), recording.fill_permille) == (None, 0)
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
    for _ in range(STEP_ROWS + 1):
        recording.append(_checkin(NOW - timedelta(days=15)))
    recording.append(_checkin())
    left = []
    for wait_ns in (0, TEND_NS, STEADY_NS - 1, 1 + TEND_NS, TEND_NS, TEND_NS, SWEEP_NS):
        clock.advance(wait_ns / 1e9)
        recording.tend(clock.now())
        left.append(_unblanked(path))
    assert left == [STEP_ROWS + 2] * 3 + [2, 1, 1, 1]
    assert recording.unsent() == STEP_ROWS + 2
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


def test_copies_of_what_the_centre_has_go_after_their_hours(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged, acknowledged_hours=24)
    for hours in (30, 20, 10, 0):
        recording.append(_checkin(NOW - timedelta(hours=hours)))
    with JournalReader(path, keep_acknowledged=True) as reader:
        unsent = reader.batch(9)
        assert unsent is not None
        reader.acknowledge(unsent.epoch, 3, bytes(32))
        rows = []
        for wait_ns in (TEND_NS, STEADY_NS, TEND_NS, SWEEP_NS, *([SWEEP_NS] * 40)):
            clock.advance(wait_ns / 1e9)
            recording.tend(clock.now())
            rows.append(_count(path, "SELECT count(*) FROM checkin"))
        assert rows[:4] == [4, 3, 3, 3]
        assert rows[-1] == 1
        assert recording.unsent() == reader.unsent() == 1
    recording.close()


def test_copies_left_from_a_longer_time_go_where_none_is_asked(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.append(_checkin(NOW + timedelta(days=400)))
    with JournalReader(path, keep_acknowledged=True) as reader:
        unsent = reader.batch(9)
        assert unsent is not None
        reader.acknowledge(unsent.epoch, 1, bytes(32))
    for wait_ns in (TEND_NS, STEADY_NS):
        clock.advance(wait_ns / 1e9)
        recording.tend(clock.now())
    assert _count(path, "SELECT count(*) FROM checkin") == 0
    assert recording.append(_checkin()) == 2
    recording.close()


def test_diagnostics_are_written_when_nobody_waits(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged)
    recording.note("started", "gate")
    recording.append(_checkin())
    clock.advance(TEND_NS / 1e9)
    recording.note("service-lost", "y" * 1000)
    with JournalReader(path) as reader:
        assert reader.diagnostics(9) == []
        recording.tend(None)
        first, second = reader.diagnostics(9)
        assert first == Diagnostic(milliseconds(NOW), "started", "gate")
        assert (second.at_ms, second.code, len(second.text)) == (milliseconds(clock.now()), "service-lost", 200)
        for number in range(NOTES_MAX + 5):
            recording.note("service-back", str(number))
        recording.close()
        assert [note.text for note in reader.diagnostics(NOTES_MAX + 1)][-NOTES_MAX:] == [
            str(number) for number in range(5, NOTES_MAX + 5)
        ]


def test_where_the_room_is_for_checkins_alone_diagnostics_go_and_none_is_written(
    tmp_path: Path, clock: SimulatedClock, logged: list[LogEvent]
) -> None:
    path = tmp_path / "journal.db"
    recording = _recording(path, clock, logged, size_mib=1)
    assert recording.fill_permille == 0
    while recording.fill_permille < FILLING_PERMILLE - 50:
        recording.append(checkins.detailed(1))
    recording.note("service-lost", "camera")
    clock.advance(TEND_NS / 1e9)
    recording.tend(None)
    assert _count(path, "SELECT count(*) FROM diagnostic") == 1
    while recording.fill_permille < FILLING_PERMILLE:
        recording.append(checkins.detailed(1))
    recording.note("service-back")
    clock.advance(TEND_NS / 1e9)
    before = recording.unsent()
    recording.tend(None)
    assert _count(path, "SELECT count(*) FROM diagnostic") == 0
    assert recording.unsent() == before
    recording.close()


def _unblanked(path: Path) -> int:
    return _count(path, "SELECT count(*) FROM checkin WHERE pseudonym IS NOT NULL")


def _count(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(query).fetchone()[0])
