"""A kiosk with every limit of its services on: installation, start and memory, beside First light's way.

A Debian root is booted by systemd-nspawn and our package installed in it. Then reader, gate, uplink and panel are
started in turns as hardened services and, of First light's commit, by `python -m firmware.supervisor` in the same
root without any limit (bench/side_by_side.py). Seconds are from the command (`systemctl start`, or the supervisor's
start, as bench.startup counts) to a program's own word that it is ready; `own_s` is from that program's start alone,
with what systemd does for a sandbox before it. Memory as in bench.startup, after some passes. Ratios are of medians,
and may be over 1 by as much as First light's own runs differ: half of what the middle half of them spreads over, at
least 1 %.

Needs root, systemd-nspawn, mmdebstrap, First light's commit in git's history, and a network for Debian's packages
(--quick: once, for the root).
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.common import Limit, arguments, console, finish, percentile, progress, table
from bench.side_by_side import FIRST_LIGHT, Run, absent, as_first_light, as_services, prepare, stamp
from bench.startup import MEASURES, NAMES
from tests.appliance import roots
from tests.appliance.identity import CURRENT, NAMES_IN_CONFIG, lay_identity
from tests.appliance.machine import Machine, MachineError, booted
from tests.appliance.packages import APT, install, package

RUNS, QUICK_RUNS = 12, 1
PASSES, QUICK_PASSES = 3, 1
INSTALLS = 3
INSTALL_MAX_S, READY_MAX_S = 300.0, 5.0
PATIENCE_S = 60.0
NOISE_LEAST = 0.01  # ours: a few pages more or less are no figure
FIGURES = ("ready_s", "own_s", *MEASURES)
JUDGED = ("ready_s", "pss_mib", "rss_mib")


def first_pass(*, network: bool) -> float:
    """Return the seconds from `apt update` and `apt install` on a fresh Debian to the first accepted pass."""
    packages = roots.BARE if network else roots.WITH_PARTS
    with roots.overlay(roots.cached_root(packages)) as root, booted(root, network=network) as machine:
        deb = package()
        start_s = time.monotonic()
        if network:
            machine.run(f"{APT} update")
        install(machine, deb)
        machine.wait_green(INSTALL_MAX_S)
        return time.monotonic() - start_s


def target(machine: Machine) -> float:
    """Stop and start everything; return the seconds until systemd calls all programs ready."""
    units = [f"greengate-{name}" for name in NAMES]
    everything = f"greengate.target greengate-panel.socket greengate-simulation {' '.join(units)}"  # waits for each
    machine.run(f"systemctl stop {everything}; systemctl reset-failed {everything}; systemctl start greengate.target")
    machine.wait_active(units, PATIENCE_S)
    began = min(stamp(machine, unit, "InactiveExit") for unit in ("greengate-simulation", *units))
    return max(stamp(machine, unit, "ActiveEnter") for unit in units) - began


def measure(runs: int, passes: int) -> tuple[list[float], list[Run], list[Run]]:
    """Return the seconds of whole starts, and what was found of the services' and of First light's runs."""
    with roots.overlay(roots.cached_root(roots.WITH_PARTS)) as root, booted(root) as machine, progress() as bar:
        install(machine, package())
        lay_identity(machine.root_of(CURRENT))
        machine.run(NAMES_IN_CONFIG)
        whole = [target(machine) for _ in bar.track(range(runs), description="starts of all")]
        prepare(machine)
        ways = (as_first_light, as_services)
        for way in ways:
            way(machine, 1)  # new journals are made now
        found = [[way(machine, passes) for way in ways] for _ in bar.track(range(runs), description="in turns")]
    return whole, [services for _, services in found], [then for then, _ in found]


def compared(services: Sequence[Run], then: Sequence[Run]) -> dict[str, Any]:
    """Return each program's figures both ways, their ratio, and what noise First light's have."""
    return {
        name: {figure: _figure(_all(services, name, figure), _all(then, name, figure)) for figure in FIGURES}
        for name in NAMES
    }


def _all(runs: Sequence[Run], name: str, figure: str) -> list[float]:
    times = [{"ready_s": run.ready_s[name], "own_s": run.own_s[name]} for run in runs]
    return [(of | run.memory[name])[figure] for of, run in zip(times, runs, strict=True)]


def _figure(services: list[float], then: list[float]) -> dict[str, float]:
    p50 = percentile(then, 0.5)
    return {
        "services_p50": percentile(services, 0.5),
        "services_max": max(services),
        "first_light_p50": p50,
        "first_light_max": max(then),
        "ratio": percentile(services, 0.5) / p50,
        "noise": max(NOISE_LEAST, (percentile(then, 0.75) - percentile(then, 0.25)) / 2 / p50),
    }


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(
        f"medians of {result['runs']} runs each, in turns",
        "program", "figure", ">services", ">First light", ">ratio", ">noise",
    )  # fmt: skip
    for name, figures in result["programs"].items():
        for figure, found in figures.items():
            digits = 3 if figure.endswith("_s") else 1
            values = (f"{found[key]:.{digits}f}" for key in ("services_p50", "first_light_p50"))
            shown.add_row(name, figure, *values, f"{found['ratio']:.3f}", f"{found['noise']:.3f}")
    console.print(shown)
    console.print(f"load of this machine before: {result['load_before']:.2f}, {os.cpu_count()} processors")


def main() -> int:
    """Measure, print, write."""
    args = arguments("kiosk", __doc__).parse_args()
    if why := roots.missing() or absent():
        raise SystemExit(why)
    runs, passes = (QUICK_RUNS, QUICK_PASSES) if args.quick else (RUNS, PASSES)
    result: dict[str, Any] = {"runs": runs, "passes": passes, "load_before": os.getloadavg()[0]}
    try:
        result["first_pass_s"] = [first_pass(network=not args.quick) for _ in range(1 if args.quick else INSTALLS)]
        whole, services, then = measure(runs, passes)
    except (MachineError, roots.RootError) as error:
        raise SystemExit(str(error)) from None
    result["all_ready_s"] = {"p50": percentile(whole, 0.5), "max": max(whole)}
    result["programs"] = compared(services, then)
    result["first_light"] = FIRST_LIGHT
    show(result)
    limits = [
        Limit("apt install to the first accepted pass, slowest", max(result["first_pass_s"]), INSTALL_MAX_S, "s"),
        Limit("start to ready of all programs, slowest", max(whole), READY_MAX_S, "s"),
        *(
            Limit(f"{name}, {figure}: services to First light", found[figure]["ratio"], 1.0 + found[figure]["noise"])
            for name, found in result["programs"].items()
            for figure in JUDGED
        ),
    ]
    return finish("kiosk", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
