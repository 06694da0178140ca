"""A kiosk's card copied: two devices of one name, one key and one journal, both at work."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.postgres import SMALL, socket_url
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki
from tests.postgres_server import MISSING, programs, running


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "centre.db")
        return
    if programs() is None:
        pytest.skip(MISSING)
    with running(options=SMALL) as server:
        yield socket_url(server)


def test_a_fork_is_found_named_and_nothing_of_it_is_lost(tmp_path: Path, mosquitto: Mosquitto, where: str) -> None:
    pki, way = Pki.shared(), Way(mosquitto.port)
    kiosk = Kiosk(tmp_path / "gate-1", "gate-1", way, pki)
    with Site([kiosk], Centre(tmp_path, where, way, pki)) as site:
        site.start()
        site.append(10)
        site.await_drained()
        kiosk.uplink.kill()
        kiosk.append(5)  # on the card when it is copied, not yet at the centre
        clone = kiosk.cloned(tmp_path / "clone", way, pki)
        site.kiosks.append(clone)
        for _ in range(3):
            site.append(7)
            site.start()
            site.await_drained()
        entries = site.centre.entries()
        recorded = {one.id for device in site.kiosks for one in device.appended}
        assert {entry.checkin.id for entry in entries} == recorded
        assert len(entries) == len(recorded)  # those from before the copy once
        assert sum(entry.conflict for entry in entries) == 3 * 7
        said = gaps(where)
        assert said.returncode == 1
        assert "gate-1" in said.stdout
        assert "copied" in said.stdout


def gaps(where: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "centre.main", "gaps", "--store", where]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
