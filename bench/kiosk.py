"""Start and memory of each program as a hardened service of the real systemd, beside those of First light.

A Debian root is booted by systemd-nspawn, our package installed in it, and `greengate.target` stopped and started in
turns: seconds from a program's start to its readiness, and from the target's start until all are ready, by systemd's
own timestamps. Memory as in bench.startup (PSS, own only, RSS), after the programs have answered some passes. The
uplink has an identity, and its centre is away. The memory's limit is what bench/results/startup.json holds, the same
programs without systemd, and of RSS: there, broker, collector and benchmark shared pages, which makes PSS smaller.

Needs root, systemd-nspawn and mmdebstrap.
"""

import json
import sys
from typing import Any

from bench.common import RESULTS, Limit, arguments, console, finish, percentile, progress, table
from bench.startup import COUNTED, MEASURES, NAMES, size_of, together
from tests.appliance import roots
from tests.appliance.identity import CURRENT, NAMES_IN_CONFIG, lay_identity
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

RUNS, QUICK_RUNS = 20, 1
PASSES, QUICK_PASSES = 8, 1
READY_MAX_S = 5.0
PATIENCE_S = 60.0
MICRO = 1e6


def start(machine: Machine) -> dict[str, float]:
    """Stop and start the target once; return each program's seconds to readiness, and `all` from the first start."""
    machine.run(
        "systemctl reset-failed 'greengate*'; systemctl stop greengate.target; systemctl start greengate.target"
    )
    units = " ".join(f"greengate-{name}" for name in NAMES)
    machine.wait_for("all programs", f"systemctl is-active --quiet {units}", PATIENCE_S)
    began = {name: _stamp(machine, f"greengate-{name}", "InactiveExit") for name in NAMES}
    ready = {name: _stamp(machine, f"greengate-{name}", "ActiveEnter") for name in NAMES}
    first = min(_stamp(machine, "greengate-simulation", "InactiveExit"), *began.values())
    return {name: ready[name] - began[name] for name in NAMES} | {"all": max(ready.values()) - first}


def _stamp(machine: Machine, unit: str, what: str) -> float:
    return int(machine.show(unit, f"{what}TimestampMonotonic")) / MICRO


def memory(machine: Machine, passes: int) -> dict[str, dict[str, float]]:
    """Return the memory of each program after it has had that many passes."""

    def answered() -> bool:
        return sum(event["event"] == "decided" for event in machine.events()) >= passes

    machine.wait("passes", answered, PATIENCE_S)
    pids = {name: int(machine.show(f"greengate-{name}", "MainPID")) for name in NAMES}
    return {name: size_of(pid, machine.root_of("/proc")) for name, pid in pids.items()}


def show(result: dict[str, Any], before: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(
        f"as services, {result['runs']} starts", "program", ">ready s, p50", ">max", *(f">{name}" for name in MEASURES),
        ">First light: ready s, p50", ">rss_mib",
    )  # fmt: skip
    for name in NAMES:
        times, sizes = result["start_s"][name], result["memory"][name]
        then_s, then = before["start"]["old_journal"]["programs_s"][name]["p50"], before["memory"][name]["rss_mib"]
        figures = (times["p50"], times["max"], *sizes.values(), then_s, then)
        shown.add_row(name, *(f"{figure:.2f}" for figure in figures))
    console.print(shown)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("kiosk", __doc__)
    args = parser.parse_args()
    if why := roots.missing():
        raise SystemExit(why)
    runs, passes = (QUICK_RUNS, QUICK_PASSES) if args.quick else (RUNS, PASSES)
    before = json.loads((RESULTS / "startup.json").read_text("utf-8"))
    with roots.overlay(roots.cached_root(roots.WITH_PARTS)) as root, booted(root) as machine, progress() as bar:
        install(machine, package())
        enrol(machine)
        times = [start(machine) for _ in bar.track(range(runs), description="starts")]
        sizes = memory(machine, passes)
    result: dict[str, Any] = {"runs": runs, "memory": sizes, "start_s": {}}
    for name in (*NAMES, "all"):
        found = [time[name] for time in times]
        result["start_s"][name] = {"p50": percentile(found, 0.5), "max": max(found)}
    for measure in MEASURES:
        result[f"{measure}_together"] = together(sizes, measure)
    show(result, before)
    limits = [
        Limit("start to ready of all programs, slowest", result["start_s"]["all"]["max"], READY_MAX_S, "s"),
        Limit("RSS of " + ", ".join(COUNTED), result["rss_mib_together"], before["rss_mib_together"], "MiB"),
    ]
    return finish("kiosk", result, limits, args)


def enrol(machine: Machine) -> None:
    """Give the machine an identity, so that its uplink runs."""
    lay_identity(machine.root_of(CURRENT))
    machine.run(NAMES_IN_CONFIG)


if __name__ == "__main__":
    sys.exit(main())
