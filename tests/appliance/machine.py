"""A Debian root booted with its own systemd, in namespaces (systemd-nspawn), and commands run in it.

`--register=no --keep-unit` ask no systemd outside, so that it works where there is none, as in a container.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOOT_S = 60.0
COMMAND_S = 120.0
OFF_S = 30.0
POLL_S = 0.02
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
BOOTED = {"running", "degraded"}  # degraded: some unit of Debian's own finds no device in a container
NAMESPACES = ("-m", "-u", "-i", "-n", "-p", "-r", "-w")  # nsenter(1); the control group stays ours
HISTORY = "/run/greengate/lamps.jsonl"


class MachineError(Exception):
    """The machine did not boot, or a command in it failed: what it said."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command in the machine said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted root; `leader` is its first process, seen from outside."""

    root: Path
    leader: int

    def run(self, command: str, *, check: bool = True, timeout_s: float = COMMAND_S) -> Said:
        """Run a shell command line as root. Raises: MachineError where it fails, unless `check` is off."""
        enter = ["nsenter", "--target", str(self.leader), *NAMESPACES, "/bin/sh", "-c", command]
        done = subprocess.run(
            enter,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=ENVIRONMENT,
            check=False,
        )
        if check and done.returncode:
            raise MachineError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return Said(done.returncode, done.stdout.strip(), done.stderr.strip())

    def show(self, unit: str, name: str) -> str:
        """Return a unit's property."""
        return self.run(f"systemctl show --value -p {name} {unit}").out

    def events(self) -> list[dict[str, Any]]:
        """Return what our programs logged, oldest first."""
        lines = self.run("journalctl --output=cat --no-pager -u 'greengate-*'").out.splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"t_ns"')]

    def lamps(self) -> list[dict[str, Any]]:
        """Return what the lamps showed, oldest first."""
        said = self.run(f"cat {HISTORY}.1 {HISTORY} 2>/dev/null", check=False)
        return [json.loads(line) for line in said.out.splitlines() if line.endswith("}")]

    def wait(self, what: str, seen: Callable[[], bool], seconds: float) -> float:
        """Wait until something is seen; return how long it took. Raises: MachineError."""
        start_s = time.monotonic()
        while not seen():
            if time.monotonic() - start_s > seconds:
                said = self.run("systemctl --no-pager --failed; journalctl --no-pager -n 40", check=False).out
                raise MachineError(f"waited {seconds:g} s for {what}\n{said}")
            time.sleep(POLL_S)
        return time.monotonic() - start_s

    def wait_for(self, what: str, condition: str, seconds: float) -> float:
        """Wait until a shell command succeeds; see `wait`."""
        return self.wait(what, lambda: self.run(condition, check=False).status == 0, seconds)

    def wait_active(self, units: Iterable[str], seconds: float) -> float:
        """Wait until every one of some units is active (systemctl itself is content with one); see `wait`."""
        each = " && ".join(f"systemctl is-active --quiet {unit}" for unit in units)
        return self.wait_for("active units", each, seconds)

    def wait_green(self, seconds: float = 30.0) -> dict[str, Any]:
        """Wait for a light that is green now, and return it. Raises: MachineError."""
        history = self.root_of(HISTORY)

        def green() -> bool:
            with contextlib.suppress(OSError):
                return b'"green": true' in history.read_bytes().rstrip().rpartition(b"\n")[2]
            return False

        self.wait("a green light", green, seconds)
        return self.lamps()[-1]

    def root_of(self, path: str) -> Path:
        """Return a file of the machine as it is seen from outside."""
        return Path(f"/proc/{self.leader}/root{path}")


@contextlib.contextmanager
def booted(root: Path, *, network: bool = False, options: Sequence[str] = ()) -> Iterator[Machine]:
    """Boot a root, with more options of systemd-nspawn's, until its systemd says that it is up; then power it off.

    Raises: MachineError.
    """
    log = root.with_name(f"{root.name}.log")
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", f"--directory={root}"]
    command += ["--system-call-filter=adjtimex clock_adjtime"]  # a question; who may not set the clock cannot
    command += ["--resolv-conf=copy-host"] if network else ["--private-network", "--resolv-conf=off"]
    command += options
    with log.open("wb") as said:
        process = subprocess.Popen([*command, "--boot"], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        machine = Machine(root, _leader(process, log))
        machine.wait("systemd", lambda: _state(machine) in BOOTED, BOOT_S)
        yield machine
    finally:
        _off(process)


def _leader(process: subprocess.Popen[bytes], log: Path) -> int:
    """Return the child of nspawn that is process 1 of its own namespace."""
    end_s = time.monotonic() + BOOT_S
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while time.monotonic() < end_s and process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            for child in children.read_text().split():
                status = Path(f"/proc/{child}/status").read_text()
                if status.split("NSpid:")[1].splitlines()[0].split()[-1] == "1":
                    return int(child)
        time.sleep(POLL_S)
    raise MachineError(f"systemd-nspawn did not boot: {log.read_text('utf-8', 'replace')[-2000:]}")


def _state(machine: Machine) -> str:
    return machine.run("systemctl is-system-running", check=False).out


def _off(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)  # nspawn asks its systemd to power off
    try:
        process.wait(OFF_S)
    except subprocess.TimeoutExpired:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        process.kill()
        process.wait()
