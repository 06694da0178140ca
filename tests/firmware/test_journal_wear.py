"""What a check-in costs a card, as the kernel counts it."""

from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.config_sections import JournalConfig
from firmware.journal_wear import Wear, written_bytes
from firmware.messages import Health
from firmware.recording import Recording
from tests.firmware.checkins import START, checkin
from tests.firmware.test_gate import running_gate


def test_wear_is_told_where_the_kernel_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counts: list[int | None] = [1000, 1000, 9000, None]
    wear = Wear(lambda: counts.pop(0))
    assert wear.bytes_per_record is None
    wear.recorded()
    wear.recorded()
    assert wear.bytes_per_record == 4000
    assert wear.bytes_per_record is None
    monkeypatch.setattr("firmware.journal_wear.IO", tmp_path / "io")
    assert written_bytes() is None
    (tmp_path / "io").write_text("rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n", "ascii")
    assert written_bytes() == 4096


def test_the_bytes_that_a_checkin_costs_are_counted(tmp_path: Path) -> None:
    recording = Recording(JournalConfig(path=tmp_path / "journal.db"), lambda _: None, SimulatedClock(START))
    assert recording.bytes_per_record is None
    recording.append(checkin(1))
    cost = recording.bytes_per_record
    recording.close()
    if written_bytes() is None:
        pytest.skip("this kernel does not count")
    assert cost is not None
    assert cost >= 0  # a disk in memory wears nothing


def test_a_gate_tells_it_with_its_health(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = tmp_path / "io"
    counted.write_text("write_bytes: 4096\n", "ascii")
    monkeypatch.setattr("firmware.journal_wear.IO", counted)
    with running_gate(tmp_path) as running:
        running.see(running.site.good())
        counted.write_text("write_bytes: 12288\n", "ascii")
        running.clock.advance(1)
        running.turn()
        health = running.told()[-1]
    assert isinstance(health, Health)
    assert health.bytes_per_record == 8192
