"""A soak: strike programs at random moments, then audit what is left."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import Entry
from tests.soak.audit import Evidence, audit, is_lit
from tests.soak.rig import Rig, rig_of
from tests.soak.schedule import PROGRAMS, Strike, schedule

STORED = ("batch-stored", "batches-stored")
UNEXPECTED = ("internal-error", "journal-set-aside", "record-failed", "start-refused")  # a kill explains none of these


class Struck(msgspec.Struct):
    """What one program went through; `dark_s` from a strike to the next green light."""

    kills: int
    stops: int
    dark_median_s: float | None
    dark_max_s: float | None


class Report(msgspec.Struct, kw_only=True):
    """What a soak gives; `ok` is the answer."""

    seed: int
    kills: int
    ok: bool = False
    failures: list[str] = []
    programs: dict[str, Struck] = {}
    green_lights: int = 0
    log_lines_lost: int = 0
    past_lease_s: float = 0.0
    accepted: int = 0
    checkins: int = 0
    epochs: int = 0
    batches: int = 0
    batches_again: int = 0
    drain_s: float | None = None
    took_s: float = 0.0


def soak(kills: int, seed: int, folder: Path, told: Callable[[Strike], None] = lambda _: None) -> Report:
    """Run a soak in an empty folder; a wait in vain is a failure of the report, not an error.

    Args:
        kills: How many strikes.
        seed: Gives the same schedule again.
        folder: Where everything lies; what is left in it explains a failure.
        told: Called after each strike.
    """
    report = Report(seed=seed, kills=kills)
    begun_s = time.monotonic()
    with rig_of(folder) as rig:
        try:
            report.drain_s = round(_ordeal(rig, schedule(kills, seed), told), 2)
        except AssertionError as error:
            report.failures = [*report.failures, f"in vain: {error}"]
    _settle(rig, report)
    report.took_s = round(time.monotonic() - begun_s, 1)
    report.ok = not report.failures
    return report


def _ordeal(rig: Rig, strikes: list[Strike], told: Callable[[Strike], None]) -> float:
    rig.await_ready()
    rig.await_lights(2, "at the start")
    for strike in strikes:
        rig.strike(strike)
        told(strike)
    rig.await_lights(3, "after the last strike")
    rig.unplug_camera()
    return rig.drain()


def _settle(rig: Rig, report: Report) -> None:
    with SqliteStore(rig.collector.store) as store:
        entries = _all(store)
        report.epochs = len(store.accounts())
    history = rig.appliance.history()
    found = audit(Evidence(history, rig.appliance.events("lit"), entries, time.time_ns() - time.monotonic_ns()))
    report.green_lights, report.log_lines_lost = found.lights, found.unlogged
    report.past_lease_s = round(found.over_s, 3)
    report.checkins = len(entries)
    report.accepted = sum(is_lit(entry) for entry in entries)
    stored = [event for event in _lines(rig.collector.report) if event.get("event") in STORED]
    report.batches, report.batches_again = len(stored), sum(not event["new"] for event in stored)
    report.programs = _struck(rig, [lamps.t_ns for lamps in history if lamps.green])
    report.failures = [*report.failures, *found.failures, *_unsound(rig.collector.store), *_unexpected(rig)]


def _all(store: SqliteStore) -> list[Entry]:
    entries: list[Entry] = []
    while more := store.entries(entries[-1].key if entries else None):
        entries += more
    return entries


def _unsound(store: Path) -> list[str]:
    """Ask the centre's own command whether anything is missing, broken or in conflict."""
    command = [sys.executable, "-m", "centre.main", "status", "--json", "--store", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return [] if done.returncode == 0 else [f"greengate-centre status: {done.returncode}: {done.stdout}{done.stderr}"]


def _unexpected(rig: Rig) -> list[str]:
    return [f"the log says {event}" for name in UNEXPECTED for event in rig.appliance.events(name)]


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text("utf-8", "replace").splitlines():
        with suppress(ValueError):  # a process killed amid its line
            found.append(json.loads(line))
    return found


def _struck(rig: Rig, lights: list[int]) -> dict[str, Struck]:
    summary = {}
    for program in PROGRAMS:
        strikes = [(t_ns, strike) for t_ns, strike in rig.struck if strike.program == program]
        after = (min((light for light in lights if light > t_ns), default=None) for t_ns, _ in strikes)
        dark_s = [(light - t_ns) / 1e9 for (t_ns, _), light in zip(strikes, after, strict=True) if light is not None]
        stops = sum(strike.stop for _, strike in strikes)
        figures = (round(median(dark_s), 2), round(max(dark_s), 2)) if dark_s else (None, None)
        summary[program] = Struck(len(strikes) - stops, stops, *figures)
    return summary
