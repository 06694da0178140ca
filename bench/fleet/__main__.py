"""Run a fleet against a real broker, real collectors and a real database; a province is cut off, and comes back.

`python -m bench.fleet`: 2,000 kiosks, each with the uplink's own code, a journal on the disk and a connection with a
certificate of its own; the load is a morning's, with its peak. A province of 500 is cut off, records for seven days
(written in one go), and comes back in one instant, while the others go on. At the end each check-in has to be in the
database exactly once. docs/scale.md reckons with the unit costs.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common import Limit, add_folder, arguments, console, finish, table
from bench.fleet.hosts import DAYS, Fleet
from bench.fleet.morning import run

KIOSKS, QUICK_KIOSKS = 2000, 24
PER_DAY = 300
SECONDS, QUICK_SECONDS = 120.0, 8.0
SCALE = 2.0
ONLINE_P95_MAX_S = 2.0


def show(result: dict[str, Any], fleet: Fleet) -> None:
    """Print what came of it."""
    title = f"{fleet.kiosks} kiosks, {len(fleet.province)} of them cut off for {DAYS:g} days"
    back, latency_s = result["return"], result["latency_s"]
    shown = table(title, "what", ">measured")
    for what, value in (
        ("check-ins expected / stored / twice", f"{result['expected']} / {result['stored']} / {result['twice']}"),
        ("holes / forks", f"{result['holes']} / {result['forks']}"),
        ("dropped by the broker / connections lost", f"{result['broker_dropped']} / {result['connections_lost']}"),
        ("all connected after / connections begun again", f"{result['connected_s']:.0f} s / {result['tried_again']}"),
        (
            "the province drained in, at",
            f"{result['drained_s']:.0f} s, {back['stored'] / back['seconds']:.0f} a second",
        ),
        (
            "online, to the database, p50 / p95",
            f"{latency_s['online']['0.5']:.2f} / {latency_s['online']['0.95']:.2f} s",
        ),
        ("the same during the return", f"{latency_s['return']['0.5']:.2f} / {latency_s['return']['0.95']:.2f} s"),
    ):
        shown.add_row(what, value)
    for name, rss_mib in result["rss_mib"].items():
        each = [1000 * result[when]["cpu_s"][name] / max(result[when]["stored"], 1) for when in ("online", "return")]
        shown.add_row(f"{name}: ms of a processor a check-in, online / return", f"{each[0]:.3f} / {each[1]:.3f}")
        shown.add_row(f"{name}: memory at most", f"{rss_mib:.0f} MiB")
    console.print(shown)


def limits_of(result: dict[str, Any]) -> list[Limit]:
    """Return what was asked for."""
    return [
        Limit("check-ins lost", result["expected"] - result["stored"], 0),
        Limit("check-ins stored twice", result["twice"], 0),
        Limit("holes and forks", result["holes"] + result["forks"], 0),
        Limit("messages that the broker dropped", result["broker_dropped"], 0),
        Limit("connections lost", result["connections_lost"], 0),
        Limit("online, to the database, p95", result["latency_s"]["online"]["0.95"], ONLINE_P95_MAX_S, "s"),
    ]


def main() -> int:
    """Run the command."""
    parser = arguments("fleet", __doc__)
    add_folder(parser)
    parser.add_argument("--kiosks", type=int, default=None, help=f"default {KIOSKS}")
    parser.add_argument("--per-day", type=int, default=PER_DAY, help=f"of a kiosk cut off; default {PER_DAY}")
    parser.add_argument("--seconds", type=float, default=None, help=f"of the morning; default {SECONDS:g}")
    parser.add_argument("--scale", type=float, default=SCALE, help="of the rate; 1: 100 an hour a kiosk at the peak")
    parser.add_argument("--collectors", type=int, default=2)
    parser.add_argument("--store", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--seed", type=int, default=1)
    args: argparse.Namespace = parser.parse_args()
    fleet = Fleet(
        kiosks=args.kiosks or (QUICK_KIOSKS if args.quick else KIOSKS),
        per_day=args.per_day,
        seconds=args.seconds or (QUICK_SECONDS if args.quick else SECONDS),
        scale=args.scale,
        collectors=args.collectors,
        seed=args.seed,
    )
    with tempfile.TemporaryDirectory(prefix="greengate-fleet-", dir=args.folder) as folder:
        Path(folder).chmod(0o755)  # the database is another user's
        result = run(fleet, Path(folder), args.store)
    show(result, fleet)
    return finish("fleet", {"fleet": asdict(fleet)} | result, limits_of(result), args)


if __name__ == "__main__":
    sys.exit(main())
