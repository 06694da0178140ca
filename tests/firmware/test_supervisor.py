"""The programs as processes: stopped, killed, starved of disk, refused; what the lamps show meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.signal.simulated import last_lamps
from firmware.child import Program
from firmware.events import DarkenFailed, LogEvent, ProgramEnded, WatchdogExpired
from firmware.supervisor import PROGRAMS, Change, Supervisor
from tests.firmware.appliance import GRACE_NS, TIMING, Appliance, alive, appliance_of, children_of, health, wait_until
from tests.firmware.site import Site, make_site


def _dark_after_ns(appliance: Appliance) -> tuple[int, int]:
    """Return when the last green light but those of later gates had to end, and when it was dark."""
    history = appliance.history()
    first = next(index for index, lamps in enumerate(history) if lamps.green)
    lit = history[first]
    dark = next(lamps for lamps in history[first:] if not lamps.green)
    return lit.t_ns + round(lit.lease_s * 1e9), dark.t_ns


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path, timing=TIMING)
    site.show("good", site.good())
    return site


def test_all_programs_are_ready_at_once_and_a_pass_becomes_a_light_a_record_and_a_page(site: Site) -> None:
    begun_s = time.monotonic()
    with appliance_of(site, PROGRAMS) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "all are ready")
        assert time.monotonic() - begun_s < 6  # about 0.6 s on an idle machine
        wait_until(lambda: appliance.lamps().green, "the lamp is green")
        wait_until(lambda: appliance.events("decided"), "the log says so")
        (decided,) = appliance.events("decided")
        assert (decided["verdict"], decided["reason"]) == ("accepted", "valid")
        wait_until(lambda: health(site)["unsent"] == 1, "the page tells of one record")
    assert not appliance.lamps().green
    assert appliance.status == 0
    assert appliance.events("started")
    assert [event["program"] for event in appliance.events("stopped")] == ["gate", "reader", "uplink", "panel"]


def test_a_stopped_gate_is_dark_within_its_lease_and_two_seconds_and_comes_back(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.lamps().green, "the lamp is green")
        appliance.signal("gate", signal.SIGSTOP)
        wait_until(lambda: not appliance.lamps().green, "the lamp is dark")
        due_ns, dark_ns = _dark_after_ns(appliance)
        assert dark_ns <= due_ns + GRACE_NS
        assert any(lamps.by == "darken" for lamps in appliance.history())
        assert WatchdogExpired("gate") in appliance.logged
        greens = sum(lamps.green for lamps in appliance.history())
        wait_until(lambda: sum(lamps.green for lamps in appliance.history()) > greens, "it is green again")
        assert appliance.starts("gate") == 2


def test_a_killed_gate_is_dark_at_once_and_comes_back(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.lamps().green, "the lamp is green")
        killed_ns = time.monotonic_ns()
        appliance.signal("gate", signal.SIGKILL)
        wait_until(lambda: not appliance.lamps().green, "the lamp is dark")
        _, dark_ns = _dark_after_ns(appliance)
        assert dark_ns - killed_ns < GRACE_NS
        wait_until(lambda: len(appliance.events("service-back")) == 2, "the next gate is in service")
    assert ProgramEnded("gate", -signal.SIGKILL, 0.1) in appliance.logged


def test_a_reader_that_stops_is_out_of_service_and_a_killed_one_comes_back(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.events("service-back"), "the gate is in service")
        appliance.signal("reader", signal.SIGSTOP)
        wait_until(lambda: appliance.events("service-lost"), "the gate is out of service")
        assert appliance.events("service-lost")[0]["reason"] == "reader-silent"
        appliance.signal("reader", signal.SIGKILL)
        wait_until(lambda: len(appliance.events("service-back")) == 2, "the gate is in service again")
        assert (appliance.starts("gate"), appliance.starts("reader")) == (1, 2)


def test_a_camera_unplugged_is_out_of_service_and_back(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.events("service-back"), "the gate is in service")
        away = site.pictures.rename(site.folder / "unplugged")
        wait_until(lambda: appliance.events("service-lost"), "the gate is out of service")
        assert appliance.events("service-lost")[0]["reason"] == "no-camera"
        away.rename(site.pictures)
        wait_until(lambda: len(appliance.events("service-back")) == 2, "the gate is in service again", 15)
        assert (appliance.starts("gate"), appliance.starts("reader")) == (1, 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB: twice what the journal leaves free on a disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_full_disk_is_out_of_service_and_never_green_and_back_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    site = make_site(tmp_path, timing=TIMING, journal=str(small_disk / "journal.db"))
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.events("service-back"), "the gate is in service")
        ballast = _fill(small_disk)
        for number in range(40):  # what room is left in the journal's own pages is soon used up
            site.show(f"pass-{number}", site.issuer.issue({"ci": f"URN:UVCI:01:VN:{number}#A"}))
        wait_until(lambda: appliance.events("service-lost"), "the gate is out of service", 30)
        assert appliance.events("service-lost")[0]["reason"] in {"journal-failed", "journal-full"}
        recorded = len(appliance.events("decided"))
        lit = sum(lamps.green for lamps in appliance.history())
        assert lit == recorded
        time.sleep(3)  # longer than a visitor's turn, and than the time between two probes
        assert sum(lamps.green for lamps in appliance.history()) == lit
        assert not appliance.lamps().green
        ballast.unlink()
        wait_until(lambda: len(appliance.events("service-back")) == 2, "the gate is in service again")
        wait_until(lambda: sum(lamps.green for lamps in appliance.history()) > lit, "it is green again")
        assert (appliance.starts("gate"), appliance.starts("reader")) == (1, 1)


def test_a_disk_full_at_the_start_is_waited_for_without_a_restart(tmp_path: Path, small_disk: Path) -> None:
    site = make_site(tmp_path, timing=TIMING, journal=str(small_disk / "journal.db"))
    site.show("good", site.good())
    ballast = _fill(small_disk)
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "all are ready")
        wait_until(lambda: appliance.events("record-failed"), "the gate has noticed")
        ballast.unlink()
        wait_until(lambda: appliance.lamps().green, "the lamp is green")
        assert appliance.starts("gate") == 1


def test_a_gate_that_refuses_to_start_stops_all(site: Site) -> None:
    (site.folder / "trust/demo.der").unlink()
    appliance = Appliance(site)
    appliance.thread.join(10)
    assert appliance.status == 78
    (refused,) = appliance.events("start-refused")
    assert str(site.folder / "trust") in refused["why"]
    assert appliance.starts("gate") == 1
    assert ProgramEnded("gate", 78, None) in appliance.logged
    appliance.stop()  # too late, and no error


def test_a_program_that_keeps_failing_is_started_ever_more_rarely(site: Site) -> None:
    failing = Program("failing", "firmware.no_such_module", 5.0)
    with appliance_of(site, (failing,)) as appliance:
        wait_until(lambda: appliance.starts("failing") == 4, "it was started four times")
    waits = [event.restart_s for event in appliance.logged if isinstance(event, ProgramEnded)]
    assert waits[:3] == [0.1, 0.2, 0.4]


def test_sigterm_leaves_the_lamps_dark_and_no_program_behind(site: Site) -> None:
    command = [sys.executable, "-m", "firmware.supervisor", "--config", str(site.config_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
        children = children_of(process.pid)
        assert len(children) == 4
        process.terminate()
        assert process.wait(10) == 0
    last = last_lamps(site.config.lamp_history)
    assert (last.red, last.green, last.by) == (False, False, "darken")
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_programs_stop_when_their_supervisor_is_killed(site: Site) -> None:
    command = [sys.executable, "-m", "firmware.supervisor", "--config", str(site.config_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
        children = children_of(process.pid)
        process.kill()
        process.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in children), "no program is left")
    assert not last_lamps(site.config.lamp_history).green


def test_a_bad_configuration_is_one_line_and_78(tmp_path: Path) -> None:
    path = tmp_path / "greengate.toml"
    path.write_text("[devise]\n", "utf-8")
    for module in ("supervisor", "darken", "reader", "panel"):
        command = [sys.executable, "-m", f"firmware.{module}", "--config", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 78
        (line,) = done.stderr.splitlines()
        assert "unknown key devise: did you mean device?" in line


STUBBORN = """
import signal, time
from firmware.notify import READY, notify
signal.signal(signal.SIGTERM, signal.SIG_IGN)
notify(READY)
while True:
    time.sleep(1)
