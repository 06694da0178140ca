"""Reckon on paper, with the unit costs that were measured, what a nation's fleet takes: `python -m bench.fleet.paper`.

It reads the results of `bench.fleet` and `bench.collector`, and prints the table of docs/scale.md.
"""

import json
import math
import sys
from typing import Any

from bench.common import RESULTS

KIOSKS = 100_000
AN_HOUR = 10_000_000  # check-ins in the busiest hour
PEAK = 3.0  # the busiest minutes of that hour, against its mean
USED = 0.5  # how much of a processor is planned with: the rest is for a province's return, and for a machine that fails
A_DAY = 60_000_000  # check-ins: six such hours
RETENTION_DAYS = 14
PROVINCES, OFFLINE_DAYS = 63, 7
PROCESSORS = 4  # of collectors that take what a province brings back
BATCH_WIRE_BYTES, ACK_WIRE_BYTES = 700, 480  # of one check-in and its acknowledgement: docs/protocol-vectors.json
OTHERS = ("broker", "database")  # a collector's cost at work is bench.collector's: here it waits most of the time
GIB = 2**30


def loaded(name: str) -> dict[str, Any]:
    """Return a result. Raises: SystemExit where it was not measured yet."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run python -m bench.{name} first")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def rows(fleet: dict[str, Any], collector: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what is needed, how it is reckoned, and how much that is."""
    peak = AN_HOUR / 3600 * PEAK
    memory_kib = fleet["rss_mib"]["broker"] * 1024 / fleet["fleet"]["kiosks"]
    wire_mbit = 2 * peak * (BATCH_WIRE_BYTES + ACK_WIRE_BYTES) * 8 / 1e6
    disk_gib = A_DAY * RETENTION_DAYS * fleet["bytes_each"] / GIB
    stored = f"{fleet['bytes_each']:.0f} bytes with its indexes, {A_DAY // 10**6} million a day, {RETENTION_DAYS} days"
    return [
        ("check-ins a second, in the busiest minutes", f"10 million an hour, times {PEAK:g}", f"{peak:,.0f}"),
        *(
            _processors(name, 1000 * fleet["online"]["cpu_s"][name] / fleet["online"]["stored"], peak)
            for name in OTHERS
        ),
        _processors("collectors", collector["one"]["1"]["collector_cpu_s"] / 10, peak),
        ("brokers: memory", f"{memory_kib:.0f} KiB a connection (TLS)", f"{KIOSKS * memory_kib / 2**20:.1f} GiB"),
        ("network, into the brokers and out", "1.2 KB a check-in with its answer", f"{wire_mbit:,.0f} Mbit/s"),
        ("database: disk", stored, f"{disk_gib:,.0f} GiB"),
        _province(fleet),
    ]


def _processors(name: str, each_ms: float, peak: float) -> tuple[str, str, str]:
    cores = peak * each_ms / 1000 / USED
    return f"{name}: processors", f"{each_ms:.2f} ms each, one by one; {USED:.0%} used", f"{math.ceil(cores)}"


def _province(fleet: dict[str, Any]) -> tuple[str, str, str]:
    rate = PROCESSORS * fleet["return"]["stored"] / fleet["return"]["cpu_s"]["collectors"]
    checkins = A_DAY * OFFLINE_DAYS / PROVINCES
    how = f"{checkins / 1e6:.1f} million, {rate:,.0f} a second on {PROCESSORS} processors of collectors"
    return f"a province back after {OFFLINE_DAYS} days", how, f"{checkins / rate / 60:.1f} minutes"


def main() -> int:
    """Print the table, as Markdown."""
    lines = ["| what | reckoned from | takes |", "|---|---|---|"]
    lines += [f"| {what} | {how} | {much} |" for what, how, much in rows(loaded("fleet"), loaded("collector"))]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
