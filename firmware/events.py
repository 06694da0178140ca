"""The closed list of log events: one class an event, one JSON line each on standard error.

No names, no pass, no UCI: every field is a code, a number, or one of our own identifiers. The lines look like
structlog's, without its 13 MiB of memory in each program. `t_ns` is `time.monotonic_ns()`, comparable between the
programs of one machine; the date is added by the system's journal.
"""

import os
import select
import socket
import stat
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec

STEPS = ("capture_to_read", "read_to_gate", "verify", "record", "light")


class LogEvent(msgspec.Struct, frozen=True, tag_field="event"):
    """What all events share."""


class Started(LogEvent, frozen=True, tag="started"):
    """A program is ready."""

    program: str
    demo: bool = False


class Stopped(LogEvent, frozen=True, tag="stopped"):
    """A program ends in order."""

    program: str


class StartRefused(LogEvent, frozen=True, tag="start-refused"):
    """A program does not start: configuration or devices; `why` names the cure."""

    program: str
    why: str


class Decided(LogEvent, frozen=True, tag="decided", omit_defaults=True):
    """A presentation was judged and recorded; times in milliseconds by step, and in total from the capture.

    `rules` are the identifiers of those that failed, or that this device could not judge.
    """

    checkin: str
    verdict: str
    reason: str
    timings_ms: dict[str, float]
    rules: tuple[str, ...] = ()


class Lit(LogEvent, frozen=True, tag="lit"):
    """The lamps show a recorded decision; `lease_s` is 0 unless green."""

    checkin: str
    lease_s: float


class RecordFailed(LogEvent, frozen=True, tag="record-failed"):
    """The journal did not take a check-in or a probe: no green until it does again."""

    why: str


class JournalSetAside(LogEvent, frozen=True, tag="journal-set-aside"):
    """A corrupt journal was kept under another name and a new one begun."""

    file: str


class ServiceLost(LogEvent, frozen=True, tag="service-lost"):
    """The gate is out of service."""

    reason: str


class ServiceBack(LogEvent, frozen=True, tag="service-back"):
    """The gate is in service again."""


class InternalError(LogEvent, frozen=True, tag="internal-error"):
    """Something unexpected happened in one reading: its kind and place, never its text."""

    kind: str
    where: str


class ReadingDropped(LogEvent, frozen=True, tag="reading-dropped"):
    """Readers' messages were not taken: `malformed`, or older than a presentation may be (`stale`).

    The first is told at once, then their count, at most once a second.
    """

    why: str
    count: int = 1


class CameraFault(LogEvent, frozen=True, tag="camera-fault"):
    """The camera gives no frames: a code, and what to do."""

    fault: str
    cure: str


class CameraBack(LogEvent, frozen=True, tag="camera-back"):
    """The camera gives frames again; `skipped` counts frames that were none (empty, wrong shape)."""

    skipped: int


class RescueFault(LogEvent, frozen=True, tag="rescue-fault"):
    """The rescue of frames that do not read rests for a while, as its process died again and again."""

    why: str


class ProgramStarted(LogEvent, frozen=True, tag="program-started"):
    """The supervisor started a program."""

    program: str
    pid: int


class ProgramEnded(LogEvent, frozen=True, tag="program-ended"):
    """A program of the supervisor's ended; `status` is its exit code, negative a signal."""

    program: str
    status: int
    restart_s: float | None


class WatchdogExpired(LogEvent, frozen=True, tag="watchdog-expired"):
    """A program did not turn its loop in time and is killed."""

    program: str


class LinesDropped(LogEvent, frozen=True, tag="lines-dropped"):
    """So many events before this one found no room in the log."""

    count: int


class DarkenFailed(LogEvent, frozen=True, tag="darken-failed"):
    """The lamps of a dead gate could not be put out from outside."""

    status: int


class Unrecorded(LogEvent, frozen=True, tag="unrecorded"):
    """So many answers, none of them green, were given without a record: there are too many of them."""

    count: int


class TrustLoaded(LogEvent, frozen=True, tag="trust-loaded"):
    """The trust folder was read: so many signers, and so many entries of its list that no pass can be checked with.

    `version` is the store's number, 0 where plain files were read. At work, this is another store than before.
    """

    signers: int
    unusable: int
    version: int = 0


class TrustUnreadable(LogEvent, frozen=True, tag="trust-unreadable"):
    """Another trust store is there and cannot be used: the one before stays in use; `why` names the cure."""

    why: str


class Crashed(LogEvent, frozen=True, tag="crashed"):
    """A program ends by an unexpected error: its kind and place, never its text."""

    kind: str
    where: str


def write_now(fd: int, data: "bytes | memoryview") -> int:
    """Write to a descriptor what has room at once, `PIPE_BUF` bytes at most; return how many bytes were written.

    A pipe takes all or nothing, a terminal what it has room for (and select(2) calls one writable that has less).

    Raises: OSError; BlockingIOError where there is no room.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return os.write(fd, data)
    if stat.S_ISSOCK(mode):  # the system's journal
        with socket.socket(fileno=os.dup(fd)) as end:
            return end.send(data, socket.MSG_DONTWAIT)
    try:  # O_NONBLOCK on a description of our own: others that share the terminal or pipe keep theirs
        own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # another user's, or no descriptor is left
        return _write_where_writable(fd, data)
    try:
        return os.write(own, data)
    finally:
        os.close(own)


def _write_where_writable(fd: int, data: "bytes | memoryview") -> int:
    if not select.select([], [fd], [], 0)[1]:
        raise BlockingIOError
    return os.write(fd, data)  # never waits for a pipe; may wait for a terminal that is all but full


class Log:
    """Writes each event as one line, in one write that never waits: a log that nobody reads never stops a gate."""

    def __init__(self, fd: int = 2) -> None:
        """Write to a descriptor, which stays open as long as this is used (standard error)."""
        self._fd = fd
        self._dropped = 0
        self._torn = False  # is the last line there only in part?

    def __call__(self, event: LogEvent) -> None:
        """Write an event, and before it how many found no room; where there is none, count it."""
        if self._dropped and self._write(LinesDropped(self._dropped)):
            self._dropped = 0
        if not self._write(event):
            self._dropped += 1

    def _write(self, event: LogEvent) -> bool:
        start = b"\n" if self._torn else b""
        try:
            fields: dict[str, Any] = msgspec.to_builtins(event)
            line = start + msgspec.json.encode({"t_ns": time.monotonic_ns()} | fields)
            data = line[: select.PIPE_BUF - 1] + b"\n"
            written = write_now(self._fd, data)
        except (OSError, ValueError):  # no room, a full disk, a pipe or terminal that was closed; text that is none
            return False
        if written:
            self._torn = written < len(data)
        return written == len(data)


log = Log()


def step_times_ms(marks: tuple[int, ...]) -> dict[str, float]:
    """Return the times between the marks of one decision (monotonic ns) by step, in milliseconds."""
    steps = {name: (end - start) / 1e6 for name, start, end in zip(STEPS, marks, marks[1:], strict=False)}
    return {**steps, "total": (marks[-1] - marks[0]) / 1e6}


def place_of(error: BaseException) -> str:
    """Return file and line of an error: never its text, which may quote a pass."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