"""


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program that does not stop when it is told to."""
    (tmp_path / "stubborn.py").write_text(STUBBORN, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Program("stubborn", "stubborn", 30.0)


def test_a_program_that_does_not_stop_is_killed(site: Site, stubborn: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.supervisor.STOP_S", 0.2)
    monkeypatch.setattr("firmware.supervisor.STEP_S", 0.1)
    with appliance_of(site, (stubborn,)) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "it is ready")
        pid = appliance.supervisor.children["stubborn"].pid
        assert pid
    assert not alive(pid)
    assert appliance.changes == [("stubborn", "started"), ("stubborn", "ready")]


def test_a_program_that_cannot_be_finished_keeps_neither_the_lamps_nor_the_others_waiting(
    site: Site, stubborn: Program
) -> None:
    logged: list[LogEvent] = []

    def changed(_program: str, change: Change) -> None:
        if change == "ready" and supervisor.ready:
            for child in supervisor.children.values():
                os.close(child.pidfd)  # finishing it is an OSError
            supervisor.stop()

    programs = [replace(stubborn, name="gate", watchdog_s=1.0), replace(stubborn, name="other", watchdog_s=2.0)]
    site.config.lamp_history.mkdir()  # each darkening is told of
    supervisor = Supervisor(site.config_path, site.config, programs=programs, changed=changed, log_=logged.append)
    with pytest.raises(OSError, match="Bad file descriptor"):
        supervisor.run()
    assert logged[2:] == [DarkenFailed(78), DarkenFailed(78)]
    assert not any(child.running for child in supervisor.children.values())


@pytest.mark.parametrize(("darken_s", "status"), [(5.0, 78), (0.0, -signal.SIGKILL)])
def test_lamps_that_cannot_be_put_out_are_told_of(
    site: Site, stubborn: Program, monkeypatch: pytest.MonkeyPatch, darken_s: float, status: int
) -> None:
    monkeypatch.setattr("firmware.supervisor.STOP_S", 0.0)
    monkeypatch.setattr("firmware.supervisor.STEP_S", 0.0)
    monkeypatch.setattr("firmware.supervisor.DARKEN_S", darken_s)
    site.config.lamp_history.mkdir()
    with appliance_of(site, (stubborn,)) as appliance:
        pass
    assert appliance.logged[-1] == DarkenFailed(status)
