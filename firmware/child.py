"""One program of the supervisor's: its process, its NOTIFY_SOCKET, its watchdog, and when it may start again."""

import contextlib
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from firmware.lifeline import STARTER
from firmware.notify import READY, STATUS

BACKOFF_S = (0.1, 5.0)  # ours: first and longest wait before a restart
SETTLED_NS = 10_000_000_000  # up this long, a program counts as well again
START_S = 60.0  # ours: a program that is not ready by then hangs
MESSAGE_MAX_BYTES = 4096
MESSAGES_AT_ONCE = 1000  # ours: whoever floods a program's socket must not keep us from the others' watchdogs
CREDENTIALS = struct.Struct("=iII")  # a sender's process, user and group: unix(7), SCM_CREDENTIALS


@dataclass(frozen=True, slots=True)
class Program:
    """A module that runs as a process of its own, and how long it may be silent."""

    name: str
    module: str
    watchdog_s: float


class Child:
    """A program's process, started and started again; `due_ns` is when it wants attention next (monotonic)."""

    def __init__(self, program: Program, config: Path, stderr: IO[bytes] | None) -> None:
        """Make the socket on which the program says how it is."""
        self.program = program
        self.ready = False
        self.was_ready = False
        self.said = ""  # the last status in words
        self.starts = 0
        self.pidfd = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [sys.executable, "-m", program.module, "--config", str(config)]
        self._stderr = stderr
        self._backoff_s = BACKOFF_S[0]
        self._started_ns = 0
        self._alive_ns = 0
        self._restart_ns = 0
        # Abstract (unix(7)): a socket in the file system may be deleted, and then no program is heard any more.
        self._address = f"@greengate-{program.name}-{os.getpid()}-{os.urandom(8).hex()}"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.settimeout(0)
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # before anybody can send
        self._notify.bind("\0" + self._address[1:])

    @property
    def running(self) -> bool:
        """Return whether there is a process that was not reaped."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Return the process's id, None where there is none."""
        return self._process.pid if self._process else None

    @property
    def due_ns(self) -> int:
        """Return when it is to be started, or by when it must have said something."""
        if self._process is None:
            return self._restart_ns
        return self._alive_ns + round((self.program.watchdog_s if self.ready else START_S) * 1e9)

    def watch(self, selector: selectors.BaseSelector, said: Callable[[], None]) -> None:
        """Have `said` called when the program says something."""
        selector.register(self._notify, selectors.EVENT_READ, said)

    def start(self) -> int:
        """Start the process and return its id; `pidfd` becomes readable when it ends."""
        environment = os.environ | {
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": str(round(self.program.watchdog_s * 1e6)),
            STARTER: str(os.getpid()),
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            self._command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor, which stops all in order
        )
        self.pidfd = os.pidfd_open(self._process.pid)
        self.starts += 1
        self._started_ns = self._alive_ns = time.monotonic_ns()
        return self._process.pid

    def listen(self) -> bool:
        """Take what the program itself has said, and nobody else; return whether it became ready by it."""
        was_ready = self.ready
        with contextlib.suppress(BlockingIOError):
            for _ in range(MESSAGES_AT_ONCE):
                message, ancillary, *_ = self._notify.recvmsg(MESSAGE_MAX_BYTES, socket.CMSG_LEN(CREDENTIALS.size))
                sender, _user, _group = CREDENTIALS.unpack(ancillary[0][2])  # the kernel's word, and nothing else fits
                if sender == self.pid:
                    self._hear(message.split(b"\n"))
        return self.ready and not was_ready

    def kill(self) -> None:
        """Kill the process; `pidfd` tells when it is dead."""
        self._signal(signal.SIGKILL)
        self._alive_ns = time.monotonic_ns()  # one that cannot die yet is not killed at every turn

    def reap(self) -> int:
        """Return the exit status of the process that has ended; negative: a signal's number."""
        status = self._process.wait() if self._process else 0
        self._process = None
        self.ready = False
        pidfd, self.pidfd = self.pidfd, -1  # its number may soon be somebody else's
        if pidfd >= 0:  # there is none where pidfd_open failed
            os.close(pidfd)
        return status

    def plan_restart(self) -> float:
        """Decide when to start again, and return in how many seconds."""
        now_ns = time.monotonic_ns()
        if now_ns - self._started_ns >= SETTLED_NS:
            self._backoff_s = BACKOFF_S[0]
        wait_s, self._backoff_s = self._backoff_s, min(self._backoff_s * 2, BACKOFF_S[1])
        self._restart_ns = now_ns + round(wait_s * 1e9)
        return wait_s

    def terminate(self, wait_s: float) -> None:
        """Ask the process to stop, and wait for it a little."""
        self._signal(signal.SIGTERM)
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)

    def finish(self, deadline_ns: int) -> None:
        """Wait for the process's end until a time (monotonic) or its watchdog's, then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, (min(deadline_ns, self.due_ns) - time.monotonic_ns()) / 1e9))
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self.reap()

    def close(self) -> None:
        """Close the socket."""
        self._notify.close()

    def _hear(self, states: list[bytes]) -> None:
        self._alive_ns = time.monotonic_ns()
        if READY.encode() in states:
            self.ready = self.was_ready = True
        for state in states:
            if state.startswith(STATUS.encode()):
                self.said = state.removeprefix(STATUS.encode()).decode("utf-8", "replace")

    def _signal(self, number: int) -> None:
        if self._process:
            self._process.send_signal(number)
