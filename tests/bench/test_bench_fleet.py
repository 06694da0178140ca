"""The simulated fleet: its load, and a small one from end to end."""

import random
from pathlib import Path

import pytest

from bench.fleet.backlog import person, write_backlog
from bench.fleet.load import PEAK_AT, PEAK_PER_HOUR, Morning
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from tests.bench.test_bench_smoke import quick
from tests.postgres_server import MISSING, programs


def test_the_morning_has_its_peak_and_as_many_people_as_its_curve_says() -> None:
    morning = Morning(3600.0, scale=4.0)
    peak = max(range(3600), key=morning.rate)
    assert abs(peak - PEAK_AT * 3600) < 60
    assert morning.rate(peak) == pytest.approx(4 * PEAK_PER_HOUR / 3600, rel=0.01)
    expected = sum(morning.rate(second) for second in range(3600))
    draw = random.Random(1)  # noqa: S311 - a load, no secret
    came = [list(morning.arrivals(draw)) for _ in range(50)]
    assert sum(map(len, came)) / 50 == pytest.approx(expected, rel=0.1)
    assert all(times == sorted(times) and times[-1] < 3600 for times in came if times)


def test_a_backlog_is_what_a_gate_would_have_written(tmp_path: Path) -> None:
    migrate(tmp_path / "journal.db")
    write_backlog(tmp_path / "journal.db", 500, 7.0, random.Random(1))  # noqa: S311 - as above
    with JournalReader(tmp_path / "journal.db") as reader:
        unsent = reader.batch(400)
        assert unsent is not None
        assert (unsent.first_seq, len(unsent.rows), reader.unsent()) == (1, 400, 500)


def test_people_are_check_ins() -> None:
    draw = random.Random(1)  # noqa: S311 - a load, no secret
    verdicts = [person(draw, 1_772_434_800_000).verdict for _ in range(100)]
    assert 60 < verdicts.count("accepted") < 95


@pytest.mark.skipif(programs() is None, reason=MISSING)
def test_a_small_fleet_from_end_to_end(tmp_path: Path) -> None:
    found = quick("fleet", tmp_path)
    assert found["expected"] == found["stored"] > 10_000
    assert (found["twice"], found["holes"], found["forks"], found["broker_dropped"], found["connections_lost"]) == (
        0,
    ) * 5
    assert set(found["online"]["cpu_s"]) == set(found["return"]["cpu_s"]) == {"broker", "collectors", "database"}
