"""Time from the capture of a frame with a pass to the lamp, through all processes, on a real disk.

Reader, gate, uplink and panel run under the supervisor, with a mosquitto and the centre's collector beside them; the
camera is simulated (1280 x 720, 15 frames/s, tilted and blurred passes, each another one) with short holds. The times
are those that the gate logs for each light (`decided`); the lamps' history must hold as many green leases, and the
centre as many check-ins.

Beside it, within the same run: after each light, while the gate has nothing to do, this process appends as many bytes
as a check-in adds to the journal's write-ahead log to a file in the same folder and syncs it. That is what the disk
takes for itself; `record` less that is ours.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from bench.appliance import Log, events_in, filesystem, lay, supervised, surroundings
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from bench.visitors import EMPTY_S, HELD_S
from drivers.clock import open_clock
from drivers.signal.simulated import read_history
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.child import Program
from firmware.config import load_config
from firmware.events import STEPS
from firmware.journal import Journal
from firmware.supervisor import PROGRAMS
from provisioning import desk

LIGHTS, QUICK_LIGHTS = 300, 4
SPARE = 5  # passes more than lights: one may be shown before the gate is in service
P99_MAX_MS = 60.0
START_MAX_S = 30.0
LIGHT_MAX_S = 10.0
CENTRE_MAX_S = 15.0
APPENDS = 20
HURRIED = tuple(Program("reader", "bench.visitors", p.watchdog_s) if p.name == "reader" else p for p in PROGRAMS)


class Peer:
    """A file beside the journal that is appended to and synced, as bare as it gets."""

    def __init__(self, folder: Path, size: int) -> None:
        """Append `size` bytes each time."""
        self._descriptor = os.open(folder / "peer", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._block = os.urandom(size)
        self.times_ms: list[float] = []

    def sync(self) -> None:
        """Append, sync, and note how long it took."""
        start_ns = time.perf_counter_ns()
        os.write(self._descriptor, self._block)
        os.fsync(self._descriptor)
        self.times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def record_bytes(folder: Path) -> int:
    """Return how many bytes a check-in adds to the journal's write-ahead log."""
    at_ms = milliseconds(open_clock("system").now())
    checkin = CheckIn(
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
    path = folder / "sample.db"
    log = path.with_name(path.name + "-wal")
    with Journal.open(path) as journal:
        journal.append(checkin)
        before = log.stat().st_size
        for _ in range(APPENDS):
            journal.append(replace(checkin, id=new_id(at_ms)))
        return (log.stat().st_size - before) // APPENDS


def watch(log: Log, peer: Peer, lights: int) -> None:
    """Wait for the lights; sync the peer after each."""
    log.wait(START_MAX_S, lambda events: any(event["event"] == "service-back" for event in events))
    with progress() as bar:
        for _ in bar.track(range(lights), description="lights"):
            log.wait(LIGHT_MAX_S, lambda events: any(event["event"] == "decided" for event in events))
            peer.sync()


def run(laid: desk.Desk, lights: int) -> dict[str, Any]:
    """Run the appliance for that many lights and return what was seen."""
    size = record_bytes(laid.folder)
    with surroundings(laid) as centre, Peer(laid.folder, size) as peer, supervised(laid, HURRIED) as (_, log):
        watch(log, peer, lights)
        centre.wait(lights, CENTRE_MAX_S)
    decided, early = lights_in(events_in(log.path))
    greens = [lamps for lamps in read_history(load_config(laid.config).lamp_history) if lamps.green]
    verdicts = Counter(event["verdict"] for event in decided)
    return {
        "lights": len(decided),
        "read_before_the_gate_was_ready": early,
        "verdicts": dict(verdicts),
        "green_leases_in_history": len(greens),
        "stored_at_centre": centre.stored,
        "record_bytes": size,
        "steps_ms": {
            step: summary([event["timings_ms"][step] for event in decided if event["verdict"] == "accepted"])
            for step in (*STEPS, "total")
        },
        "peer_fsync_ms": summary(peer.times_ms),
    }


def lights_in(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the decisions, and how many more were of frames from before the gate was in service.

    Those waited in the socket for a gate that was still starting: that is `bench/startup.py`'s to measure.
    """
    ready_ns = next(event["t_ns"] for event in events if event["event"] == "service-back")
    decided = [event for event in events if event["event"] == "decided"]
    in_time = [event for event in decided if event["t_ns"] - event["timings_ms"]["total"] * 1e6 > ready_ns]
    return in_time, len(decided) - len(in_time)


def summary(times_ms: list[float]) -> dict[str, float]:
    """Return p50, p99 and the largest."""
    return {"p50": percentile(times_ms, 0.5), "p99": percentile(times_ms, 0.99), "max": max(times_ms)}


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    title = f"{result['lights']} lights on {result['filesystem']}, milliseconds"
    shown = table(title, "step", ">p50", ">p99", ">max")
    rows = result["steps_ms"] | {f"peer: fsync of {result['record_bytes']} bytes": result["peer_fsync_ms"]}
    for step, times in rows.items():
        shown.add_row(step.replace("_", " "), *(f"{times[name]:.2f}" for name in ("p50", "p99", "max")))
    console.print(shown)
    console.print(
        f"green leases in the lamps' history: {result['green_leases_in_history']}, "
        f"lights begun before the gate was ready (not counted): {result['read_before_the_gate_was_ready']}, "
        f"verdicts: {result['verdicts']}, at the centre when stopped: {result['stored_at_centre']}"
    )


def main() -> int:
    """Measure, print, write."""
    parser = arguments("latency", __doc__)
    parser.add_argument("--lights", type=int, help=f"default {LIGHTS}, quick {QUICK_LIGHTS}")
    add_folder(parser)
    args = parser.parse_args()
    lights = args.lights or (QUICK_LIGHTS if args.quick else LIGHTS)
    kind = filesystem(args.folder)
    with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder:
        try:
            seen = run(lay(Path(folder), lights + SPARE), lights)
        except desk.DeskError as error:
            raise SystemExit(str(error)) from None
    result: dict[str, Any] = {"filesystem": kind, "held_s": HELD_S, "empty_s": EMPTY_S} | seen
    show(result)
    limits = [Limit("capture to light, p99", result["steps_ms"]["total"]["p99"], P99_MAX_MS, "ms")]
    return finish("latency", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
