"""A dozen strikes at kiosks, broker, collectors and database; `python -m tests.faults` makes five hundred."""

import shutil
import tempfile
from pathlib import Path

from tests.faults.campaign import COLLECTORS, VICTIMS, campaign, schedule
from tests.faults.postgres import needs_postgres

KILLS = 12
SEED = 3


def test_the_same_seed_gives_the_same_schedule_and_strikes_everybody() -> None:
    assert schedule(40, 1) == schedule(40, 1) != schedule(40, 2)
    assert schedule(40, 1)[:20] == schedule(20, 1)[:20] or len(schedule(20, 1)) == 20
    assert {strike.victim for strike in schedule(len(VICTIMS), 1)} == set(VICTIMS)
    assert len(schedule(3, 1)) == 3


@needs_postgres
def test_every_light_is_in_the_database_once_whatever_is_killed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="greengate-faults-"))
    report = campaign(KILLS, SEED, folder)
    assert report.ok, f"seed {SEED}, all that was left is in {folder}: {report.failures[:5]}"
    assert report.kills == KILLS
    assert report.lit > 30
    assert len(report.collectors_stored) == len(COLLECTORS)
    shutil.rmtree(folder)
