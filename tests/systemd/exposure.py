"""How exposed our services are, by systemd's own measure: `python -m tests.systemd.exposure`, a part of `make check`.

The scale goes from 0.0 (nothing to attack) to 10.0 (no limits at all): systemd-analyze(1), `security`.
Exit codes: 0 all within their limits, 1 not, 69 systemd-analyze is not installed.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

EX_UNAVAILABLE = 69  # sysexits.h
UNITS = Path(__file__).parents[2] / "systemd" / "system"
DECIDES, OTHER = 1.0, 1.5
LIMITS = {
    "greengate-reader.service": DECIDES,
    "greengate-gate.service": DECIDES,
    "greengate-uplink.service": OTHER,
    "greengate-panel.service": OTHER,
    "greengate-simulation.service": OTHER,
    "greengate-failure@.service": OTHER,
    "greengate-first-boot.service": OTHER,
    "greengate-renew.service": OTHER,
    "greengate-sync.service": OTHER,
    "greengate-rtc@.service": OTHER,
    "greengate-broker.service": OTHER,
    "greengate-collector.service": OTHER,
    "greengate-enrolment.service": OTHER,
    "greengate-page.service": OTHER,
}
_OVERALL = re.compile(r"exposure level for \S+: (\d+\.\d+)")


class AnalysisError(Exception):
    """A unit that systemd-analyze cannot judge, and what it said."""


def uncounted(units: Path = UNITS) -> set[str]:
    """Return the services that have no limit, and the limits that have no service."""
    return {path.name for path in units.glob("*.service")} ^ set(LIMITS)


def exposure(unit: Path) -> float:
    """Return a service's exposure, with the drop-ins beside it. Raises: AnalysisError."""
    match = _OVERALL.search(_analyzed(unit))
    if match is None:
        raise AnalysisError(f"{unit}: systemd-analyze names no exposure")
    return float(match[1])


def weaknesses(unit: Path) -> dict[str, float]:
    """Return what a service's exposure is made of. Raises: AnalysisError."""
    rows = json.loads(_analyzed(unit, "--json=short"))
    return {row["name"]: float(row["exposure"]) for row in rows if row["exposure"]}


def _analyzed(unit: Path, *options: str) -> str:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", *options, str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode or "Failed" in done.stderr:
        raise AnalysisError(f"{unit}: {' '.join(done.stderr.split())}")
    return done.stdout


def main() -> int:
    """Print a table, and say what is over its limit."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    if shutil.which("systemd-analyze") is None:
        console.print("systemd-analyze is not installed: apt-get install systemd")
        return EX_UNAVAILABLE
    table = Table("unit", "exposure", "at most", "", title="how exposed the services are", title_justify="left")
    faults = [
        f"{name}: tests/systemd/exposure.py and systemd/system do not agree on it" for name in sorted(uncounted())
    ]
    for name, most in LIMITS.items():
        if (UNITS / name).is_file():
            found = exposure(UNITS / name)
            table.add_row(name, f"{found:.1f}", f"{most:.1f}", "✓" if found <= most else "✗")
            faults += [f"{name}: {found:.1f} is over {most:.1f}"] * (found > most)
    console.print(table)
    for fault in faults:
        console.print(fault, style="red")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
