"""The rescue's process: a nurse of one thread that has everything loaded, and the worker that she forks.

The kernel ends a worker that is over its time limit, whatever C code it is in; the nurse forks the next one at once.
Both end when the reader's end of the socket closes.
"""

from __future__ import annotations

import gc
import mmap
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.symbols.region import Region
from drivers.symbols.rescue.deadline import NS_PER_MS, Deadline
from drivers.symbols.worker_messages import (
    MEMORY_BYTES,
    MESSAGE_MAX_BYTES,
    NUMBER_AT,
    NUMBER_BYTES,
    Died,
    Done,
    Job,
    Message,
    Ready,
    Told,
    encode,
    jobs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from drivers.symbols import Symbol

    Work = Callable[[NDArray[np.uint8], Sequence[Region], Any, Deadline], tuple[Symbol | None, Any]]

NICENESS = 10  # after the reader, which has the next frame to look at
MARGIN_MS = 45.0  # between the end that the rescue is told and the one that the kernel sets: its longest stage (x86)
MARGIN_SHARE = 0.25  # of the limit at most, where that is short
FIRST_KILLED = "1000"  # where memory ends: this process, and not the reader (proc_pid_oom_score_adj(5))


class Nurse:
    """Keep a worker alive."""

    def __init__(self, link: socket.socket, memory: mmap.mmap, work: Work, limit_ms: float) -> None:
        """Answer on `link` what `work` finds in frames in `memory`, within `limit_ms` each."""
        self._link, self._memory, self._work, self._limit_ms = link, memory, work, limit_ms

    def run(self) -> None:
        """Fork workers until the reader is gone, or one dies before it has begun a job."""
        self._send(Ready())
        died_at = 0
        while self._outlived():
            number = int.from_bytes(self._memory[NUMBER_AT:MEMORY_BYTES], "little")
            if number == died_at:
                return
            died_at = number
            self._send(Died(number))

    def _outlived(self) -> bool:
        """Fork a worker and wait for its end; tell whether it died before its time."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self.work()
                code = 0
            finally:
                os._exit(code)  # nothing of the nurse's is the worker's to clean up
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status) != 0

    def work(self) -> None:
        """Do jobs until the reader is gone."""
        presentation, known = 0, None
        while data := self._link.recv(MESSAGE_MAX_BYTES):
            signal.setitimer(signal.ITIMER_REAL, self._limit_ms / 1000)
            job = jobs.decode(data)
            self._memory[NUMBER_AT:MEMORY_BYTES] = job.number.to_bytes(NUMBER_BYTES, "little")
            if job.presentation != presentation:
                presentation, known = job.presentation, None
            own_ms = self._limit_ms - min(MARGIN_MS, MARGIN_SHARE * self._limit_ms)
            given_ms = own_ms if job.limit_ms is None else min(own_ms, job.limit_ms)
            deadline = Deadline(time.monotonic_ns() + round(given_ms * NS_PER_MS), time.monotonic_ns)
            symbol, known = self._work(self._frame(job), [Region(*region) for region in job.regions], known, deadline)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._send(Done(job.number, _told(symbol) if symbol else None))

    def _frame(self, job: Job) -> NDArray[np.uint8]:
        pixels = np.frombuffer(self._memory, np.uint8, job.height_px * job.width_px)
        return pixels.reshape(job.height_px, job.width_px).copy()  # the next frame takes its place in the memory

    def _send(self, message: Message) -> None:
        self._link.sendall(encode(message))


def _told(symbol: Symbol) -> Told:
    first, second, third, fourth = ((int(x), int(y)) for x, y in symbol.corners)
    return Told(symbol.text, symbol.format, (first, second, third, fourth), symbol.data)  # type: ignore[arg-type] # checked where it is received


def main(link_fd: str, memory_fd: str, limit_ms: str, work: str) -> None:
    """Work at the reader's end of a socket; `work` is the name of a function, as module:name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the reader's
    with suppress(OSError):  # a service may not be allowed to
        os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_KILLED)
    module, _, name = work.partition(":")
    function = getattr(import_module(module), name)
    gc.collect()
    gc.freeze()  # what is loaded stays shared with the workers
    shared = mmap.mmap(int(memory_fd), MEMORY_BYTES)
    with shared, socket.socket(fileno=int(link_fd)) as link, suppress(BrokenPipeError):  # the reader is gone
        Nurse(link, shared, function, float(limit_ms)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
