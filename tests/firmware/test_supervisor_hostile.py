"""What somebody else on the machine may do to the supervisor and its programs, and the lamps meanwhile."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from drivers.signal.simulated import last_lamps, read_history
from firmware.child import Child, Program
from firmware.events import WatchdogExpired
from tests.firmware.appliance import GRACE_NS, TIMING, Appliance, alive, appliance_of, children_of, wait_until
from tests.firmware.site import Site, make_site

# Sends what a healthy program would, as often as it is told to: without a pause it is a flood.
STRANGER = """
import contextlib, socket, sys, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
    sock.settimeout(0)
    while True:
        with contextlib.suppress(BlockingIOError):
            sock.sendto(b"READY=1\\nWATCHDOG=1", sys.argv[1].replace("@", "\\0"))
        time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path, timing=TIMING)
    text = site.config_path.read_text("utf-8")  # the lamps, like real ones, are not in the run folder
    site.config_path.write_text(text.replace("[signal]", '[signal]\nhistory = "lamps.jsonl"'), "utf-8")
    site.show("good", site.good())
    return site


def _notify_socket(pid: int) -> str:
    def named() -> list[str]:
        variables = Path(f"/proc/{pid}/environ").read_text("utf-8").split("\0")
        return [line.removeprefix("NOTIFY_SOCKET=") for line in variables if line.startswith("NOTIFY_SOCKET=")]

    wait_until(named, "it is the program that was started, no copy of this one")
    return named()[0]


def _is_beginning(pid: int) -> bool:
    return b"firmware.lifeline" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def _stranger(address: str, pause_s: float) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", STRANGER, address, str(pause_s)]) as process:
        try:
            yield
            assert process.poll() is None  # it was there to the end
        finally:
            process.kill()


def _assert_dark_in_time(history: Path) -> None:
    """Wait until the lamp that is green is dark; no light may outlive its lease by more than two seconds."""
    wait_until(lambda: not last_lamps(history).green, "the lamp is dark")
    lit = next(lamps for lamps in reversed(read_history(history)) if lamps.green)
    dark = next(lamps for lamps in read_history(history) if lamps.t_ns > lit.t_ns)
    assert dark.t_ns <= lit.t_ns + round(lit.lease_s * 1e9) + GRACE_NS


def _stop_the_green_gate(appliance: Appliance) -> int:
    wait_until(lambda: appliance.lamps().green, "the lamp is green")
    return appliance.signal("gate", signal.SIGSTOP)


def test_a_deleted_run_folder_switches_no_watchdog_off(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "all are ready")
        shutil.rmtree(site.config.run.folder)
        time.sleep(2)  # longer than the gate's watchdog
        assert (appliance.starts("gate"), appliance.starts("reader")) == (1, 1)
        _stop_the_green_gate(appliance)
        _assert_dark_in_time(site.config.lamp_history)
        wait_until(lambda: appliance.changes.count(("gate", "ready")) == 2, "the next gate is heard")
        greens = len(appliance.history())
        wait_until(lambda: any(lamps.green for lamps in appliance.history()[greens:]), "it is green again")


@pytest.mark.parametrize("pause_s", [0.1, 0.0])
def test_a_strangers_word_does_not_feed_the_gates_watchdog(site: Site, pause_s: float) -> None:
    with appliance_of(site) as appliance:
        pid = _stop_the_green_gate(appliance)
        with _stranger(_notify_socket(pid), pause_s):
            _assert_dark_in_time(site.config.lamp_history)
    assert WatchdogExpired("gate") in appliance.logged


@pytest.fixture
def mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A program that runs and says nothing."""
    (tmp_path / "mute.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = Child(Program("mute", "mute", 5.0), tmp_path / "greengate.toml", None)
    child.start()
    yield child
    child.kill()
    child.finish(time.monotonic_ns() + GRACE_NS)
    child.close()


@contextmanager
def _connected(child: Child) -> Iterator[socket.socket]:
    assert child.pid
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(0)
        stranger.connect(_notify_socket(child.pid).replace("@", "\0"))
        yield stranger


def _send_all_that_fits(stranger: socket.socket) -> int:
    sent = 0
    with suppress(BlockingIOError):
        while stranger.send(b"WATCHDOG=1"):
            sent += 1
    return sent


def test_a_flood_does_not_keep_the_supervisor_from_its_other_programs(
    mute: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.child.MESSAGES_AT_ONCE", 3)
    with _connected(mute) as stranger:
        assert _send_all_that_fits(stranger) > 3
        mute.listen()
        assert _send_all_that_fits(stranger) == 3  # the others wait for their turn


def test_a_strangers_word_and_its_descriptors_are_not_taken(mute: Child) -> None:
    with _connected(mute) as stranger:
        held = _descriptors()
        socket.send_fds(stranger, [b"READY=1\nSTATUS=all is well"], [0, 1, 2])
        stranger.send(b"")
        assert not mute.listen()
        assert (mute.ready, mute.said, _descriptors()) == (False, "", held)


def test_a_stopped_gate_is_dark_in_time_when_all_is_stopped(tmp_path: Path) -> None:
    site = make_site(tmp_path, timing=TIMING.replace("green_s = 1.5", "green_s = 1.0"))
    site.show("good", site.good())
    with appliance_of(site) as appliance:
        _stop_the_green_gate(appliance)
        appliance.stop()
        _assert_dark_in_time(site.config.lamp_history)
        assert all(lamps.lease_s <= 1 for lamps in appliance.history())


def test_a_process_without_a_pidfd_is_reaped_and_closes_nobodys_descriptor(
    mute: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_pid: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    stale = mute.pidfd
    mute.kill()
    mute.reap()
    others = os.open("/dev/null", os.O_RDONLY)
    assert others == stale  # the lowest number that is free
    monkeypatch.setattr(os, "pidfd_open", fail)
    with pytest.raises(OSError, match="too many open files"):
        mute.start()
    mute.kill()
    mute.reap()
    assert (mute.pidfd, mute.running) == (-1, False)
    os.close(others)  # it is still open


def test_a_stopped_gate_whose_supervisor_is_killed_goes_dark_and_ends(site: Site) -> None:
    history = site.config.lamp_history
    command = [sys.executable, "-m", "firmware.supervisor", "--config", str(site.config_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: last_lamps(history).green, "the lamp is green")
        children = children_of(process.pid)
        wait_until(lambda: not any(map(_is_beginning, children)), "every program is tied to its supervisor")
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        process.kill()
    try:
        _assert_dark_in_time(history)
        wait_until(lambda: not any(alive(pid) for pid in children), "no program is left")
    finally:
        for pid in filter(alive, children):
            os.kill(pid, signal.SIGKILL)


def test_a_program_that_is_stopped_and_woken_goes_on(site: Site) -> None:
    with appliance_of(site) as appliance:
        wait_until(lambda: appliance.supervisor.ready, "all are ready")
        for number in (signal.SIGSTOP, signal.SIGCONT):
            appliance.signal("reader", number)
        greens = len(appliance.history())
        wait_until(lambda: any(lamps.green for lamps in appliance.history()[greens:]), "the lamp is green")
        assert ("reader", "ended") not in appliance.changes
