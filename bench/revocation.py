"""Revocation at national scale: compiling a set, loading it, looking up in it, and a day's delta.

Each step runs in an interpreter of its own, so that its memory is told apart. Hashes are random.

Compile: `compile_set` from runs of a million hashes to the synced file; the peer only draws and sorts as many (numpy).
Load: with nothing of it in the page cache the file is mapped, and its index read and checked (median of three); memory
is what the process grew by (RSS).
Look-up: half of the hashes are in the set. *Warm* after all were asked once; *cold* with nothing of the file in the
page cache: how many of its pages are there after one look-up (mincore), and how many major faults that took. The
peer is a bisection of the same mapped file without an index; up to a million hashes also a Python frozenset.
Delta: one in a thousand goes and as many come, at most 10,000 each; `make_delta`, then `apply` to a synced file. The
peer copies the file before, with its SHA-256. Memory is the peak of Python's own, in a run of its own.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any, TypeVar

import numpy as np

from bench.common import Limit, add_folder, arguments, console, finish, progress, table
from bench.look_ups import looking_up
from bench.page_cache import drop, mapped
from centre.trust.compiling import compile_set, make_delta
from verifier.revocation_delta import apply, decode
from verifier.revocation_set import HASH_BYTES, RevocationSet

COUNT, LEAST, QUICK_COUNT, QUICK_LEAST = 10_000_000, 1_000_000, 100_000, 10_000
RUN = 1_000_000
CHANGED_MAX, CHANGED_SHARE = 10_000, 1000
KID = bytes(8)
MIB = 2**20
COMPILE_MAX_S, COMPILE_MAX_MIB = 60.0, 1024.0
LOAD_MAX_MS, LOAD_MAX_MIB = 50.0, 8.0
WARM_MAX_US, COLD_PAGES, FLAT_MAX = 10.0, 1, 2.0
DELTA_MAX_KIB, APPLY_MAX_S, APPLY_MAX_MIB = 250.0, 5.0, 8.0

T = TypeVar("T")


@dataclass(slots=True)
class Took:
    """Wall and CPU time of a step, in seconds."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def timed() -> Iterator[Took]:
    """Time what is within."""
    took, wall_s, cpu_s = Took(), time.perf_counter(), time.process_time()
    yield took
    took.wall_s, took.cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s


def alone(step: Callable[..., T], *args: object) -> T:
    """Run a step in an interpreter of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(step, *args).result()


def runs(count: int, seed: int) -> Iterator[bytes]:
    """Yield random hashes, many at a time; never all at once."""
    draw = np.random.default_rng(seed)
    for start in range(0, count, RUN):
        yield draw.bytes(HASH_BYTES * min(RUN, count - start))


def compiling(path: Path, count: int) -> dict[str, Any]:
    """Compile a set; tell the time, and the largest size of the whole process."""
    with timed() as took:
        made = compile_set("uci", KID, runs(count, 1), path)
    return {
        "count": made.count,
        "file_mib": made.size / MIB,
        "wall_s": took.wall_s,
        "cpu_s": took.cpu_s,
        "peak_mib": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def sorting(count: int) -> float:
    """Return the seconds of CPU that it takes to draw and sort as many hashes."""
    with timed() as took:
        np.frombuffer(bytearray(b"".join(runs(count, 1))), f"S{HASH_BYTES}").sort()
    return took.cpu_s


def loading(path: Path) -> dict[str, float]:
    """Load a set of which nothing is in the page cache; tell the time, and what memory it took."""
    drop(path, mapped(path))
    before_kib = _rss_kib()
    with timed() as took:
        found = RevocationSet(mapped(path))
    grown_kib = _rss_kib() - before_kib
    return {"hashes": len(found), "ms": took.wall_s * 1e3, "cpu_ms": took.cpu_s * 1e3, "mib": grown_kib / 1024}


def _rss_kib() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def changing(old: Path, new: Path, changed: int) -> None:
    """Compile the set of the next day: so many gone, so many come."""
    was = np.frombuffer(RevocationSet(mapped(old)).hashes, f"S{HASH_BYTES}")
    draw = np.random.default_rng(3)
    stays = np.ones(len(was), np.bool_)
    stays[draw.choice(len(was), changed, replace=False)] = False
    parts = (was[at : at + RUN][stays[at : at + RUN]].tobytes() for at in range(0, len(was), RUN))
    compile_set("uci", KID, (blob for blobs in (parts, runs(changed, 4)) for blob in blobs), new)


def differing(old: Path, new: Path, to: Path) -> dict[str, float]:
    """Make the delta of two sets."""
    with timed() as took:
        to.write_bytes(make_delta(old, new))
    return {"kib": to.stat().st_size / 1024, "make_s": took.wall_s, "make_cpu_s": took.cpu_s}


def applying(old: Path, delta: Path, to: Path) -> dict[str, float]:
    """Apply a delta, to a file that is synced."""
    with timed() as took, to.open("wb") as file:
        apply(mapped(old), decode(delta.read_bytes()), file.write)
        file.flush()
        os.fsync(file.fileno())
    return {"apply_s": took.wall_s, "apply_cpu_s": took.cpu_s}


def copying(old: Path, to: Path) -> dict[str, float]:
    """Copy a file with its SHA-256, synced: what nobody who makes a new one is spared."""
    digest = hashlib.sha256()
    with timed() as took, old.open("rb") as source, to.open("wb") as file:
        while data := source.read(MIB):
            digest.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return {"copy_s": took.wall_s, "copy_cpu_s": took.cpu_s}


def peak_of_applying(old: Path, delta: Path) -> float:
    """Return the peak of Python's memory while a delta is applied, in MiB."""
    file, change = mapped(old), decode(delta.read_bytes())
    tracemalloc.start()
    apply(file, change, lambda _: None)
    return tracemalloc.get_traced_memory()[1] / MIB


