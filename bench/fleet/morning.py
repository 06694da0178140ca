"""A morning of the fleet: everybody online, a province cut off, its return a week later; second by second."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import console
from bench.fleet.database import Database, audit, database, stored
from bench.fleet.hosts import Fleet, Hosts, hosts_of
from bench.fleet.keys import Keys
from bench.fleet.servers import broker, collectors, cost_of

OUTAGE_AT, RETURN_AT = 0.25, 0.6  # of the morning's length
DRAINED_MAX_S = 900.0
LOST = ("exceeded timeout", "Protocol error", "closed its connection", "Out of memory")  # of connections, in its log


Over = Callable[[float, int], bool]  # whether to go on with what is next: seconds since the begin, and what is unsent


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold a moment: when (both clocks), what each program had cost, and how many check-ins were stored."""

    at_s: float
    at_ms: int
    cpu_s: dict[str, float]
    stored: int


class Morning:
    """Watch a fleet through its morning."""

    def __init__(self, fleet: Fleet, hosts: Hosts, programs: dict[str, list[int]], database_: Database) -> None:
        """Watch these; a program is a name and its processes."""
        self._fleet, self._hosts, self._programs, self._database = fleet, hosts, programs, database_
        self._begun_s = time.monotonic()
        self._rows: list[dict[str, float]] = []

    def run(self) -> dict[str, Any]:
        """Let it pass; return what was seen. Raises: SystemExit where the province does not drain."""
        seconds = self._fleet.seconds
        begun = self._mark()
        self._hosts.order("begin")
        self._until(lambda at_s, _unsent: at_s >= seconds * OUTAGE_AT)
        self._hosts.order("outage")
        self._until(lambda at_s, _unsent: at_s >= seconds * RETURN_AT)
        returned = self._mark()
        self._hosts.order("return")
        self._until(lambda at_s, unsent: at_s > returned.at_s + 2 and unsent <= self._fleet.kiosks // 50)
        drained = self._mark()
        self._until(lambda at_s, unsent: at_s > seconds + 1 and unsent == 0)
        return {
            "begun_ms": begun.at_ms,
            "returned_ms": returned.at_ms,
            "drained_ms": drained.at_ms,
            "drained_s": drained.at_s - returned.at_s,
            "online": _between(begun, returned),
            "return": _between(returned, drained),
            "rss_mib": {name: max(row[f"{name}_rss_mib"] for row in self._rows) for name in self._programs},
            "rows": self._rows,
        }

    def _until(self, over: Over) -> None:
        while not self._look(over):
            time.sleep(1)
            if time.monotonic() - self._begun_s > self._fleet.seconds + DRAINED_MAX_S:
                raise SystemExit(f"not drained: {self._hosts.now()}")

    def _look(self, over: Over) -> bool:
        at_s, now = time.monotonic() - self._begun_s, self._hosts.now()
        row = {"at_s": at_s, "stored": stored(self._database), **now}
        row |= {f"{name}_rss_mib": cost_of(pids).rss_mib for name, pids in self._programs.items()}
        self._rows.append(row)
        told = f"unsent {now['unsent']:>9}  connected {now['connected']}"
        console.print(f"{at_s:6.0f} s  stored {row['stored']:>9}  {told}")
        return over(at_s, now["unsent"])

    def _mark(self) -> Mark:
        cpu_s = {name: cost_of(pids).cpu_s for name, pids in self._programs.items()}
        return Mark(time.monotonic() - self._begun_s, round(time.time() * 1000), cpu_s, stored(self._database))


def run(fleet: Fleet, folder: Path, store: str) -> dict[str, Any]:
    """Run it all in a folder; return the figures."""
    keys = Keys(folder / "keys")
    with (
        database(folder, store) as database_,
        broker(keys, folder, fleet.collectors, fleet.kiosks + 100) as (port, broker_pid),
        collectors(keys, folder, port, database_.where, fleet.collectors) as collector_pids,
        hosts_of(fleet, keys, folder, port) as hosts,
    ):
        connected_s = hosts.await_connected(fleet.kiosks)
        console.print(f"{fleet.kiosks} connected after {connected_s:.1f} s")
        programs = {"broker": [broker_pid], "collectors": collector_pids, "database": database_.pids()}
        seen = Morning(fleet, hosts, programs, database_).run()
        said, kiosk_rss_mib = hosts.now(), hosts.cost().rss_mib
        first_online = fleet.names[len(fleet.province)]
        found = audit(database_, first_online, (seen["begun_ms"], seen["returned_ms"], seen["drained_ms"]))
        log = (folder / "mosquitto.log").read_text("utf-8", "replace")
        lost = [told for line in log.splitlines() if (told := _lost(line, seen["begun_ms"]))]
        in_morning = [told for at_s, told in lost if at_s >= 0]
    return (
        seen
        | found._asdict()
        | {
            "connected_s": connected_s,
            "expected": said["appended"],
            "broker_dropped": log.count("dropped"),
            "connections_lost": len(in_morning),
            "lost": in_morning,
            "tried_again": len(lost) - len(in_morning),  # before it: all shake hands at once, on these processors
            "kiosk_rss_mib": kiosk_rss_mib / fleet.kiosks,
        }
    )


def _lost(line: str, begun_ms: int) -> tuple[float, str] | None:
    """Return what a line of the broker's log says of a connection that was lost, behind the seconds since the begin."""
    at, _, told = line.partition(": ")
    if not (at.isdigit() and any(why in told for why in LOST)):
        return None
    return int(at) - begun_ms / 1000, told


def _between(first: Mark, last: Mark) -> dict[str, Any]:
    cpu_s = {name: last.cpu_s[name] - first.cpu_s[name] for name in first.cpu_s}
    return {"seconds": last.at_s - first.at_s, "stored": last.stored - first.stored, "cpu_s": cpu_s}
