"""Time from the start of the supervisor to all programs being ready, and the memory of each program at work.

Start: `python -m firmware.supervisor` as a process of its own, until reader, gate, uplink and panel have each logged
`started` (they say READY just before); then until the gate is in service (`service-back`: the reader reads, the
journal writes). With a new journal (its schema is made by a short child process of the gate's) and with one that holds
check-ins not sent yet (the centre is away).

Memory: PSS from /proc/PID/smaps_rollup (pages shared by n processes count 1/n in each) and RSS (shared pages count in
full in each, so the sum is more than is used), after the programs have answered some passes, each shown as in the demo.
Whoever else runs on this environment makes PSS smaller; the table says so, and a copy of the environment helps. The
peer, in the same run: three bare interpreters that only import what reader, gate and uplink need of libraries.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.appliance import Log, filesystem, lay, supervised, surroundings
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from drivers.clock import open_clock
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.journal import Journal
from firmware.supervisor import PROGRAMS
from provisioning import desk

RUNS, QUICK_RUNS = 20, 1
PASSES, QUICK_PASSES = 8, 1
UNSENT, QUICK_UNSENT = 5000, 50  # a busy day without a network
START_MAX_S, MEMORY_MAX_MIB = 2.0, 160.0
PATIENCE_S = 60.0
NAMES = tuple(program.name for program in PROGRAMS)
COUNTED = ("reader", "gate", "uplink")
IMPORTS = {
    "reader": "numpy, cv2, zxingcpp, msgspec",
    "gate": "cryptography.x509, cryptography.hazmat.primitives.asymmetric.ec, cbor2, msgspec, sqlite3",
    "uplink": "paho.mqtt.client, ssl, cbor2, msgspec, sqlite3",
}
MEASURES = {"pss_mib": ("Pss",), "uss_mib": ("Private_Clean", "Private_Dirty"), "rss_mib": ("Rss",)}


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the supervisor's start to each program's readiness, to all of them, and to service."""

    programs_s: dict[str, float]
    ready_s: float
    service_s: float


def started(laid: desk.Desk) -> Start:
    """Start the programs once, and stop them."""
    path = laid.folder / "log.jsonl"
    with path.open("wb") as stream:
        start_ns = time.monotonic_ns()
        process = subprocess.Popen(
            [sys.executable, "-m", "firmware.supervisor", "--config", str(laid.config)],
            stdin=subprocess.DEVNULL,
            stderr=stream,
        )
    log = Log(path)
    try:
        events = log.wait(PATIENCE_S, _all_ready)
    finally:
        log.close()
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
    programs_s = {
        event["program"]: (event["t_ns"] - start_ns) / 1e9
        for event in events
        if event["event"] == "started" and event["program"] in NAMES
    }
    service_ns = next(event["t_ns"] for event in events if event["event"] == "service-back")
    return Start(programs_s, max(programs_s.values()), (service_ns - start_ns) / 1e9)


def _all_ready(events: list[dict[str, Any]]) -> bool:
    ready = {event["program"] for event in events if event["event"] == "started"}
    return ready.issuperset(NAMES) and any(event["event"] == "service-back" for event in events)


def starts(laid: desk.Desk, runs: int, unsent: int) -> dict[str, list[Start]]:
    """Start with a new journal and with an old one, in turns."""
    old = laid.folder / "old"
    old.mkdir()
    fill(old / "journal.db", unsent)
    found: dict[str, list[Start]] = {"new journal": [], "old journal": []}
    with desk.broker(laid), progress() as bar:
        for _ in bar.track(range(runs), description="starts"):
            for kind, times in found.items():
                for leftover in laid.folder.glob("journal.db*"):
                    leftover.unlink()
                if kind == "old journal":
                    shutil.copytree(old, laid.folder, dirs_exist_ok=True)
                times.append(started(laid))
    return found


def fill(path: Path, rows: int) -> None:
    """Make a journal with check-ins that were not sent."""
    at_ms = milliseconds(open_clock("system").now())
    with Journal.open(path) as journal, progress() as bar:
        for _ in bar.track(range(rows), description="old journal"):
            journal.append(
                CheckIn(
                    id=new_id(at_ms),
                    at_ms=at_ms,
                    clock="synchronised",
                    lane="A",
                    direction="in",
                    verdict="accepted",
                    reason="valid",
                    kinds=("vaccination",),
                    pseudonym=bytes(16),
                )
            )


def memory(laid: desk.Desk, passes: int) -> dict[str, dict[str, float]]:
    """Return the memory of each program after it has had that many passes."""
    with surroundings(laid) as centre, supervised(laid, PROGRAMS) as (supervisor, log):
        log.wait(PATIENCE_S, lambda events: sum(event["event"] == "decided" for event in events) >= passes)
        centre.wait(passes, PATIENCE_S)  # the uplink has had its share too
        pids = {name: child.pid for name, child in supervisor.children.items()}
        return {name: size_of(pid) for name, pid in pids.items() if pid}


