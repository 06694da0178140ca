"""The appliance's programs in one booted root, started in turns as hardened services and as First light's own were.

First light's programs are those of its last commit, unhardened, under its supervisor. Both ways the same interpreter
and libraries (those of our package), the same configuration but for its folders, the same passes before the camera,
and a centre that is away. What First light's supervisor shares with its children (pages of the interpreter), a
stand-in of it shares with the services, so that PSS counts alike.
"""

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.startup import NAMES, size_of
from tests.appliance.machine import Machine
from tests.appliance.packages import PROJECT

FIRST_LIGHT = "071d3fa13606a0e6d9f064e6a610099174fd81b1"  # the commit that issue 3 began with
ITS_PACKAGES = ("firmware", "drivers", "verifier")
ITS_PLACE = "/srv/first-light"  # before our package on Python's path, as the folder that `-m` is run in
PYTHON = "/usr/lib/greengate/bin/python3"
CONFIG = "/etc/greengate/greengate.toml"
SHOWING = "/srv/showing"  # what the camera shows, and by what the gate trusts: the same for every start
DESK = "/srv/desk"
LOG = f"{DESK}/log.jsonl"
UNITS = " ".join(f"greengate-{name}" for name in NAMES)
STAND_IN = "import firmware.supervisor, time; time.sleep(1e6)"
PATIENCE_S = 60.0
POLL_S = 0.1  # seldom: a question costs a process, and the programs have two processors
MICRO, NANO = 1e6, 1e9

Events = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """One start, one way: seconds to readiness from the command and from a program's own start; memory in MiB."""

    ready_s: dict[str, float]
    own_s: dict[str, float]
    memory: dict[str, dict[str, float]]


def absent() -> str | None:
    """Return why First light's programs cannot be had, or None."""
    found = subprocess.run(["git", "cat-file", "-e", FIRST_LIGHT], cwd=PROJECT, capture_output=True, check=False)
    return f"needs commit {FIRST_LIGHT[:7]}: git fetch --unshallow" if found.returncode else None


def prepare(machine: Machine) -> None:
    """Stop everything, lay First light's programs there, and keep what the camera shows where both ways may read it."""
    archive = subprocess.check_output(["git", "archive", FIRST_LIGHT, *ITS_PACKAGES], cwd=PROJECT)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(machine.root_of(ITS_PLACE), filter="data")
    machine.run(
        f"""{PYTHON} -m compileall -q {ITS_PLACE}
        cp -r /run/greengate-simulation {SHOWING}; chmod -R a+rX {SHOWING}; mkdir {DESK}
        sed -i 's|/run/greengate-simulation|{SHOWING}|' {CONFIG}
        sed 's|"/run/greengate"|"{DESK}/run"|; s|"/var/lib/greengate/journal/|"{DESK}/|' {CONFIG} >{DESK}/greengate.toml
        systemctl stop greengate.target greengate-panel.socket"""
    )


def as_services(machine: Machine, passes: int) -> Run:
    """Start the four units at once; stop them after so many passes."""
    machine.run(f"systemd-run --quiet --unit=stand-in {PYTHON} -c '{STAND_IN}'")
    try:
        machine.run(f"systemctl start {UNITS}")
        began = {name: stamp(machine, f"greengate-{name}", "InactiveExit") for name in NAMES}
        events = _wait(machine.events, min(began.values()), passes)
        pids = {name: int(machine.show(f"greengate-{name}", "MainPID")) for name in NAMES}
        return _run(machine, min(began.values()), began, events, pids)
    finally:
        machine.run(f"systemctl stop stand-in {UNITS} greengate-panel.socket; systemctl reset-failed {UNITS}")


def as_first_light(machine: Machine, passes: int) -> Run:
    """Start First light's supervisor, without any limit; stop it after so many passes."""
    options = f"--quiet --collect --unit=desk -p Type=exec -p KillMode=mixed -p StandardError=truncate:{LOG}"
    options += f" -p WorkingDirectory={ITS_PLACE}"
    machine.run(f"rm -f {LOG}; systemd-run {options} {PYTHON} -m firmware.supervisor --config {DESK}/greengate.toml")
    try:
        events = _wait(lambda: _lines(machine), 0.0, passes)
        started = [event for event in events if event["event"] == "program-started"]
        began = {event["program"]: event["t_ns"] / NANO for event in started}
        pids = {event["program"]: event["pid"] for event in started}
        return _run(machine, stamp(machine, "desk", "InactiveExit"), began, events, pids)
    finally:
        machine.run("systemctl stop desk")


def stamp(machine: Machine, unit: str, what: str) -> float:
    """Return when something happened to a unit, in seconds of the machine's monotonic clock."""
    return int(machine.show(unit, f"{what}TimestampMonotonic")) / MICRO


def _run(machine: Machine, told_s: float, began: dict[str, float], events: Events, pids: dict[str, int]) -> Run:
    ready = {event["program"]: event["t_ns"] / NANO for event in events if event["event"] == "started"}
    memory = {name: size_of(pids[name], machine.root_of("/proc")) for name in NAMES}
    return Run(
        {name: ready[name] - told_s for name in NAMES}, {name: ready[name] - began[name] for name in NAMES}, memory
    )


def _wait(events: Callable[[], Events], since_s: float, passes: int) -> Events:
    """Return what was logged since, once all are ready and that many passes are decided."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        new = [event for event in events() if event["t_ns"] >= since_s * NANO]
        ready = {event["program"] for event in new if event["event"] == "started"}
        if ready.issuperset(NAMES) and sum(event["event"] == "decided" for event in new) >= passes:
            return new
        time.sleep(POLL_S)
    raise SystemExit(f"waited {PATIENCE_S:g} s for the programs and {passes} passes")


def _lines(machine: Machine) -> Events:
    lines = machine.root_of(LOG).read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]
