"""The processes that kiosks are spread over: laid out, started, ordered about."""

import contextlib
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.common import progress
from bench.fleet.keys import Keys
from bench.fleet.kiosks import Plan
from bench.fleet.servers import Cost, cost_of

PROVINCE = 4  # one kiosk of so many is of the province
DAYS = 7.0  # that it is cut off for
KIOSKS_A_PROCESS = 80  # each has ten open files, and select(2) knows 1,024
CONNECTED_MAX_S = 300.0
STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """How large everything is. `per_day`: what a kiosk that is cut off records."""

    kiosks: int
    per_day: int
    seconds: float
    scale: float
    collectors: int
    seed: int

    @property
    def names(self) -> list[str]:
        """Return the kiosks' names, the province's first."""
        return [f"kiosk-{number:05}" for number in range(self.kiosks)]

    @property
    def province(self) -> list[str]:
        """Return those that are cut off."""
        return self.names[: self.kiosks // PROVINCE]

    @property
    def backlog(self) -> int:
        """Return how many check-ins one of them records meanwhile."""
        return round(self.per_day * DAYS)


class Hosts:
    """The processes of the kiosks."""

    def __init__(self, plans: list[Path]) -> None:
        """Start them."""
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.fleet.kiosks", str(plan)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for plan in plans
        ]
        self._said: list[dict[str, int]] = [{} for _ in plans]
        for number, process in enumerate(self._processes):
            threading.Thread(target=self._listen, args=(number, process), daemon=True).start()

    def order(self, what: str) -> None:
        """Tell all of them."""
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for
            process.stdin.write(f"{what}\n".encode())
            process.stdin.flush()

    def now(self) -> dict[str, int]:
        """Return the sums of what they said last. Raises: SystemExit where one has died."""
        if any(process.poll() is not None for process in self._processes):
            raise SystemExit("kiosks have died: see above")
        return {key: sum(said.get(key, 0) for said in self._said) for key in ("appended", "unsent", "connected")}

    def await_connected(self, wanted: int) -> float:
        """Wait until so many are connected; return how long it took. Raises: SystemExit."""
        begun_s = time.monotonic()
        while not (all(self._said) and self.now()["connected"] >= wanted):
            if time.monotonic() - begun_s > CONNECTED_MAX_S:
                raise SystemExit(f"only {self.now()['connected']} of {wanted} are connected")
            time.sleep(0.5)
        return time.monotonic() - begun_s

    def cost(self) -> Cost:
        """Return what they cost."""
        return cost_of([process.pid for process in self._processes])

    def close(self) -> None:
        """End them."""
        with contextlib.suppress(OSError):
            self.order("stop")
        for process in self._processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _listen(self, number: int, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        for line in process.stdout:
            self._said[number] = json.loads(line)


@contextlib.contextmanager
def hosts_of(fleet: Fleet, keys: Keys, folder: Path, port: int) -> Iterator[Hosts]:
    """Make keys and plans, and run the processes."""
    with progress() as bar:
        for name in bar.track(fleet.names, description="keys"):
            keys.issue("device", name)
    hosts = Hosts(_plans(fleet, keys, folder, port))
    try:
        yield hosts
    finally:
        hosts.close()


def _plans(fleet: Fleet, keys: Keys, folder: Path, port: int) -> list[Path]:
    plans, count = [], math.ceil(fleet.kiosks / KIOSKS_A_PROCESS)
    for number in range(count):
        plan = Plan(
            folder=str(keys.folder),
            port=port,
            names=fleet.names[number::count],
            province=fleet.province,
            backlog=fleet.backlog,
            days=DAYS,
            seconds=fleet.seconds,
            scale=fleet.scale,
            seed=fleet.seed,
        )
        path = folder / f"plan-{number}.json"
        path.write_bytes(msgspec.json.encode(plan))
        plans.append(path)
    return plans
