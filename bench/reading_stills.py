"""Stills and photographs: how many each reader reads, rightly and falsely, and what a frame costs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.common import percentile, progress
from bench.reading_frames import Frame, Photo, in_one_layout
from bench.reading_readers import PEERS, Luma, Timed, mean, timed
from drivers.clock import open_clock
from drivers.symbols import FrameReader
from drivers.symbols.pictures import load_luma
from firmware.config_sections import SymbolsConfig
from provisioning.read import STILL_BUDGET_MS
from provisioning.read_still import StillReader

OURS, FIRST, UNION, BOUND = "ours", "ours, first look", "union of the peers", "bound"
LIMIT_MS = SymbolsConfig().rescue_limit_ms


@dataclass
class Score:
    """What a reader made of a set of frames."""

    frames: int = 0
    right: int = 0
    false: list[str] = field(default_factory=list)
    costs_ms: list[float] = field(default_factory=list)

    def count(self, name: str, texts: set[str], expected: frozenset[str], known: frozenset[str] = frozenset()) -> None:
        """Count a frame: right where all its texts were read; else what was read is false, if it is not `known`."""
        self.frames += 1
        self.right += bool(expected) and expected <= texts
        self.false += [f"{name}: {text[:40]!r}" for text in sorted(texts - expected - known)]

    def told(self) -> dict[str, Any]:
        """Return it for the result."""
        costs = {}
        if self.costs_ms:
            costs = {"cpu_ms_mean": mean(self.costs_ms), "cpu_ms_p95": percentile(self.costs_ms, 0.95)}
        share = self.right / self.frames if self.frames else 0.0
        return {"frames": self.frames, "right": self.right, "share": share, "false": self.false} | costs


def still_reader(reader: FrameReader) -> StillReader:
    """Return what reads pictures as `greengate read` does."""
    return StillReader(reader, open_clock("system"), STILL_BUDGET_MS, LIMIT_MS)


def stills(reader: Timed, frames: Sequence[Frame]) -> dict[str, dict[str, Any]]:
    """Read rendered stills, by set and reader; the arms that read ours."""
    scores = {frame.set: {name: Score() for name in (OURS, FIRST, *PEERS, UNION, BOUND)} for frame in frames}
    arms: dict[str, Counter[str]] = {frame.set: Counter() for frame in frames}
    with progress() as bar:
        for frame in bar.track(frames, description="stills"):
            expected = frozenset([frame.text] if frame.text else [])
            arm = _one(reader, frame.path.name, frame.luma, expected, scores[frame.set])
            scores[frame.set][BOUND].count("", set(expected) if frame.bound else set(), expected)
            arms[frame.set][arm] += 1
            frame.forget()
    return {
        name: {reader: score.told() for reader, score in readers.items()} | {"arms": dict(arms[name])}
        for name, readers in scores.items()
    }


def photographs(reader: Timed, photos: Sequence[Photo]) -> dict[str, Any]:
    """Read photographs, by reader.

    Their notes name one code each, and some show more. What a note lacks is therefore false only where one reader alone
    says so: two programs do not make up the same text. A text in a wrong character set is false, whoever reads it.
    """
    scores = {name: Score() for name in (OURS, FIRST, *PEERS, UNION)}
    arms: Counter[str] = Counter()
    with progress() as bar:
        for photo in bar.track(photos, description="photographs"):
            arms[_one(reader, photo.path.name, load_luma(photo.path), photo.texts, scores, all_noted=False)] += 1
    return {name: score.told() for name, score in scores.items()} | {"arms": dict(arms)}


def said_twice(read: Iterable[set[str]]) -> frozenset[str]:
    """Return the texts that more than one reader gave."""
    readers = Counter(text for texts in read for text in texts)
    return frozenset(text for text, count in readers.items() if count > 1)


def _one(
    reader: Timed, name: str, luma: Luma, expected: frozenset[str], scores: dict[str, Score], *, all_noted: bool = True
) -> str:
    """Read a picture by all readers; return the arm that read ours."""
    read: dict[str, set[str]] = {}
    for peer, read_by in PEERS.items():
        found, cpu_ms = timed(read_by, luma)
        read[peer] = {in_one_layout(text) for text in found}
        scores[peer].costs_ms.append(cpu_ms)
    arm, read[OURS], read[FIRST] = _ours(reader, name, luma, scores)
    known = frozenset[str]() if all_noted else said_twice([read[one] for one in (OURS, *PEERS)])
    for one, texts in {**read, UNION: set[str]().union(*(read[peer] for peer in PEERS))}.items():
        scores[one].count(name, texts, expected, known)
    return arm


def _ours(reader: Timed, name: str, luma: Luma, scores: dict[str, Score]) -> tuple[str, set[str], set[str]]:
    """Return the arm that read a picture, its texts, and those that its first look gave, as a camera's frame's.

    All looks cost what this thread took for them; the rescue's share is told by its own table.
    """
    before = len(reader.costs)
    seen = still_reader(reader).read(name, luma).seen
    looks = reader.costs[before:]
    scores[FIRST].costs_ms.append(looks[0].cpu_ms)
    scores[OURS].costs_ms.append(sum(look.cpu_ms for look in looks))
    texts = {in_one_layout(symbol.text) for symbol in seen.symbols if symbol.text}
    return str(seen.arm or "-"), texts, texts if len(looks) == 1 and seen.arm != "rescue" else set()
