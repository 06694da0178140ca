"""One supervisor a run folder, what it leaves in it, and what it tells of a refusal."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from firmware.child import Program
from firmware.config import ConfigError
from firmware.supervisor import Supervisor
from tests.firmware.appliance import Appliance, appliance_of, wait_until
from tests.firmware.site import Site, make_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def test_a_second_supervisor_leaves_the_firsts_programs_alone(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "all are ready")
        with pytest.raises(ConfigError, match="another supervisor runs here"):
            Supervisor(site.config_path, site.config)
        command = [sys.executable, "-m", "firmware.supervisor", "--config", str(site.config_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 78
        assert len(done.stderr.splitlines()) == 1
        time.sleep(2)  # longer than the gate's watchdog
        assert (appliance.starts("gate"), appliance.starts("reader")) == (1, 1)


def test_the_next_supervisor_may_run_there_when_the_first_has_ended(site: Site) -> None:
    for _ in range(2):
        with appliance_of(site) as appliance:
            wait_until(lambda: appliance.supervisor.ready, "all are ready")
        assert appliance.status == 0


def test_a_run_folder_that_takes_no_lock_is_a_wrong_configuration(site: Site) -> None:
    (site.config.run.folder / "supervisor.lock").mkdir()
    with pytest.raises(ConfigError, match="cannot be made or written"):
        Supervisor(site.config_path, site.config)


def test_it_knows_why_a_program_refuses(site: Site) -> None:
    (site.folder / "trust/demo.der").unlink()
    appliance = Appliance(site)
    appliance.thread.join(10)
    assert appliance.supervisor.refusal == f"{site.folder}/trust: no signer in it: put the trust list's files there"
    appliance.stop()


def test_a_program_that_ends_with_78_and_says_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mute.py").write_text("raise SystemExit(78)\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    appliance = Appliance(site, (Program("mute", "mute", 5.0),))
    appliance.thread.join(10)
    assert appliance.status == 78
    assert appliance.supervisor.refusal == "mute did not start: its log says why"
    appliance.stop()
