"""What the reader costs beside zxing-cpp on the same frames, in an empty room, and in memory over many frames."""

import contextlib
import os
import resource
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from statistics import median
from typing import Any

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from bench.common import progress
from bench.reading_frames import Frame
from bench.reading_readers import Luma, Timed, cpu_s, descendants, mean, timed, zxing
from bench.startup import size_of
from drivers.clock import open_clock
from provisioning.read_ahead import Ahead, Picture
from provisioning.read_line import Answer
from provisioning.read_play import Player
from provisioning.read_still import StillReader

FPS = 15.0
PRESENTATION = 50  # frames, of the run that memory is measured in
WARM = 3
LOOKS = 50  # at memory; the first tenth is not counted, for libraries take some once


def ratios(reader: Timed, empty: Sequence[Frame], full: Sequence[Frame]) -> dict[str, Any]:
    """Return what our first turn costs beside zxing-cpp, in turns, on empty frames and on those that it reads."""
    for frame in [*empty[:WARM], *full[:WARM]]:  # what is loaded once is nobody's cost
        zxing(frame.luma)
        _first_look(reader, frame.luma, alone=True)
    readable = [frame for frame in full if frame.text in zxing(frame.luma)]
    return {
        "empty": _ratio(reader, empty, alone=False),
        "empty 1280": _ratio(reader, [frame for frame in empty if frame.set.endswith("1280")], alone=False),
        "read": _ratio(reader, readable, alone=True),
    }


def _ratio(reader: Timed, frames: Sequence[Frame], *, alone: bool) -> dict[str, float]:
    """Compare, either one first every other time; `alone`: each frame is a presentation of its own."""
    ours: list[float] = []
    theirs: list[float] = []
    with progress() as bar:
        for number, frame in enumerate(bar.track(frames, description="beside zxing-cpp")):
            if number % 2:
                ours.append(_first_look(reader, frame.luma, alone=alone))
            theirs.append(timed(zxing, frame.luma)[1])
            if not number % 2:
                ours.append(_first_look(reader, frame.luma, alone=alone))
            frame.forget()
    return {"frames": len(ours), "ours_ms": mean(ours), "zxing_ms": mean(theirs), "ratio": mean(ours) / mean(theirs)}


def _first_look(reader: Timed, luma: Luma, *, alone: bool) -> float:
    if alone:
        reader.forget()
    reader.read(luma)
    cpu_ms = reader.costs[-1].cpu_ms
    while reader.pending:  # its core is this one's neighbour
        reader.poll(1.0)
    return cpu_ms


def false_reads(reader: StillReader, frames: Sequence[Frame]) -> list[str]:
    """Return what was read on empty frames, all looks and the rescue included."""
    found = []
    for frame in frames:
        answer = reader.read(frame.path.name, frame.luma)
        found += [f"{frame.path.name}: {symbol.text[:40]!r}" for symbol in answer.seen.symbols]
        frame.forget()
    return found


def empty_room(reader: Timed, rooms: Sequence[Frame], seconds: int) -> dict[str, float]:
    """Look at empty rooms, each for a second, and return what shares of a core the reader and its rescue take."""
    reader.forget()
    frames_before, rescue_before_s = len(reader.costs), children_cpu_s()
    clock = open_clock("system")
    player = Player(reader, clock, time.sleep, FPS, keeps_newest=True, last_wait_s=0.5)
    told = [one for one in player.play(Ahead(_noisy(rooms, seconds), clock)) if isinstance(one, Answer)]
    rescue_s = children_cpu_s() - rescue_before_s
    fast_s = sum(cost.cpu_ms for cost in reader.costs[frames_before:]) / 1e3
    return {
        "seconds": seconds,
        "dropped": sum(one.dropped for one in told),
        "read": sum(bool(one.seen.symbols) for one in told),
        "fast_share": fast_s / seconds,
        "rescue_share": rescue_s / seconds,
    }


def _noisy(rooms: Sequence[Frame], seconds: int) -> Iterator[Picture]:
    """Give a camera's frames of each room for a second: the same but for the sensor's noise."""
    rng = np.random.default_rng(0)
    grain = rng.integers(-2, 3, 2**21, np.int16)
    for room in islice(cycle(rooms), seconds):
        for _ in range(int(FPS)):
            yield room.path.name, partial(_with_grain, room.luma, np.roll(grain, rng.integers(grain.size)))
        room.forget()


def _with_grain(luma: Luma, grain: NDArray[np.int16]) -> Luma:
    return np.asarray(np.clip(luma + grain[: luma.size].reshape(luma.shape), 0, 255), np.uint8)


def memory(reader: Timed, count: int) -> dict[str, float]:
    """Read so many cheap frames of all kinds and return the PSS of this process and of the rescue's, early and late."""
    kinds = _cheap_frames()
    looks: list[tuple[float, float]] = []
    with progress() as bar:
        for number in bar.track(range(count), description="memory"):
            if number % PRESENTATION == 0:
                reader.forget()
            reader.read(kinds[number % len(kinds)])
            del reader.costs[:]
            if number % max(1, count // LOOKS) == 0:
                looks.append((_pss_mib([os.getpid()]), _pss_mib(descendants(os.getpid()))))
    early, late = looks[LOOKS // 10 : LOOKS // 5] or looks[:1], looks[-LOOKS // 10 :]
    names = ("reader", "rescue")
    found = {f"{name}_early_mib": median(look[at] for look in early) for at, name in enumerate(names)}
    found |= {f"{name}_late_mib": median(look[at] for look in late) for at, name in enumerate(names)}
    return {"frames": count} | found


def _cheap_frames() -> list[Luma]:
    """Make small frames: codes that read and that do not, noise, patterns, and shapes that no camera has."""
    modules = np.array(segno.make("HC1:" + "A" * 200, micro=False).matrix, np.uint8)
    code = np.pad(_enlarged(1 - modules, 3), 24, constant_values=255)
    checks = np.tile(np.eye(2, dtype=np.uint8), (15, 20))
    noise = np.random.default_rng(0).integers(0, 256, (240, 320), np.uint8)
    shapes = [np.zeros(shape, np.uint8) for shape in ((240, 320), (4, 4), (1, 2000), (2000, 3))]
    codes = [code, 255 - code, cv2.GaussianBlur(code, (0, 0), 2.2), code[: code.shape[0] // 2]]
    return [*codes, noise, 255 - shapes[0], _enlarged(checks, 8), *shapes]


def _enlarged(modules: Luma, times: int) -> Luma:
    return np.repeat(np.repeat(modules * np.uint8(255), times, axis=0), times, axis=1)


def children_cpu_s() -> float:
    """Return the CPU time of all processes that came of this one, ended or not, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + cpu_s(descendants(os.getpid()))


def _pss_mib(pids: Sequence[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):  # the rescue was stopped at its limit meanwhile
            total += size_of(pid)["pss_mib"]
    return total
