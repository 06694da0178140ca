"""The programs as processes under a supervisor in this one, and what may be done to them."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from drivers.signal.simulated import Lamps, last_lamps, read_history
from firmware.child import Program
from firmware.events import LogEvent
from firmware.supervisor import PROGRAMS, Change, Supervisor
from tests.firmware.site import Site

LEASE_S = 1.5
TIMING = f"green_s = {LEASE_S}\nred_s = 0.5\nheld_s = 0.3\nreader_timeout_s = 1.0"
GRACE_NS = 2_000_000_000
READER_AND_GATE = PROGRAMS[:2]


@dataclass
class Appliance:
    """A supervisor in a thread, its programs as processes."""

    site: Site
    programs: tuple[Program, ...] = READER_AND_GATE
    logged: list[LogEvent] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    status: int | None = None

    def __post_init__(self) -> None:
        self.log = self.site.folder / "log.jsonl"
        self._stderr = self.log.open("ab")
        self.supervisor = Supervisor(
            self.site.config_path,
            self.site.config,
            programs=self.programs,
            changed=lambda name, change: self.changes.append((name, change)),
            stderr=self._stderr,
            log_=self.logged.append,
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        wait_until(lambda: len(self.changes) >= len(self.programs), "all are started")

    def _run(self) -> None:
        self.status = self.supervisor.run()

    def signal(self, program: str, number: int) -> int:
        pid = self.supervisor.children[program].pid
        assert pid
        os.kill(pid, number)
        return pid

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what the programs have logged under a name."""
        found = []
        for line in self.log.read_text("utf-8").splitlines():
            with suppress(ValueError):  # a process killed amid its line
                event = json.loads(line)
                if event["event"] == name:
                    found.append(event)
        return found

    def lamps(self) -> Lamps:
        return last_lamps(self.site.config.lamp_history)

    def history(self) -> list[Lamps]:
        return read_history(self.site.config.lamp_history)

    def starts(self, program: str) -> int:
        return self.supervisor.children[program].starts

    def stop(self) -> None:
        self.supervisor.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self._stderr.close()


def wait_until(holds: Callable[[], object], what: str, seconds: float = 10) -> None:
    """Wait for other processes."""
    end_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_s, f"waited {seconds} s until {what}"
        time.sleep(0.02)


@contextmanager
def appliance_of(site: Site, programs: tuple[Program, ...] = READER_AND_GATE) -> Iterator[Appliance]:
    appliance = Appliance(site, programs)
    try:
        yield appliance
    finally:
        appliance.stop()


def health(site: Site) -> dict[str, Any]:
    """Return what the panel tells, an unsent count of None while it knows nothing."""
    connection = HTTPConnection("127.0.0.1", site.config.panel.port, timeout=5)
    try:
        connection.request("GET", "/health")
        return json.loads(connection.getresponse().read())["health"] or {"unsent": None}
    except ConnectionRefusedError:
        return {"unsent": None}
    finally:
        connection.close()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
