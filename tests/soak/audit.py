"""Whether what the lamps showed and what the centre holds are the same story (pure)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from centre.collecting.store import Entry
from drivers.signal.simulated import Lamps

NS = 1_000_000_000
FLASH_S = 0.2  # each of the two green flashes that say that attendance is recorded
FLASHES_NS = NS // 2  # between the beginnings of the two, at most
GRACE_S = 2.0  # what the architecture allows a light beyond its lease, where the gate died or hangs
LOGGED_NS = NS // 2  # a `lit` line follows its light at once
SLACK_NS = 50_000_000  # between a wall clock in whole milliseconds, slewed meanwhile, and the monotonic one


@dataclass(frozen=True)
class Evidence:
    """What a run left behind."""

    history: list[Lamps]
    lit: list[dict[str, Any]]  # the gate's log events of lights: t_ns, checkin, lease_s
    entries: list[Entry]  # all that the centre holds
    wall_ns: int  # time.time_ns() - time.monotonic_ns()


@dataclass
class Audit:
    """What was found."""

    lights: int = 0
    unlogged: int = 0  # green lights whose log line was lost to a kill
    over_s: float = 0.0  # the longest that a green light was on past its lease
    failures: list[str] = field(default_factory=list)


def audit(evidence: Evidence) -> Audit:
    """Match every green light with its check-in, and time every lease."""
    found = Audit()
    _leases(evidence.history, found)
    copies = Counter(str(entry.checkin.id) for entry in evidence.entries)
    found.failures += [f"check-in {name} is stored {times} times" for name, times in copies.items() if times > 1]
    for name in {event["checkin"] for event in evidence.lit} - set(copies):
        found.failures.append(f"check-in {name} was lit and is not at the centre")
    _match(evidence, found)
    return found


def _leases(history: list[Lamps], found: Audit) -> None:
    """Time each green light until the next record: dark, or another light with a lease of its own."""
    for index, lamps in enumerate(history):
        if not lamps.green:
            continue
        if index + 1 == len(history):
            found.failures.append(f"the light at {lamps.t_ns} never went dark")
            continue
        over_s = (history[index + 1].t_ns - lamps.t_ns) / NS - lamps.lease_s
        found.over_s = max(found.over_s, over_s)
        if over_s > GRACE_S:
            found.failures.append(f"the light at {lamps.t_ns} was green {over_s:.2f} s past its lease")


def _match(evidence: Evidence, found: Audit) -> None:
    lights = list(_lights(evidence.history))
    accepted = {str(entry.checkin.id): entry for entry in evidence.entries if is_lit(entry)}
    names = _logged(lights, evidence.lit, found)
    found.lights, found.unlogged = len(lights), len(lights) - len(names)
    recorded = sorted((_at_ns(entry, evidence.wall_ns), name) for name, entry in accepted.items())
    logged = set(names.values())
    for number, t_ns in enumerate(lights):
        if number not in names:
            since_ns = lights[number - 1] if number else 0
            fitting = (name for at_ns, name in recorded if since_ns - SLACK_NS < at_ns <= t_ns + SLACK_NS)
            names[number] = _last(name for name in fitting if name not in logged)
        _judge(t_ns, names[number], accepted, evidence.wall_ns, found)
    for name, times in Counter(names.values()).items():
        if name and times > 1:
            found.failures.append(f"check-in {name} was lit {times} times")


def _lights(history: list[Lamps]) -> Iterator[int]:
    """Give when each green light begins; the second flash of recorded attendance is part of its first."""
    first_ns: int | None = None
    for lamps in history:
        if not lamps.green:
            continue
        if lamps.lease_s <= FLASH_S and first_ns is not None and lamps.t_ns - first_ns <= FLASHES_NS:
            first_ns = None
            continue
        yield lamps.t_ns
        first_ns = lamps.t_ns if lamps.lease_s <= FLASH_S else None


def is_lit(entry: Entry) -> bool:
    """Tell whether a green light follows a record; none does where it says that somebody passed."""
    green = entry.checkin.verdict == "accepted" or entry.checkin.reason == "attendance"
    return green and entry.checkin.type != "passage"


def _judge(t_ns: int, name: str, accepted: dict[str, Entry], wall_ns: int, found: Audit) -> None:
    if name not in accepted:
        found.failures.append(f"the light at {t_ns} has no accepted check-in at the centre ({name or 'none fits'})")
    elif _at_ns(accepted[name], wall_ns) > t_ns + SLACK_NS:
        found.failures.append(f"the light at {t_ns} came before its check-in {name}")


def _logged(lights: list[int], lit: list[dict[str, Any]], found: Audit) -> dict[int, str]:
    """Return the check-in of each light that the log names, by the light's number."""
    names: dict[int, str] = {}
    for event in sorted(lit, key=lambda event: int(event["t_ns"])):
        if not event["lease_s"]:
            continue
        number = bisect_right(lights, event["t_ns"]) - 1
        if number < 0 or number in names or event["t_ns"] - lights[number] > LOGGED_NS:
            found.failures.append(f"check-in {event['checkin']} is logged as lit, and no lamp was")
        else:
            names[number] = event["checkin"]
    return names


def _at_ns(entry: Entry, wall_ns: int) -> int:
    return entry.checkin.at_ms * 1_000_000 - wall_ns


def _last(names: Iterable[str]) -> str:
    """Return the newest check-in (their names are in the order of time), or nothing."""
    return max(names, default="", key=lambda name: UUID(name).int)
