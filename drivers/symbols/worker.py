"""The rescue's worker, as the reader sees it: one frame at a time, no queue, never waited for unless asked to.

    reader --- job: socket, frame: shared memory ---> worker (worker_process.py), at its time limit ended by the kernel
           <-- done, or died ------------------------

A rescue takes as long as ten frames and meets hostile pixels: it has a process of its own, whose answers are checked.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from select import select
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from drivers.symbols import Symbol
from drivers.symbols.bounds import is_text
from drivers.symbols.frame import part_of
from drivers.symbols.worker_messages import (
    FRAME_MAX_BYTES,
    MEMORY_BYTES,
    MESSAGE_MAX_BYTES,
    Done,
    Job,
    Message,
    Ready,
    Told,
    encode,
    messages,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from drivers.symbols.region import Region

PROGRAM = "drivers.symbols.worker_process"
WORK = "drivers.symbols.rescue.rescue:rescue"
GRACE_NS = 1_000_000_000  # ours: over its limit, a job that the process says nothing of is lost, and the process too
MESSAGES_MAX = 4  # ours, of one look: a worker that pixels have taken over keeps nobody busy by telling things
DEATHS_FREE = 3  # in a row: bad luck
PAUSE_NS = (1_000_000_000, 60_000_000_000)  # ours: first and longest rest of a worker that dies again and again


class Answer(NamedTuple):
    """What became of the frame that was handed over."""

    symbols: list[Symbol]  # none: not read, or the worker died over it


class _Process(NamedTuple):
    process: subprocess.Popen[bytes]
    link: socket.socket


class RescueWorker:
    """Hand frames to the rescue's process and take its answers; a process that is lost is started again."""

    def __init__(
        self, limit_ms: float, work: str = WORK, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Start the process; a rescue may take `limit_ms`, and is the function named `work` (module:name)."""
        self._limit_ms, self._work, self._monotonic_ns = limit_ms, work, monotonic_ns
        self._memory_fd = os.memfd_create("greengate-frame", os.MFD_CLOEXEC)
        os.ftruncate(self._memory_fd, MEMORY_BYTES)
        self._memory = mmap.mmap(self._memory_fd, MEMORY_BYTES)
        self._number = 0
        self._lost_at_ns: int | None = None  # when the job will have been lost; None: there is none
        self._left = self._top = 0  # of the part that was handed over
        self._ready = self._begun = self._closed = False  # begun: it has been ready once
        self._deaths = 0
        self._not_before_ns = 0
        self._process: _Process | None = self._started()

    @property
    def busy(self) -> bool:
        """Tell whether it works on a frame."""
        return self._lost_at_ns is not None

    @property
    def fault(self) -> str | None:
        """Tell what keeps it from working, in one line."""
        if self._deaths and not self._begun:
            return "its process does not start"
        return f"it ended {self._deaths} times in a row" if self._deaths > DEATHS_FREE else None

    def ready(self, timeout_s: float) -> bool:
        """Wait until it has loaded what it needs, at most so long."""
        until_ns = self._monotonic_ns() + round(timeout_s * 1e9)
        while not self._ready and self._process:
            message = self._received(max(0, until_ns - self._monotonic_ns()) / 1e9)
            if message is None:
                break
            if isinstance(message, Ready):
                self._ready = self._begun = True
            else:  # nothing else comes first
                self._lost()
        return self._ready

    def offer(
        self, luma: NDArray[np.uint8], regions: Sequence[Region], presentation: int, limit_ms: float | None = None
    ) -> bool:
        """Hand a frame over, to be done with within `limit_ms`; False where it is busy, rests, or it is too large."""
        if self._closed or self.busy or self._monotonic_ns() < self._not_before_ns:
            return False
        self._process = self._process or self._started()
        if not self.ready(0):
            return False
        part, self._left, self._top = luma, 0, 0
        if luma.size > FRAME_MAX_BYTES:
            part, self._left, self._top = part_of(luma, regions[0])
            regions = regions[:1]
        if part.size > FRAME_MAX_BYTES:
            return False
        self._number += 1
        height_px, width_px = part.shape
        places = tuple((at.x - self._left, at.y - self._top, at.width, at.height, at.score) for at in regions)
        self._memory[: part.size] = part.data.cast("B")
        self._lost_at_ns = self._monotonic_ns() + round(self._limit_ms * 1e6) + GRACE_NS
        return self._sent(Job(self._number, presentation, height_px, width_px, places, limit_ms))

    def poll(self, timeout_s: float) -> Answer | None:
        """Give the answer for the frame that was handed over, waiting at most so long; None: there is none yet."""
        if not self.busy:
            return None
        until_ns = self._monotonic_ns() + round(timeout_s * 1e9)
        for _ in range(MESSAGES_MAX):
            message = self._received(max(0, until_ns - self._monotonic_ns()) / 1e9)
            if message is None:
                break
            if isinstance(message, Ready) or message.number > self._number:
                self._lost()  # it tells what cannot be
                break
            if isinstance(message, Done) and message.number == self._number:
                self._lost_at_ns, self._deaths = None, 0
                return Answer([self._symbol(message.symbol)] if message.symbol else [])
            self._died()
            if message.number == self._number:  # else of the job before: this one waits in the socket
                self._lost_at_ns = None
                break
        if self._lost_at_ns is not None and self._monotonic_ns() >= self._lost_at_ns:
            self._lost()
        return None if self.busy else Answer([])

    def close(self) -> None:
        """End the process; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._end()
            self._memory.close()
            os.close(self._memory_fd)

    def _started(self) -> _Process | None:
        """Start the process, in a group of its own: Ctrl-C is not for it, and all of it can be ended at once."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs, ExitStack() as failed:
                failed.callback(ours.close)
                process = self._opened(theirs.fileno())
                failed.pop_all()
        except OSError:  # no more processes, memory or descriptors: the frames are read without it
            self._died()
            self._rest()
            return None
        return _Process(process, ours)

    def _opened(self, link_fd: int) -> subprocess.Popen[bytes]:
        """Run the program with our own modules, and none that lies in the folder where we happen to be."""
        modules = os.pathsep.join(filter(None, sys.path))
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", PROGRAM, *map(str, (link_fd, self._memory_fd, self._limit_ms, self._work))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what libraries say of a stranger's picture belongs in no log
            pass_fds=(link_fd, self._memory_fd),
            # it forks, which threads of linear algebra would not survive
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": modules},
            process_group=0,
        )

    def _received(self, timeout_s: float) -> Message | None:
        """Wait for what the process says; None where it says nothing in time, or is lost."""
        if self._process is None:
            return None
        link = self._process.link
        if not select([link], [], [], timeout_s)[0]:
            return None
        try:
            return messages.decode(link.recv(MESSAGE_MAX_BYTES))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # its end is no message either
            self._lost()
            return None

    def _sent(self, job: Job) -> bool:
        try:
            if self._process:
                self._process.link.send(encode(job))
        except OSError:
            self._lost()
        return self.busy

    def _symbol(self, told: Told) -> Symbol:
        corners = tuple((x + self._left, y + self._top) for x, y in told.corners)
        return Symbol(told.text if is_text(told.text) else "", told.format, corners, told.data)

    def _lost(self) -> None:
        """End what is left of a process that died or hangs; the next offer starts another, after a while."""
        self._end()
        self._died()
        self._rest()

    def _rest(self) -> None:
        self._not_before_ns = max(self._not_before_ns, self._monotonic_ns() + PAUSE_NS[0])

    def _died(self) -> None:
        self._deaths += 1
        again = self._deaths - DEATHS_FREE
        if again > 0:
            self._not_before_ns = self._monotonic_ns() + min(PAUSE_NS[0] << min(again - 1, 10), PAUSE_NS[1])

    def _end(self) -> None:
        gone, self._process = self._process, None
        self._ready, self._lost_at_ns = False, None
        if gone:
            with suppress(ProcessLookupError):
                os.killpg(gone.process.pid, signal.SIGKILL)
            gone.link.close()
            gone.process.wait()
