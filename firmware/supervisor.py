"""All programs on one machine, as systemd would run them: start, watch, restart, darken, stop in order.

A program that ends is started again, after 0.1 s, then doubling to 5 s. One that does not feed its watchdog is killed.
After a gate's death, however it died, the lamps are darkened from outside before anything else.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Literal

from firmware.child import Child, Program
from firmware.config import Config, ConfigError, load_config
from firmware.events import DarkenFailed, LogEvent, ProgramEnded, ProgramStarted, Started, Stopped, WatchdogExpired, log
from firmware.program import EX_CONFIG, config_path, prepare_run_folder, refuse

# In the order in which they are started, and stopped, but for the gate, which is stopped first: its 1.5 s and the
# darkening after it stay under the 2 s that a light may outlive its lease.
PROGRAMS = (
    Program("reader", "firmware.reader", 15.0),  # longer than a camera's blocking read and its reopening
    Program("gate", "firmware.gate", 1.5),
    Program("uplink", "firmware.uplink", 30.0),
    Program("panel", "firmware.panel", 30.0),
)
STOP_S = 5.0  # ours: for all programs together, then they are killed
DARKEN_S = 5.0  # ours: a darkening that takes longer hangs
STEP_S = 1.0  # ours: how long the next program waits for the one before it to stop
TURN_S = 0.5

Change = Literal["started", "ready", "ended", "killed"]


class Supervisor:
    """Runs the programs until it is told to stop, or one cannot start."""

    def __init__(
        self,
        config_path: Path,
        config: Config,
        *,
        programs: Sequence[Program] = PROGRAMS,
        changed: Callable[[str, Change], None] = lambda _program, _change: None,
        stderr: IO[bytes] | None = None,
        log_: Callable[[LogEvent], None] = log,
    ) -> None:
        """Take the run folder for this supervisor alone.

        `changed` is told of each program's changes, and `log_` of events, in the thread that runs: neither may ever
        wait, or no watchdog is heard. `stderr` (None: this process's) takes the programs' log lines, and stays open
        until `run` returns.
        Raises: ConfigError where another supervisor runs here, or the run folder cannot be used.
        """
        self.refusal: str | None = None
        self._changed = changed
        self._log = log_
        self._darken = [sys.executable, "-m", "firmware.darken", "--config", str(config_path)]
        self._status: int | None = None
        with contextlib.ExitStack() as resources:
            resources.callback(os.close, prepare_run_folder(config.run.folder, "supervisor"))  # released last
            self._selector = resources.enter_context(selectors.DefaultSelector())
            self._wake, self._woken = map(resources.enter_context, socket.socketpair())
            self._selector.register(self._woken, selectors.EVENT_READ, self._stop_asked)
            self.children: dict[str, Child] = {}
            for program in programs:
                child = Child(program, config_path.absolute(), stderr)
                resources.callback(child.close)
                child.watch(self._selector, partial(self._listen, child))
                self.children[program.name] = child
            self._resources = resources.pop_all()

    @property
    def ready(self) -> bool:
        """Return whether all programs are ready."""
        return all(child.ready for child in self.children.values())

    def stop(self) -> None:
        """Ask `run` to stop; from any thread or signal handler."""
        with contextlib.suppress(OSError):  # it has ended already
            self._wake.send(b"\0")

    def run(self) -> int:
        """Run the programs until `stop`; return 0, or 78 (EX_CONFIG) where one refuses to start (`refusal` says why).

        The programs stop when this process ends, however it does: `lifeline.tie`.
        """
        try:
            while self._status is None:
                self._turn()
        finally:
            self._stop_all()
        return self._status or 0

    def _turn(self) -> None:
        for child in self.children.values():
            self._attend(child)
        due_ns = min(child.due_ns for child in self.children.values())
        wait_s = min(TURN_S, max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
        for key, _ in self._selector.select(wait_s):
            if self._status is None:
                key.data()

    def _attend(self, child: Child) -> None:
        self._listen(child)  # what it said in time counts, however late it is heard
        if time.monotonic_ns() < child.due_ns:
            return
        if child.running:
            child.kill()
            self._log(WatchdogExpired(child.program.name))
            self._changed(child.program.name, "killed")
        else:
            pid = child.start()
            self._selector.register(child.pidfd, selectors.EVENT_READ, partial(self._ended, child))
            self._log(ProgramStarted(child.program.name, pid))
            self._changed(child.program.name, "started")

    def _listen(self, child: Child) -> None:
        if child.listen():
            self._changed(child.program.name, "ready")

    def _ended(self, child: Child) -> None:
        self._selector.unregister(child.pidfd)
        self._listen(child)
        status = child.reap()
        if child.program.name == "gate":
            self._put_out_lamps()
        refused = status == EX_CONFIG and not child.was_ready  # later it may be a camera that comes back
        restart_s = None if refused else child.plan_restart()
        if refused:
            self._status = EX_CONFIG
            self.refusal = child.said or f"{child.program.name} did not start: its log says why"
        self._log(ProgramEnded(child.program.name, status, restart_s))
        self._changed(child.program.name, "ended")

    def _put_out_lamps(self) -> None:
        try:
            done = subprocess.run(self._darken, stdin=subprocess.DEVNULL, timeout=DARKEN_S, check=False)  # noqa: S603 - ours
        except subprocess.TimeoutExpired:
            self._log(DarkenFailed(-signal.SIGKILL))
        else:
            if done.returncode:
                self._log(DarkenFailed(done.returncode))

    def _stop_asked(self) -> None:
        self._status = 0

    def _stop_all(self) -> None:
        now_ns = time.monotonic_ns()
        gates = [child for child in self.children.values() if child.program.name == "gate"]
        others = [child for child in self.children.values() if child.program.name != "gate"]
        steps: list[Callable[[], None]] = [
            *(partial(self._listen, gate) for gate in gates),
            *(partial(gate.terminate, 0.0) for gate in gates),
            *(partial(gate.finish, now_ns + round(gate.program.watchdog_s * 1e9)) for gate in gates),
            self._put_out_lamps,
            *(partial(child.terminate, STEP_S) for child in others),
            *(partial(child.finish, now_ns + round(STOP_S * 1e9)) for child in others),
            self._put_out_lamps,
            self._resources.close,
        ]
        with contextlib.ExitStack() as stack:  # takes every step, whatever became of those before, then raises
            for step in reversed(steps):
                stack.callback(step)


def main() -> int:
    """Run all programs until SIGTERM; exit 0, or 78 (EX_CONFIG) where something is missing at the start."""
    try:
        path = config_path("supervisor", __doc__)
        supervisor = Supervisor(path, load_config(path))
    except ConfigError as error:
        return refuse("supervisor", error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.stop())
    log(Started("supervisor"))
    status = supervisor.run()
    log(Stopped("supervisor"))
    return status


if __name__ == "__main__":
    sys.exit(main())
