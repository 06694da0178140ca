"""What all measurements share: the command line, percentiles, limits, the table and the JSON at the end."""

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("cbor2", "cryptography", "opencv-python-headless", "paho-mqtt", "zxing-cpp")
console = Console(width=None if sys.stdout.isatty() else 120)  # in a file, tables are as wide as they need to be


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that was asked for: at most `most`, or at least `least`."""

    name: str
    value: float
    most: float | None = None
    unit: str = ""
    least: float | None = None

    @property
    def met(self) -> bool:
        """Return whether the figure keeps its limit."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def asked(self) -> str:
        """Return the limit in signs."""
        bounds = [f"{sign} {bound:g}" for sign, bound in (("≥", self.least), ("≤", self.most)) if bound is not None]
        return f"{' '.join(bounds)} {self.unit}"


def arguments(name: str, about: str | None) -> argparse.ArgumentParser:
    """Return a parser with what every measurement takes."""
    parser = argparse.ArgumentParser(
        prog=f"python -m bench.{name}",
        description=about,
        epilog=f"example: python -m bench.{name} --quick --json /tmp/{name}.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a short run that only shows that it works: no limits")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", default=RESULTS / f"{name}.json", help="where to write the result"
    )
    return parser


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Let the command line say on which disk to measure; one in memory would say nothing about fsync."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp"),  # noqa: S108 - a folder of our own is made in it
        help="on the disk to measure; default /var/tmp",
    )


def finish(name: str, result: dict[str, Any], limits: Sequence[Limit], args: argparse.Namespace) -> int:
    """Print the limits and write the result; return 1 where a full run missed a limit, else 0."""
    shown = table("limits", "what", ">asked", ">measured", "")
    for limit in limits:
        mark = "✓" if limit.met else "✗"
        shown.add_row(limit.name, limit.asked, f"{limit.value:.2f} {limit.unit}", mark)
    console.print(shown)
    whole = {
        "bench": name,
        "quick": args.quick,
        "machine": machine(),
        "limits": [asdict(limit) | {"met": limit.met} for limit in limits],
    } | result
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    console.print(f"written: {args.json}")
    return 0 if args.quick or all(limit.met for limit in limits) else 1


def machine() -> dict[str, Any]:
    """Return what the figures depend on; nothing that names the machine."""
    return {
        "cpus": os.cpu_count(),
        "kind": platform.machine(),
        "python": platform.python_version(),
        "libraries": {library: version(library) for library in LIBRARIES},
        "load_1_min": os.getloadavg()[0],
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that a share (0 to 1) of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(title: str, *columns: str) -> Table:
    """Return an empty table; a column that begins with `>` is aligned right."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    return made


def progress() -> Progress:
    """Return a progress bar on standard error, so that the tables can be piped."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
