"""The whole appliance with its broker and centre, and what the soak does to them."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from firmware.journal_reader import JournalReader
from firmware.lifeline import tied
from firmware.supervisor import PROGRAMS
from tests.faults.site import Way, collector_config
from tests.firmware.appliance import Appliance, wait_until
from tests.firmware.site import Site, make_site
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki
from tests.soak.schedule import SERVICES, Strike

PASSES = 40
LEASE_S = 0.4
TIMING = f"green_s = {LEASE_S}\nred_s = 0.3\nheld_s = 0.4"
QUICK = {"reader": "tests.soak.quick_reader", "uplink": "tests.soak.quick_uplink"}
RUNNING_S = 10.0  # a program's longest wait before a restart is 5 s
LIGHT_S = 30.0
DRAIN_S = 60.0  # ten of the uplink's longest waits between attempts
AIM_S = 3.0


@dataclass
class Collector:
    """The centre's collector as a process: killed and started at will, always on the same store."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def store(self) -> Path:
        return self.folder / "centre.db"

    @property
    def report(self) -> Path:
        return self.folder / "centre.jsonl"

    def start(self) -> None:
        config = collector_config(self.folder / "main", "centre.main", str(self.store), Way(self.port), Pki.shared())
        command = [sys.executable, "-m", "tests.soak.quick_centre", "collect", "--json", "--config", str(config)]
        with self.report.open("ab") as report:
            self.process = subprocess.Popen(tied(command), stdout=report, stderr=report)

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None


@dataclass
class Rig:
    """All of it, running; `struck` is what was done and when (monotonic ns)."""

    site: Site
    appliance: Appliance
    mosquitto: Mosquitto
    collector: Collector
    struck: list[tuple[int, Strike]] = field(default_factory=list)

    def strike(self, strike: Strike) -> None:
        """Do to a program what the schedule says, once it runs."""
        time.sleep(strike.pause_s)
        if strike.aim_s is not None:
            self._await_write()
            time.sleep(strike.aim_s)
        if strike.program in SERVICES:
            self._strike_service(strike)
            return
        child = self.appliance.supervisor.children[strike.program]
        wait_until(lambda: child.pid, f"{strike.program} runs", RUNNING_S)
        number = signal.SIGSTOP if strike.stop else signal.SIGKILL
        with suppress(ProcessLookupError, AssertionError):  # it ended just now by itself: as good
            self.appliance.signal(strike.program, number)
        self.struck.append((time.monotonic_ns(), strike))

    def await_ready(self) -> None:
        wait_until(lambda: self.appliance.supervisor.ready, "all programs are ready", LIGHT_S)

    def lights(self) -> int:
        return sum(lamps.green for lamps in self.appliance.history())

    def await_lights(self, number: int, when: str) -> None:
        """Wait until passes were accepted, `number` of them more than now."""
        target = self.lights() + number
        wait_until(lambda: self.lights() >= target, f"passes are accepted {when}", LIGHT_S)

    def unplug_camera(self) -> None:
        """Take the pictures away, and wait until the gate has taken all that the reader read."""
        lost = len(self.appliance.events("service-lost"))
        self.site.pictures.rename(self.site.folder / "unplugged")
        wait_until(lambda: len(self.appliance.events("service-lost")) > lost, "the gate misses the camera", LIGHT_S)

    def drain(self) -> float:
        """Wait until the centre has acknowledged everything; return how long that took, in seconds."""
        begun_s = time.monotonic()
        with JournalReader(self.site.config.journal.path) as journal:
            wait_until(lambda: journal.unsent() == 0, "the journal has drained", DRAIN_S)
        return time.monotonic() - begun_s

    def _strike_service(self, strike: Strike) -> None:
        service = self.collector if strike.program == "collector" else self.mosquitto
        service.stop()
        self.struck.append((time.monotonic_ns(), strike))
        time.sleep(strike.away_s)
        service.start()

    def _await_write(self) -> None:
        """Wait for the next write to the journal, or for some seconds."""
        path = self.site.config.journal.path
        log = path.with_name(path.name + "-wal")
        end_s = time.monotonic() + AIM_S
        before = _written_ns(log)
        while _written_ns(log) == before and time.monotonic() < end_s:
            time.sleep(0.0002)


def _written_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def lay(folder: Path) -> Site:
    """Make a checkpoint with many accepted passes in an empty folder."""
    site = make_site(folder, timing=TIMING)
    for number in range(PASSES):
        site.show(f"pass-{number:02}", site.issuer.issue({"ci": f"URN:UVCI:01:VN:SOAK{number:04}#A"}))
    return site


@contextmanager
def rig_of(folder: Path) -> Iterator[Rig]:
    """Run all of it on what `lay` makes of an empty folder."""
    site = lay(folder)
    port = site.config.broker.port
    mosquitto, collector = Mosquitto(folder / "mosquitto", port=port), Collector(folder, port)
    programs = tuple(replace(program, module=QUICK.get(program.name, program.module)) for program in PROGRAMS)
    try:
        mosquitto.start()
        collector.start()
        appliance = Appliance(site, programs)
        try:
            yield Rig(site, appliance, mosquitto, collector)
        finally:
            appliance.stop()
    finally:
        collector.stop(signal.SIGTERM)
        mosquitto.stop()
