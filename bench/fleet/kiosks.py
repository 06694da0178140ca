"""Many kiosks in one process: a journal, the uplink's own code and its own connection to the broker for each.

`python -m bench.fleet.kiosks PLAN` reads a plan (JSON), and orders from standard input, a line each: `begin` the
morning, `outage` and `return` of a province that was cut off, `stop`. It writes how it is, a JSON object a second.
"""

import json
import random
import select
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.fleet.backlog import person, write_backlog
from bench.fleet.load import Morning
from drivers.broker import Broker
from firmware.config import Config, load_config_text
from firmware.events import LogEvent
from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.uplink import Uplink
from firmware.uplink_keys import KeyFiles
from firmware.uplink_telling import will_of
from firmware.wiring import broker_of, clock_of

TURN_S = 0.1  # the uplink's own loop turns every 0.2 s, or when a message comes
STACK_BYTES = 256 * 1024  # of each connection's thread


class Plan(msgspec.Struct, frozen=True):
    """Which kiosks a process is, and what their morning is like."""

    folder: str
    port: int
    names: list[str]
    province: list[str]
    backlog: int
    days: float
    seconds: float
    scale: float
    seed: int
    protocol: str = "5"


@dataclass
class Kiosk:
    """One kiosk: its gate's end of the journal, and its uplink."""

    name: str
    config: Config
    journal: Journal
    arrivals: list[float]
    draw: random.Random
    appended: int = 0
    broker: Broker | None = None
    uplink: Uplink | None = None
    reader: JournalReader | None = field(default=None, repr=False)

    def connect(self) -> None:
        """Start the uplink, as the program does."""
        source, clock = KeyFiles(self.name, self.config.centre_files, _silent), clock_of(self.config)
        source.turn(time.monotonic())
        self.broker = broker_of(self.config, will_of(self.name, "fleet", source, clock))
        self.reader = JournalReader(self.config.journal.path)
        limits = self.config.uplink
        self.uplink = Uplink(self.name, self.reader, self.broker, source, clock, limits, version="fleet", log_=_silent)

    def people_come(self, at_s: float) -> None:
        """Record whoever came until now, durably, as the gate does before its light."""
        while self.arrivals and self.arrivals[-1] <= at_s:
            self.arrivals.pop()
            self.journal.append(person(self.draw, round(time.time() * 1000)))
            self.appended += 1

    def turn(self, now_s: float) -> None:
        """Do what the uplink's loop does in a turn."""
        if self.uplink is None or self.broker is None:
            return
        while (message := self.broker.receive(0)) is not None:
            self.uplink.take(message, now_s)
        self.uplink.turn(now_s)

    def cut_off(self) -> None:
        """Lose the network."""
        for part in (self.broker, self.reader):
            if part is not None:
                part.close()
        self.broker = self.reader = self.uplink = None

    def days_pass(self, plan: Plan) -> None:
        """Record what comes in the days without a network."""
        write_backlog(self.config.journal.path, plan.backlog, plan.days, self.draw)
        self.appended += plan.backlog

    def close(self) -> None:
        """End all of it."""
        self.cut_off()
        self.journal.close()


def _silent(_event: LogEvent) -> None:
    """Log nothing: 2,000 kiosks would have much to say."""


def kiosks_of(plan: Plan) -> list[Kiosk]:
    """Make the kiosks of a plan; a journal that lies in their folder is theirs."""
    morning = Morning(plan.seconds, plan.scale)
    made = []
    for number, name in enumerate(plan.names):
        draw = random.Random(f"{plan.seed} {name} {number}")  # noqa: S311 - a load, no secret
        folder = Path(plan.folder, name)
        config = _config(folder, name, plan)
        if not config.journal.path.exists():
            migrate(config.journal.path)
        arrivals = sorted(morning.arrivals(draw), reverse=True)
        made.append(Kiosk(name, config, Journal.open(config.journal.path), arrivals, draw))
    return made


def _config(folder: Path, name: str, plan: Plan) -> Config:
    text = f"""
[device]
name = "{name}"
site = "fleet"
lane = "1"
direction = "in"
[camera]
kind = "simulated"
source = "."
[signal]
kind = "simulated"
[trust]
folder = "."
[journal]
path = "journal.db"
[broker]
host = "127.0.0.1"
port = {plan.port}
protocol = "{plan.protocol}"
ca = "ca.pem"
certificate = "device.pem"
key = "device.key"
[run]
folder = "run"
"""
    return load_config_text(text, folder)


class Host:
    """The process: turns its kiosks, obeys orders, tells how it is."""

    def __init__(self, plan: Plan) -> None:
        """Make the kiosks, and connect them."""
        self._plan = plan
        self._kiosks = kiosks_of(plan)
        self._begun_s: float | None = None
        self._told_s = 0.0
        for kiosk in self._kiosks:
            kiosk.connect()

    def obey(self, order: str, now_s: float) -> bool:
        """Do what is ordered; return whether to go on."""
        province = [kiosk for kiosk in self._kiosks if kiosk.name in self._plan.province]
        if order == "begin":
            self._begun_s = now_s
        elif order == "outage":
            for kiosk in province:
                kiosk.cut_off()
            for kiosk in province:
                kiosk.days_pass(self._plan)
        elif order == "return":
            for kiosk in province:
                kiosk.connect()
        return order in {"begin", "outage", "return"}

    def turn(self, now_s: float) -> None:
        """Let people come, and each uplink do its turn; tell once a second."""
        for kiosk in self._kiosks:
            if self._begun_s is not None:
                kiosk.people_come(now_s - self._begun_s)
            kiosk.turn(time.monotonic())
        if now_s >= self._told_s + 1:
            self._told_s = now_s
            self._tell()

    def close(self) -> None:
        """End every kiosk."""
        for kiosk in self._kiosks:
            kiosk.close()

    def _tell(self) -> None:
        connected = sum(kiosk.broker is not None and kiosk.broker.connected for kiosk in self._kiosks)
        unsent = sum(kiosk.journal.unsent() for kiosk in self._kiosks)
        appended = sum(kiosk.appended for kiosk in self._kiosks)
        sys.stdout.write(json.dumps({"appended": appended, "unsent": unsent, "connected": connected}) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Run until told to stop, or until nobody is there to tell it."""
    threading.stack_size(STACK_BYTES)
    host = Host(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan))
    going = True
    while going:
        now_s = time.monotonic()
        if select.select([sys.stdin], [], [], 0)[0]:
            going = host.obey(sys.stdin.readline().strip(), now_s)
        host.turn(now_s)
        time.sleep(max(0.0, now_s + TURN_S - time.monotonic()))
    host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