def daily(folder: Path, old: Path, changed: int) -> dict[str, Any]:
    """Make and apply a day's delta; what it makes is the new set, byte for byte."""
    new, delta, made = folder / "new", folder / "delta", folder / "made"
    alone(changing, old, new, changed)
    found = {"changed": changed} | alone(differing, old, new, delta) | alone(applying, old, delta, made)
    if _sha256(made) != _sha256(new):
        raise SystemExit("the delta makes another set: there is nothing to measure")
    return found | alone(copying, old, made) | {"apply_peak_mib": alone(peak_of_applying, old, delta)}


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def measured(folder: Path, sizes: list[int], bar: Callable[[str], None]) -> dict[str, Any]:
    """Return everything by size, and the delta of the greatest."""
    found: dict[str, Any] = {}
    for size in sizes:
        path = folder / f"{size}.set"
        bar(f"{size:,}: compile")
        compiled = alone(compiling, path, size) | {"sort_cpu_s": alone(sorting, size)}
        bar(f"{size:,}: load, look up")
        load = sorted((alone(loading, path) for _ in range(3)), key=lambda one: one["ms"])[1]
        found[str(size)] = {"compile": compiled, "load": load, "look_up": alone(looking_up, path)}
    bar(f"{sizes[-1]:,}: delta")
    delta = daily(folder, folder / f"{sizes[-1]}.set", min(CHANGED_MAX, sizes[-1] // CHANGED_SHARE))
    return {"sizes": found, "delta": delta}


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    columns = (">compile s", ">CPU s", ">CPU to sort", ">peak MiB", ">load ms", ">load MiB")
    shown = table("sets by size", ">hashes", *columns)
    for size, found in result["sizes"].items():
        made, load = found["compile"], found["load"]
        figures = (made["wall_s"], made["cpu_s"], made["cpu_s"] / made["sort_cpu_s"], made["peak_mib"])
        shown.add_row(f"{int(size):,}", *(f"{figure:.1f}" for figure in (*figures, load["ms"], load["mib"])))
    console.print(shown)
    shown = table("look-ups", ">hashes", "in", ">warm p50 us", ">p99 us", ">cold pages", ">faults", ">cold p50 us")
    for size, found in result["sizes"].items():
        for name, warm in found["look_up"]["warm_us"].items():
            cold = found["look_up"]["cold"].get(name)
            counted = [str(cold["pages_max"]), str(cold["major_faults_max"]), f"{cold['p50_us']:.0f}"] if cold else []
            shown.add_row(f"{int(size):,}", name, f"{warm['p50']:.2f}", f"{warm['p99']:.2f}", *counted)
    console.print(shown)
    shown = table("a day's delta", "what", ">")
    for name, figure in result["delta"].items():
        shown.add_row(name.replace("_", " "), f"{figure:,.2f}")
    console.print(shown)


def limits_of(result: dict[str, Any]) -> list[Limit]:
    """Return the figures that were asked for: costs that grow with a set at 10 million, the others at any size."""
    sizes, delta = result["sizes"], result["delta"]
    least, greatest = next(iter(sizes.values())), list(sizes.values())[-1]
    warm = greatest["look_up"]["warm_us"]["set"]["p50"]
    limits = [
        Limit("look-up, warm, p50", warm, WARM_MAX_US, "us"),
        Limit("look-up, cold, pages", greatest["look_up"]["cold"]["set"]["pages_max"], COLD_PAGES, least=COLD_PAGES),
        Limit("look-up to that in the least set", warm / least["look_up"]["warm_us"]["set"]["p50"], FLAT_MAX, "x"),
        Limit("delta on the wire", delta["kib"], DELTA_MAX_KIB, "KiB"),
    ]
    if greatest["load"]["hashes"] <= COUNT:
        made, load = greatest["compile"], greatest["load"]
        limits += [
            Limit("compile", made["wall_s"], COMPILE_MAX_S, "s"),
            Limit("compile, peak", made["peak_mib"], COMPILE_MAX_MIB, "MiB"),
            Limit("load", load["ms"], LOAD_MAX_MS, "ms"),
            Limit("load, memory", load["mib"], LOAD_MAX_MIB, "MiB"),
            Limit("apply the delta", delta["apply_s"], APPLY_MAX_S, "s"),
            Limit("apply, peak", delta["apply_peak_mib"], APPLY_MAX_MIB, "MiB"),
        ]
    return limits


def sizes_of(args: argparse.Namespace) -> list[int]:
    """Return the sizes to measure, ascending."""
    if args.quick:
        return [QUICK_LEAST, QUICK_COUNT]
    return sorted({LEAST, min(COUNT, args.count), args.count})


def main() -> int:
    """Measure, print, write."""
    parser = arguments("revocation", __doc__)
    parser.add_argument("--count", type=int, default=COUNT, help=f"hashes in the greatest set; default {COUNT:,}")
    add_folder(parser)
    args = parser.parse_args()
    sizes = sizes_of(args)
    with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as name, progress() as bar:
        task = bar.add_task("revocation", total=2 * len(sizes) + 1)
        result = measured(Path(name), sizes, lambda doing: bar.update(task, description=doing, advance=1))
    show(result)
    return finish("revocation", result, limits_of(result), args)


if __name__ == "__main__":
    sys.exit(main())
