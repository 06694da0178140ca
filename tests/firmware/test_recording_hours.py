"""The gate's side of the journal over the hours: its log, copies of what the centre has, dates that are none."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.config_sections import JournalConfig
from firmware.events import LogEvent
from firmware.journal_reader import JournalReader
from firmware.journal_space import COPIES_PERMILLE
from firmware.recording import CARRY_NS, CARRY_RECORDS, EMPTY_NS, TEND_NS, Recording
from firmware.timekeeping import STEADY_NS
from tests.firmware import checkins

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def _unheard(event: LogEvent) -> None:
    pytest.fail(str(event))


def dated(at: datetime = NOW) -> CheckIn:
    at_ms = milliseconds(at)
    return replace(checkins.checkin(1), id=new_id(at_ms), at_ms=at_ms)


def _named(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        return [seq for (seq,) in db.execute("SELECT seq FROM checkin WHERE pseudonym IS NOT NULL ORDER BY seq")]


def test_the_log_is_carried_seldom_unless_it_is_long_and_emptied_more_seldom(path: Path, clock: SimulatedClock) -> None:
    wal = path.with_name("journal.db-wal")
    recording = Recording(JournalConfig(path=path), _unheard, clock)
    recording.append(dated())
    clock.advance(TEND_NS / 1e9)
    recording.tend(NOW)
    assert wal.stat().st_size == 0
    for number in range(1, 12):
        recording.append(dated())
        clock.advance(TEND_NS / 1e9)
        recording.tend(NOW)
        assert wal.stat().st_size > 4096 * number, "nothing was carried"
    long = wal.stat().st_size
    clock.advance(CARRY_NS / 1e9)
    recording.tend(NOW)
    recording.append(dated())
    assert wal.stat().st_size == long, "written over"
    for _ in range(CARRY_RECORDS):
        recording.append(dated())
    longer = wal.stat().st_size
    clock.advance(TEND_NS / 1e9)
    recording.tend(NOW)
    recording.append(dated())
    assert wal.stat().st_size == longer > 10 * long, "written over"
    clock.advance(EMPTY_NS / 1e9)
    recording.tend(NOW)
    assert wal.stat().st_size == 0
    recording.close()


def test_copies_go_before_the_alarm_and_diagnostics_stay(path: Path, clock: SimulatedClock) -> None:
    recording = Recording(JournalConfig(path=path, size_mib=1, acknowledged_hours=24), _unheard, clock)
    recording.note("started", "gate")
    recording.append(dated())
    clock.advance(TEND_NS / 1e9)
    recording.tend(None)
    with JournalReader(path, keep_acknowledged=True) as reader:
        while recording.fill_permille < COPIES_PERMILLE:
            recording.append(checkins.detailed(1))
        unsent = reader.batch(1)
        assert unsent is not None
        reader.acknowledge(unsent.epoch, recording.unsent() or 0, bytes(32))
        clock.advance(TEND_NS / 1e9)
        recording.tend(None)
        assert recording.fill_permille < COPIES_PERMILLE
        assert [note.code for note in reader.diagnostics(9)] == ["started"]
    recording.close()


def test_what_an_untrusted_clock_dated_ahead_is_blanked_as_well(path: Path, clock: SimulatedClock) -> None:
    recording = Recording(JournalConfig(path=path), _unheard, clock)
    for trust in ("synchronised", "untrusted"):
        recording.append(replace(dated(NOW + timedelta(days=400)), clock=trust))
    recording.append(replace(dated(), clock="untrusted"))
    for wait_ns in (TEND_NS, STEADY_NS):
        clock.advance(wait_ns / 1e9)
        recording.tend(clock.now())
    assert _named(path) == [1, 3]
    recording.close()
