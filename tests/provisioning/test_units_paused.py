"""Units that are stopped for a while: started again whatever happens."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.units import UnitsError, paused
from tests.firmware.appliance import wait_until
from tests.provisioning.fake_units import FakeUnits

BOTH = ("greengate-gate", "greengate-reader")


def test_what_runs_is_stopped_and_started_again() -> None:
    units = FakeUnits("greengate-gate")
    with paused(units, *BOTH) as stopped:
        assert stopped == ("greengate-gate",)
        assert units.running == set()
    assert units.told == [("stop", "greengate-gate"), ("start", "greengate-gate")]


@pytest.mark.parametrize("units", [FakeUnits(), FakeUnits(*BOTH, here=False)])
def test_what_does_not_run_is_left_alone(units: FakeUnits) -> None:
    with paused(units, *BOTH) as stopped:
        assert stopped == ()
    assert units.told == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_they_are_started_whatever_happens(error: type[BaseException]) -> None:
    units = FakeUnits(*BOTH)
    with pytest.raises(error), paused(units, *BOTH):
        raise error
    assert units.running == set(BOTH)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_ended_starts_them_too(number: signal.Signals) -> None:
    units, before = FakeUnits(*BOTH), signal.getsignal(number)
    with pytest.raises(SystemExit) as left, paused(units, *BOTH):
        signal.raise_signal(number)
    assert left.value.code == 128 + number
    assert units.running == set(BOTH)
    assert signal.getsignal(number) == before


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with paused(FakeUnits(*BOTH), *BOTH):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_that_fails_starts_them_again() -> None:
    units = FakeUnits(*BOTH)
    units.failing = {"stop"}
    with pytest.raises(UnitsError, match="systemctl stop"), paused(units, *BOTH):
        pytest.fail("nothing was stopped")
    assert units.told[-1] == ("start", *BOTH)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Heed Ctrl-C, also where these tests run in the background, which a shell starts deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_they_are_started_waits_until_they_are() -> None:
    class Interrupted(FakeUnits):
        def tell(self, verb: str, *units: str) -> None:
            if verb == "start":
                signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # others may run beside this thread
            super().tell(verb, *units)

    units = Interrupted(*BOTH)
    with pytest.raises(KeyboardInterrupt), paused(units, *BOTH):
        pass
    assert units.running == set(BOTH)


def test_another_thread_may_pause_too() -> None:
    units = FakeUnits(*BOTH)

    def pause() -> None:
        with paused(units, *BOTH):
            pass

    thread = threading.Thread(target=pause)
    thread.start()
    thread.join(5)
    assert units.told == [("stop", *BOTH), ("start", *BOTH)]


SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in *show*) echo ActiveState=active;; esac
"""

PAUSING = """
import os, signal, sys
from pathlib import Path
import provisioning.units as units
units.SYSTEMD_RUNS = Path("/")
with units.paused(units.Systemd(), "greengate-gate", "greengate-reader"):
    if sys.argv[1:]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put another systemctl in the path, and return what it logs to."""
    log, systemctl = tmp_path / "told", tmp_path / "systemctl"
    systemctl.write_text(SYSTEMCTL.format(log=log))
    systemctl.chmod(systemctl.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return log


def test_systemd_is_told_and_the_guard_goes_without_a_word(told: Path) -> None:
    assert subprocess.run([sys.executable, "-c", PAUSING], check=False, timeout=20).returncode == 0
    verbs = [line.split()[1] for line in told.read_text().splitlines()]
    assert verbs == ["show", "show", "stop", "start"]


def test_where_the_command_is_killed_its_guard_starts_them(told: Path) -> None:
    died = subprocess.run([sys.executable, "-c", PAUSING, "die"], check=False, timeout=20)
    assert died.returncode == -signal.SIGKILL
    started = "--no-ask-password --no-block start greengate-gate.service greengate-reader.service"
    wait_until(lambda: started in told.read_text().splitlines(), "the guard has started them")


def test_units_that_could_not_be_started_are_started_by_the_guard(told: Path, tmp_path: Path) -> None:
    failing = SYSTEMCTL.format(log=told) + 'case "$*" in *start*) [ "$2" = --no-block ] || exit 1;; esac\n'
    (tmp_path / "systemctl").write_text(failing)
    done = subprocess.run([sys.executable, "-c", PAUSING], check=False, timeout=20, capture_output=True)
    assert b"UnitsError" in done.stderr
    assert told.read_text().splitlines()[-1].startswith("--no-ask-password --no-block start greengate-gate.service")