def size_of(pid: int, proc: Path = Path("/proc")) -> dict[str, float]:
    """Return the memory of a process in MiB: PSS, what is its own only, and RSS."""
    lines = (proc / str(pid) / "smaps_rollup").read_text("ascii").splitlines()[1:]
    kib = {name.rstrip(":"): int(value) for name, value, _ in map(str.split, lines)}
    return {measure: sum(kib[field] for field in fields) / 1024 for measure, fields in MEASURES.items()}


def strangers() -> int:
    """Return how many other processes run on this environment's files: they share pages."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or somebody else's
            parent = (process / "stat").read_text("utf-8").rpartition(")")[2].split()[1]
            related = os.getpid() in (int(process.name), int(parent))
            found += not related and f"{sys.prefix}/" in (process / "maps").read_text("utf-8")
    return found


def imports_alone() -> dict[str, dict[str, float]]:
    """Return the memory of interpreters that import the same libraries, all three at once."""
    children = {
        name: subprocess.Popen(
            [sys.executable, "-c", f"import {modules}; print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name, modules in IMPORTS.items()
    }
    try:
        for child in children.values():
            if not child.stdout or not child.stdout.readline():
                raise SystemExit("a library of the appliance cannot be imported: make setup")
        return {name: size_of(child.pid) for name, child in children.items()}
    finally:
        for child in children.values():
            child.communicate(b"\n")


def together(sizes: dict[str, dict[str, float]], measure: str) -> float:
    """Return the sum over the programs that have a limit together."""
    return sum(sizes[name][measure] for name in COUNTED)


def summary(times: Sequence[Start]) -> dict[str, Any]:
    """Return p50 and the largest, of all programs and of each."""

    def of(values: Sequence[float]) -> dict[str, float]:
        return {"p50": percentile(values, 0.5), "max": max(values)}

    return {
        "ready_s": of([start.ready_s for start in times]),
        "in_service_s": of([start.service_s for start in times]),
        "programs_s": {name: of([start.programs_s[name] for start in times]) for name in NAMES},
    }


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(
        f"seconds from the start, {result['runs']} runs each",
        "ready",
        *(f">{kind}, {figure}" for kind in result["start"] for figure in ("p50", "max")),
    )
    kinds = list(result["start"].values())
    for name in NAMES:
        shown.add_row(name, *(f"{kind['programs_s'][name][figure]:.2f}" for kind in kinds for figure in ("p50", "max")))
    for name, key in (("all programs", "ready_s"), ("in service", "in_service_s")):
        shown.add_row(name, *(f"{kind[key][figure]:.2f}" for kind in kinds for figure in ("p50", "max")))
    console.print(shown)
    shown = table("memory at work, MiB", "program", ">PSS", ">its own only", ">RSS", ">PSS of the imports alone")
    for name, sizes in result["memory"].items():
        alone = result["imports_alone"].get(name)
        shown.add_row(
            name, *(f"{sizes[measure]:.1f}" for measure in MEASURES), f"{alone['pss_mib']:.1f}" if alone else ""
        )
    pss, rss, alone = (
        f"{result[key]:.1f}" for key in ("pss_mib_together", "rss_mib_together", "imports_alone_pss_mib_together")
    )
    shown.add_row(" + ".join(COUNTED), pss, "", rss, alone)
    console.print(shown)
    if result["strangers"]:
        console.print(f"{result['strangers']} other processes shared pages: PSS is smaller than alone")


def main() -> int:
    """Measure, print, write."""
    parser = arguments("startup", __doc__)
    parser.add_argument("--runs", type=int, help=f"starts of each kind; default {RUNS}, quick {QUICK_RUNS}")
    add_folder(parser)
    args = parser.parse_args()
    runs = args.runs or (QUICK_RUNS if args.quick else RUNS)
    passes, unsent = (QUICK_PASSES, QUICK_UNSENT) if args.quick else (PASSES, UNSENT)
    result: dict[str, Any] = {"runs": runs, "unsent_in_old_journal": unsent, "filesystem": filesystem(args.folder)}
    try:
        with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder:
            times = starts(lay(Path(folder), passes), runs, unsent)
        with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder:
            result["memory"] = memory(lay(Path(folder), passes), passes)
        result["strangers"] = strangers()
    except desk.DeskError as error:
        raise SystemExit(str(error)) from None
    result["start"] = {kind.replace(" ", "_"): summary(found) for kind, found in times.items()}
    result["imports_alone"] = imports_alone()
    for name, measure in (("pss_mib_together", "pss_mib"), ("rss_mib_together", "rss_mib")):
        result[name] = together(result["memory"], measure)
    result["imports_alone_pss_mib_together"] = together(result["imports_alone"], "pss_mib")
    show(result)
    slowest = max(kind["ready_s"]["max"] for kind in result["start"].values())
    limits = [
        Limit("start to ready of all programs, slowest", slowest, START_MAX_S, "s"),
        Limit("PSS of " + ", ".join(COUNTED), result["pss_mib_together"], MEMORY_MAX_MIB, "MiB"),
    ]
    return finish("startup", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
