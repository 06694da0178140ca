"""The tables of docs/reading.md, from what `make bench-reading` wrote."""

import json
from collections.abc import Iterator
from typing import Any

from tests.docs_text import PROJECT

RESULT = PROJECT / "bench/results/reading.json"
READERS = {
    "ours": "ours",
    "zxing-cpp": "zxing-cpp",
    "pyzbar": "pyzbar",
    "OpenCV": "OpenCV",
    "union of the peers": "these three together",
    "bound": "bound",
}
WITHIN = ("0.53", "1.0", "1.6")  # seconds


def measured() -> Iterator[str]:
    """Give what each reader read, and what a frame costs here and on slower machines."""
    if not RESULT.exists():
        yield from ("", "Not measured yet.", "")
        return
    found = json.loads(RESULT.read_text("utf-8"))
    yield ""
    yield f"| read, seed {found['seed']} | {' | '.join(READERS.values())} |"
    yield f"|---|{'---|' * len(READERS)}"
    yield from _stills(found["stills"]["sets"])
    yield _within(found["sequences"])
    yield _photographs(found["photographs"])
    yield from _machines(found["sequences"])
    yield ""


def _stills(sets: dict[str, Any]) -> Iterator[str]:
    for kind in ("medium", "hard"):
        both = [sets[f"{kind}-{width}"] for width in (1280, 640)]
        cells = (" / ".join(f"{one[reader]['share'] * 100:.0f}" for one in both) + " %" for reader in READERS)
        yield f"| stills, {kind}, 1280 / 640 (each {both[0]['ours']['frames']}) | {' | '.join(cells)} |"


def _within(part: dict[str, Any]) -> str:
    found = {"ours": part["ours"]["within"], **part["peers"]}
    cells = (f"{_shares(found[reader])} %" if reader in found else "-" for reader in READERS)
    return f"| sequences within {' / '.join(WITHIN)} s | {' | '.join(cells)} |"


def _photographs(part: dict[str, Any]) -> str:
    cells = (str(part[reader]["right"]) if reader in part else "-" for reader in READERS)
    return f"| photographs ({part['ours']['frames']}) | {' | '.join(cells)} |"


def _machines(part: dict[str, Any]) -> Iterator[str]:
    here = {"factor": 1, "budget_ms": part["budget_ms"]} | part["ours"]
    yield ""
    yield f"| as on | factor | `budget_ms` | within {' / '.join(WITHIN)} s | a frame's CPU: mean, p95, max | dropped |"
    yield "|---|---|---|---|---|---|"
    for name, one in {"this machine": here, **part["machines"]}.items():
        cpu = ", ".join(f"{one['cpu_ms'][key]:.1f}" for key in ("mean", "p95", "max"))
        dropped = f"{one['dropped']} of {one['dropped'] + one['frames']}"
        cells = (f"{one['factor']:g}", f"{one['budget_ms']:g}", f"{_shares(one['within'])} %", f"{cpu} ms", dropped)
        yield f"| {name} | {' | '.join(cells)} |"


def _shares(within: dict[str, float]) -> str:
    return " / ".join(f"{within[seconds] * 100:.0f}" for seconds in WITHIN)
