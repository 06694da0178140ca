"""Sequences of one camera in real time: when each reader has read, what a frame costs; and that on a slower machine.

A machine slower by a factor is this one with budget, limit and frame period divided by it: all that it may do between
two frames is then as little.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from bench.common import percentile, progress
from bench.reading_frames import Frame
from bench.reading_readers import PEERS, Peer, Timed, mean
from drivers.clock import open_clock
from drivers.symbols import open_frame_reader
from provisioning.read_ahead import Ahead, Luma
from provisioning.read_line import Answer
from provisioning.read_play import Player

FPS = 15.0
WITHIN = {"0.53": 8, "1.0": 15, "1.6": 24}  # seconds, and the frames that have been shown by then
NEVER = 10**6
READY_S = 10.0  # for the rescue's process to load its libraries


@dataclass(frozen=True, slots=True)
class Setting:
    """What a frame and a rescue may take, and by what factor the machine is slower."""

    budget_ms: float
    limit_ms: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sequence: the first frame that read it, by which arm; frames dropped; what was read and is not so."""

    first: int
    arm: str
    dropped: int
    false: list[str]


def sequences(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Put frames together that belong together."""
    return [list(group) for _, group in groupby(frames, key=lambda frame: frame.sequence)]


def in_real_time(rows: Sequence[list[Frame]], setting: Setting) -> dict[str, Any]:
    """Play sequences to our reader and return when it read, what frames cost, what was dropped and what was false."""
    with progress() as bar:
        inner = open_frame_reader(
            "pipeline",
            budget_ms=setting.budget_ms / setting.factor,
            rescue_limit_ms=setting.limit_ms / setting.factor,
        )
        reader = Timed(inner)
        reader.ready(READY_S)
        try:
            played = [
                _outcome(_played(reader, row, setting), row)
                for row in bar.track(rows, description=f"sequences, machine slower by {setting.factor:g}")
            ]
        finally:
            reader.close()
    return {
        "within": _within([one.first for one in played]),
        "arms": dict(Counter(one.arm for one in played)),
        "dropped": sum(one.dropped for one in played),
        "false": [text for one in played for text in one.false],
    } | _costs(reader, setting.factor)


def by_peers(rows: Sequence[list[Frame]]) -> dict[str, dict[str, float]]:
    """Return when the peers had read, whatever a frame costs them, and when it was possible."""
    found = {}
    with progress() as bar:
        for name, read in PEERS.items():
            rows_shown = bar.track(rows, description=f"sequences by {name}")
            found[name] = _within([_index(_hits(read, row)) for row in rows_shown])
    return found | {"bound": _within([_index(frame.bound for frame in row) for row in rows])}


def _played(reader: Timed, row: list[Frame], setting: Setting) -> list[Answer]:
    clock = open_clock("system")
    reader.forget()
    pictures = [(frame.path.name, partial(_given, frame.luma)) for frame in row]
    wait_s = setting.limit_ms / setting.factor / 1e3 + 0.25
    fps = FPS * setting.factor
    player = Player(reader, clock, time.sleep, fps, keeps_newest=True, last_wait_s=wait_s)
    told = [one for one in player.play(Ahead(pictures, clock)) if isinstance(one, Answer)]
    for frame in row:
        frame.forget()
    return told


def _given(luma: Luma) -> Luma:
    return luma


def _outcome(told: list[Answer], row: list[Frame]) -> Outcome:
    text = row[0].text
    first = _index(any(symbol.text == text for symbol in one.seen.symbols) for one in told)
    read = [(one.file, symbol.text) for one in told for symbol in one.seen.symbols]
    return Outcome(
        first,
        str(told[first].seen.arm) if first < NEVER else "-",
        sum(one.dropped for one in told),
        [f"{file}: {found[:40]!r}" for file, found in read if found and found != text],
    )


def _hits(read: Peer, row: list[Frame]) -> Iterator[bool]:
    for frame in row:
        yield frame.text in read(frame.luma)
        frame.forget()


def _index(hits: Iterable[bool]) -> int:
    return next((number for number, hit in enumerate(hits) if hit), NEVER)


def _within(firsts: list[int]) -> dict[str, float]:
    return {name: mean([float(first < frames) for first in firsts]) for name, frames in WITHIN.items()}


def _costs(reader: Timed, factor: float) -> dict[str, Any]:
    """Return the milliseconds of a frame and of the rescues, as on the slower machine."""
    cpu, wall = [cost.cpu_ms for cost in reader.costs], [cost.wall_ms for cost in reader.costs]
    return {
        "frames": len(cpu),
        "cpu_ms": {"mean": mean(cpu) * factor, "p95": percentile(cpu, 0.95) * factor, "max": max(cpu) * factor},
        "wall_ms": {"mean": mean(wall) * factor, "p95": percentile(wall, 0.95) * factor, "max": max(wall) * factor},
        "rescues": reader.rescues,
        "rescued": reader.rescued,
    }
