"""How many codes the reader reads, how soon and at what cost, beside zxing-cpp, pyzbar and OpenCV on the same frames.

Frames are rendered by ../shared/reading (--seed; 1 to 99 are for development) and read by all readers in this run.
*Bound* is what a reader that knew the geometry, with a linear equaliser, would read. Costs are CPU time of one thread,
but where milliseconds are said to be of the wall. Sequences are played in real time, the rescue in its own process;
what peers read in them is counted whatever it costs. A machine slower by a factor is this one with less time for all.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench import reading_costs as costs
from bench import reading_sequences as playing
from bench import reading_stills as standing
from bench.common import arguments, console, finish
from bench.reading_frames import Frame, absent, kept_in, photographs, rendered
from bench.reading_hints import hints, show_hints
from bench.reading_limits import limits_of
from bench.reading_readers import Timed
from bench.reading_rescues import rescues
from bench.reading_shown import show_costs, show_photographs, show_sequences, show_stills
from drivers.symbols import open_frame_reader
from firmware.config_sections import SymbolsConfig
from provisioning.exits import Exit
from provisioning.read import STILL_BUDGET_MS

SEED = 7
COUNTS = {"stills": 120, "sequences": 40, "empty": 300, "photos": 10**6, "hints": 12, "room_s": 30, "memory": 3000}
QUICK = {"stills": 2, "sequences": 1, "empty": 6, "photos": 4, "hints": 1, "room_s": 1, "memory": 120}
LARGE = {"stills": 170, "sequences": 60, "empty": 10_000, "photos": 10**6, "hints": 30, "room_s": 30, "memory": 100_000}
EMPTY_AT_ONCE = 500  # frames of half a megabyte that lie on the disk together
MACHINES = {"Raspberry Pi 5": 1.3, "Raspberry Pi 4": 2.5, "Raspberry Pi Zero 2 W": 5.0}  # planning factors
PERIOD_MS = 1e3 / playing.FPS
BUDGET_MS, LIMIT_MS = SymbolsConfig().budget_ms, standing.LIMIT_MS
PARTS = ("sequences", "stills", "photographs", "hints", "empty", "costs", "memory")


def measure_stills(reader: Timed, frames: Sequence[Frame]) -> dict[str, Any]:
    """Read stills and return what came of them, and how long rescues take."""
    return {"sets": standing.stills(reader, frames), "rescue": rescues(frames)}


def measure_sequences(frames: Sequence[Frame], setting: playing.Setting) -> dict[str, Any]:
    """Play sequences in real time, here and as on slower machines, and to the peers."""
    rows = playing.sequences(frames)
    machines = {}
    for name, factor in MACHINES.items():
        slower = playing.Setting(budget_for(factor, setting.budget_ms), setting.limit_ms, factor)
        found = playing.in_real_time(rows, slower)
        machines[name] = {"factor": factor, "budget_ms": slower.budget_ms} | found
    found = {"budget_ms": setting.budget_ms, "ours": playing.in_real_time(rows, setting)}
    return found | {"peers": playing.by_peers(rows), "machines": machines}


def budget_for(factor: float, usual_ms: float) -> float:
    """Return the budget of a slower machine: for the same work, but within three quarters of a frame's period."""
    return round(min(usual_ms * factor, 0.75 * PERIOD_MS))


def measure_empty(reader: Timed, count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Read empty frames, some hundreds of them at a time, and return what was read on them."""
    false, still = list[str](), standing.still_reader(reader)
    for batch, at in enumerate(range(0, count, EMPTY_AT_ONCE)):
        with kept_in(None if count > EMPTY_AT_ONCE else folder) as place:
            frames = rendered("empty", min(EMPTY_AT_ONCE, count - at), seed + batch, place)
            false += costs.false_reads(still, frames)
    return {"frames": count, "false": false}


def parts(args: argparse.Namespace, counts: Mapping[str, int], folder: Path) -> dict[str, Any]:
    """Measure the parts that were asked for."""
    asked = set(args.only or PARTS)
    result: dict[str, Any] = {"seed": args.seed, "budget_ms": args.budget_ms}
    if "sequences" in asked:
        frames = rendered("sequences", counts["sequences"], args.seed, folder)
        result["sequences"] = measure_sequences(frames, playing.Setting(args.budget_ms, LIMIT_MS))
        show_sequences(result["sequences"])
    with opened(STILL_BUDGET_MS) as reader:
        result |= dict(of_pictures(reader, asked, args.seed, counts, folder))
    with opened(args.budget_ms) as reader:
        result |= dict(of_frames(reader, asked, args.seed, counts, folder))
    return result


@contextmanager
def opened(budget_ms: float) -> Iterator[Timed]:
    """Open our reader, with its rescue ready."""
    with closing(Timed(open_frame_reader("pipeline", budget_ms=budget_ms, rescue_limit_ms=LIMIT_MS))) as reader:
        reader.ready(playing.READY_S)
        yield reader


def of_pictures(
    reader: Timed, asked: set[str], seed: int, counts: Mapping[str, int], folder: Path
) -> Iterator[tuple[str, Any]]:
    """Measure on pictures that have nothing to do with one another, as `greengate read` reads them."""
    if "stills" in asked:
        stills = measure_stills(reader, rendered("mixed", counts["stills"], seed, folder))
        show_stills(stills)
        yield "stills", stills
    if "photographs" in asked and (photos := photographs()[: counts["photos"]]):
        taken = standing.photographs(reader, photos)
        show_photographs(taken)
        yield "photographs", taken
    if "empty" in asked:
        yield "empty", measure_empty(reader, counts["empty"], seed, folder)


def of_frames(
    reader: Timed, asked: set[str], seed: int, counts: Mapping[str, int], folder: Path
) -> Iterator[tuple[str, Any]]:
    """Measure what a camera's frames cost."""
    if "hints" in asked:
        told = hints(reader, counts["hints"], seed)
        show_hints(told)
        yield "hints", told
    if "costs" in asked:
        empty = rendered("empty", min(counts["empty"], EMPTY_AT_ONCE), seed, folder)
        mixed = [one for one in rendered("mixed", counts["stills"], seed, folder) if not one.set.startswith("hard")]
        ratios, room = costs.ratios(reader, empty, mixed), costs.empty_room(reader, empty, counts["room_s"])
        show_costs(ratios, room)
        yield from (("ratios", ratios), ("room", room))
    if "memory" in asked:
        yield "memory", costs.memory(reader, counts["memory"])


def main() -> int:
    """Measure, print, write."""
    parser = arguments("reading", __doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the frames; default {SEED}")
    parser.add_argument("--large", action="store_true", help="10,000 empty frames, 100,000 for memory: an hour")
    parser.add_argument(
        "--frames", type=Path, metavar="FOLDER", help="keep rendered frames there, and take them from there"
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part alone; may be repeated")
    parser.add_argument("--budget-ms", type=float, default=BUDGET_MS, help=f"of a frame; default {BUDGET_MS:g}")
    args = parser.parse_args()
    if (why := absent()) is not None:
        console.print(why)
        return Exit.NO_INPUT
    with kept_in(args.frames) as folder:
        result = parts(args, QUICK if args.quick else LARGE if args.large else COUNTS, folder)
    return finish("reading", result, limits_of(result), args)


if __name__ == "__main__":
    sys.exit(main())
