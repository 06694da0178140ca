"""The measurement of a kiosk runs from end to end and writes what it promises; how fast it is, is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.side_by_side import absent
from tests.appliance.packages import PROJECT

pytestmark = pytest.mark.appliance


@pytest.mark.skipif(bool(absent()), reason=str(absent()))
def test_kiosk(tmp_path: Path) -> None:
    result = tmp_path / "kiosk.json"
    command = [sys.executable, "-m", "bench.kiosk", "--quick", "--json", str(result)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(result.read_text("utf-8"))
    assert (found["bench"], found["quick"]) == ("kiosk", True)
    assert found["first_pass_s"][0] > 0
    assert set(found["programs"]) == {"reader", "gate", "uplink", "panel"}
    for figures in found["programs"].values():
        assert set(figures) == {"ready_s", "own_s", "pss_mib", "uss_mib", "rss_mib"}
        assert all(figure["services_p50"] > 0 and figure["first_light_p50"] > 0 for figure in figures.values())
        assert figures["uss_mib"]["services_p50"] <= figures["pss_mib"]["services_p50"]
        assert figures["pss_mib"]["services_p50"] <= figures["rss_mib"]["services_p50"]
    assert {limit["name"] for limit in found["limits"]} >= {"gate, ready_s: services to First light"}
