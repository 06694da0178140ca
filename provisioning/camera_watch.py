"""What the program that looks through the camera tells, as it comes; it is ended where it hangs."""

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from provisioning.camera_sight import Line, Opened, Sight
from provisioning.exits import Exit

SILENCE_S = 10.0  # a camera opens in two seconds; a sweep that sees no code says nothing for longer
SWEEP_S = 90.0  # sixteen places of the lens, 3.5 s each where no code is seen
LINE_MAX_BYTES = 4096
READ_BYTES = 65_536
SIGHTS_MAX = 20_000  # an hour's; bounds memory
END_S = 3.0


class WatchError(Exception):
    """It cannot be looked through the camera: with which exit code, the text's code, and why."""

    def __init__(self, exit_: Exit, code: str, why: str = "") -> None:
        super().__init__(code, why)
        self.exit, self.code, self.why = exit_, code, why


@dataclass
class Seen:
    """All that was told."""

    opened: Opened
    sharpest: float | None = None
    sights: list[Sight] = field(default_factory=list)


def watched(command: Sequence[str], user: Mapping[str, Any], show: Callable[[Seen], None]) -> Seen:
    """Start the program, as which user, and call `show` with all that was seen after each sight. Raises: WatchError."""
    seen: Seen | None = None
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **user
    ) as program:
        try:
            for line in _lines(program):
                seen = _taken(line, seen)
                if seen is not None:
                    show(seen)
        finally:
            _end(program)
    if seen is None or not seen.sights:
        raise WatchError(Exit.UNAVAILABLE, "camera-crashed", str(program.returncode))
    return seen


def _taken(line: Line, seen: Seen | None) -> Seen | None:
    if line.fault is not None:
        raise WatchError(Exit.CONFIG, "camera-fault", line.fault)
    if line.opened is not None:
        return Seen(line.opened)
    if seen is None:
        return None
    if line.sight is None:
        seen.sharpest = line.sharpest
    elif len(seen.sights) < SIGHTS_MAX:
        seen.sights.append(line.sight)
    return seen


def _lines(program: "subprocess.Popen[bytes]") -> Iterator[Line]:
    """Give each line as it comes. Raises: WatchError where none comes for long, or what comes is none."""
    assert program.stdout is not None  # noqa: S101 - a pipe was asked for
    rest, patience_s = b"", SILENCE_S
    while True:
        began_s = time.monotonic()
        if not select.select([program.stdout], [], [], patience_s)[0]:
            raise WatchError(Exit.UNAVAILABLE, "camera-hangs", f"{time.monotonic() - began_s:.0f}")
        data = os.read(program.stdout.fileno(), READ_BYTES)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        if len(rest) > LINE_MAX_BYTES:
            raise WatchError(Exit.UNAVAILABLE, "camera-crashed", "-")
        for text in whole:
            line = _decoded(text)
            patience_s = SWEEP_S if line.opened is not None else SILENCE_S
            yield line


def _decoded(text: bytes) -> Line:
    try:
        return msgspec.json.decode(text, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WatchError(Exit.UNAVAILABLE, "camera-crashed", "-") from None


def _end(program: "subprocess.Popen[bytes]") -> None:
    """Let the program end by itself, or by force: a camera's driver may hang."""
    if program.poll() is None:
        program.terminate()
    try:
        program.wait(END_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
