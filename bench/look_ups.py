"""Look-ups in a revocation set, warm and with an empty page cache, beside those of its peers."""

import mmap
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any, TypeAlias

import numpy as np

from bench.common import percentile
from bench.page_cache import cached_pages, drop, mapped
from verifier.revocation_set import HASH_BYTES, RevocationSet

ASKED, ROUNDS, COLD = 2000, 10, 200
FROZENSET_MAX = 1_000_000  # takes 100 bytes a hash

Ask: TypeAlias = Callable[[bytes], bool]


def looking_up(path: Path) -> dict[str, Any]:
    """Time look-ups in a set and in its peers, in turns, and count the pages that a cold one reads."""
    file = mapped(path)
    found = RevocationSet(file)
    file.madvise(mmap.MADV_RANDOM)
    hashes = found.hashes
    draw = np.random.default_rng(2)
    places = draw.integers(0, len(found), ASKED // 2)
    present = [bytes(hashes[place * HASH_BYTES :][:HASH_BYTES]) for place in map(int, places)]
    asked = [value for pair in zip(present, (draw.bytes(HASH_BYTES) for _ in present), strict=True) for value in pair]

    asks: dict[str, Ask] = {"set": found.__contains__, "bisection": bisection(hashes)}
    cold = {name: _cold(path, file, ask, asked[:COLD]) for name, ask in asks.items()}
    if len(found) <= FROZENSET_MAX:
        everything = bytes(hashes)
        everybody = frozenset(everything[at : at + HASH_BYTES] for at in range(0, len(everything), HASH_BYTES))
        asks["frozenset"] = everybody.__contains__
    return {"cold": cold, "warm_us": _warm(asks, asked, set(present))}


def bisection(hashes: memoryview) -> Ask:
    """Return what looks for a hash among ordered ones, without an index."""
    count = len(hashes) // HASH_BYTES

    def at(place: int) -> bytes:
        return bytes(hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def asked(value: bytes) -> bool:
        place = bisect_left(range(count), value, key=at)
        return place < count and at(place) == value

    return asked


def _warm(asks: dict[str, Ask], asked: list[bytes], present: set[bytes]) -> dict[str, Any]:
    times_us: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(ROUNDS + 1):
        for name, ask in asks.items():
            for value in asked:
                start_ns = time.perf_counter_ns()
                answer = ask(value)
                if number:  # the first round warms
                    times_us[name].append((time.perf_counter_ns() - start_ns) / 1e3)
                if answer is not (value in present):
                    raise SystemExit(f"{name} answers wrongly: there is nothing to measure")
    return {name: {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)} for name, times in times_us.items()}


def _cold(path: Path, file: mmap.mmap, ask: Ask, asked: Iterable[bytes]) -> dict[str, Any]:
    """Return how many pages of the file a look-up brings into a cache that holds none, and its major faults."""
    pages, faults, times_us = [], [], []
    for value in asked:
        drop(path, file)
        if left := cached_pages(file):
            raise SystemExit(f"{left} pages of {path} stay in the cache: try a folder on a disk (--folder)")
        before, start_ns = getrusage(RUSAGE_SELF).ru_majflt, time.perf_counter_ns()
        ask(value)
        times_us.append((time.perf_counter_ns() - start_ns) / 1e3)
        faults.append(getrusage(RUSAGE_SELF).ru_majflt - before)
        pages.append(cached_pages(file))
    return {
        "pages_max": max(pages),
        "pages_mean": sum(pages) / len(pages),
        "major_faults_max": max(faults),
        "p50_us": percentile(times_us, 0.5),
    }
