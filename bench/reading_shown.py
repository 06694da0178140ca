"""The tables of what readers read, how soon, and at what cost."""

from collections.abc import Mapping
from typing import Any

from bench.common import console, table
from bench.reading_readers import PEERS
from bench.reading_sequences import WITHIN
from bench.reading_stills import BOUND, FIRST, OURS, UNION

READERS = (OURS, FIRST, *PEERS, UNION, BOUND)


def show_stills(found: Mapping[str, Any]) -> None:
    """Print the share of rendered stills that each reader reads, false texts and CPU time of a frame."""
    sets = found["sets"]
    shown = table(
        "rendered stills: read in %, false, CPU ms (ours: without the rescue's process): mean, p95",
        "reader",
        *(f">{name}" for name in sets),
    )
    for reader in READERS:
        shown.add_row(reader, *(_cell(sets[name][reader]) for name in sets))
    shown.add_row("frames", *(str(sets[name][OURS]["frames"]) for name in sets))
    console.print(shown)
    arms = table("what read ours", "set", "arms")
    for name in sets:
        arms.add_row(name, _counts(sets[name]["arms"]))
    console.print(arms)
    rescues = table("rescues of stills, ms of the wall", "which", ">count", ">median", ">max")
    for name, one in found["rescue"].items():
        rescues.add_row(name, str(one["count"]), f"{one['median_ms']:.0f}", f"{one['max_ms']:.0f}")
    console.print(rescues)


def show_photographs(found: Mapping[str, Any]) -> None:
    """Print how many photographs each reader reads."""
    shown = table("photographs", "reader", ">right", ">of", ">false texts", ">CPU ms mean", ">p95")
    for reader in READERS[:-1]:
        one = found[reader]
        costs = (f"{one[key]:.1f}" if key in one else "" for key in ("cpu_ms_mean", "cpu_ms_p95"))
        shown.add_row(reader, str(one["right"]), str(one["frames"]), str(len(one["false"])), *costs)
    console.print(shown)
    console.print(f"what read ours: {_counts(found['arms'])}")


def show_sequences(found: Mapping[str, Any]) -> None:
    """Print when sequences were read, and what frames cost, here and as on slower machines."""
    shown = table("sequences, 15 frames a second: read in % within", "reader", *(f">{name} s" for name in WITHIN))
    for reader, within in {OURS: found["ours"]["within"], **found["peers"]}.items():
        shown.add_row(reader, *(f"{within[name] * 100:.0f}" for name in WITHIN))
    console.print(shown)
    console.print(f"what read ours first: {_counts(found['ours']['arms'])}")
    columns = (">factor", ">budget ms", *(f">{name} s" for name in WITHIN), ">CPU ms mean", ">p95", ">max", ">dropped")
    machines = table("as on slower machines, by planning factors, in their milliseconds", "machine", *columns, ">false")
    here = {"factor": 1.0, "budget_ms": found["budget_ms"]} | found["ours"]
    for name, one in {"this one": here, **found["machines"]}.items():
        read = (f"{one['within'][within] * 100:.0f}" for within in WITHIN)
        costs = (f"{one['cpu_ms'][key]:.1f}" for key in ("mean", "p95", "max"))
        counts = (f"{one['dropped']} of {one['dropped'] + one['frames']}", str(len(one["false"])))
        machines.add_row(name, f"{one['factor']:g}", f"{one['budget_ms']:g}", *read, *costs, *counts)
    console.print(machines)


def show_costs(ratios: Mapping[str, Any], room: Mapping[str, float]) -> None:
    """Print what the fast path costs beside zxing-cpp, and an empty room."""
    shown = table("the first look at a frame, CPU ms, in turns", "frames", ">count", ">ours", ">zxing-cpp", ">ratio")
    for name, one in ratios.items():
        times = (f"{one['ours_ms']:.2f}", f"{one['zxing_ms']:.2f}", f"{one['ratio']:.2f}")
        shown.add_row(name, str(one["frames"]), *times)
    console.print(shown)
    shares = (f"{room[key] * 100:.1f} %" for key in ("fast_share", "rescue_share"))
    console.print("empty room, of a core: fast path {}, rescue {}".format(*shares))


def _cell(one: Mapping[str, Any]) -> str:
    costs = f"  {one['cpu_ms_mean']:.1f} {one['cpu_ms_p95']:.1f}" if "cpu_ms_mean" in one else ""
    false = f" ({len(one['false'])})" if one["false"] else ""
    return f"{one['share'] * 100:.0f}{false}{costs}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: -one[1]))
