"""Ten strikes at the whole appliance; `make soak` makes two hundred."""

import shutil
import tempfile
from pathlib import Path

from tests.soak.schedule import PROGRAMS, schedule
from tests.soak.soak import soak

KILLS = 10
SEED = 23  # of ten strikes: every program killed, the gate stopped too, and aimed ones among them


def test_every_light_has_its_checkin_whatever_is_killed() -> None:
    strikes = schedule(KILLS, SEED)
    assert {strike.program for strike in strikes if not strike.stop} == set(PROGRAMS)
    assert any(strike.stop for strike in strikes)
    folder = Path(tempfile.mkdtemp(prefix="greengate-soak-"))
    report = soak(KILLS, SEED, folder)
    assert report.ok, f"seed {SEED}, all that was left is in {folder}: {report.failures}"
    shutil.rmtree(folder)
    assert sum(struck.kills + struck.stops for struck in report.programs.values()) == KILLS
    assert report.green_lights >= 5
    assert report.accepted >= report.green_lights
