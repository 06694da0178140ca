"""A campaign: programs of kiosks and centre killed at random moments, then every light looked for in the database."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

import msgspec

from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from tests.faults.postgres import SMALL, kill_backend, socket_url, start
from tests.faults.programs import Program, until
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.fixtures_mqtt import Authority, Mosquitto
from tests.pki import Pki
from tests.postgres_server import Postgres, running

KIOSKS = 3
COLLECTORS = ("main", "two")
APART_S = 0.05  # between two check-ins of a kiosk, on average
PAUSE_S = (0.0, 0.6)
AWAY_S = (0.0, 1.0)
DRAIN_S = 120.0
BACKENDS = 0.3  # of the strikes at the database: one backend alone, whereupon the postmaster throws out all
Victim = Literal["recorder", "uplink", "collector", "broker", "database"]
VICTIMS: tuple[Victim, ...] = ("recorder", "uplink", "collector", "broker", "database")


@dataclass(frozen=True, slots=True)
class Strike:
    """What is killed, `pause_s` after the strike before; it comes back after `away_s`."""

    victim: Victim
    number: int  # of several: which one, counted round
    pause_s: float
    away_s: float
    backend: bool


class Report(msgspec.Struct, kw_only=True):
    """What a campaign gives; `ok` is the answer."""

    seed: int
    first: int
    kills: int
    ok: bool = False
    failures: list[str] = []
    struck: dict[str, int] = {}
    backends: int = 0
    lit: int = 0
    stored: int = 0
    unlit: int = 0  # recorded, and killed before the light
    journals: int = 0
    collectors_stored: list[int] = []  # groups of batches, by each
    drain_s: float | None = None
    took_s: float = 0.0


def schedule(kills: int, seed: int) -> list[Strike]:
    """Strike each kind once in some order, then any at random."""
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    victims = random.sample(VICTIMS, len(VICTIMS))
    victims += random.choices(VICTIMS, k=max(0, kills - len(victims)))
    return [
        Strike(
            victim, random.randrange(60), random.uniform(*PAUSE_S), random.uniform(*AWAY_S), random.random() < BACKENDS
        )
        for victim in victims[:kills]
    ]


@dataclass
class Ground:
    """All of it, running."""

    folder: Path
    site: Site
    recorders: list[Program]
    broker: Mosquitto
    database: Postgres
    returning: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    backends: int = 0

    def strike(self, strike: Strike) -> None:
        """Kill what the schedule says, and let come back whose time it is."""
        end_s = time.monotonic() + strike.pause_s
        while (left_s := end_s - time.monotonic()) > 0:
            self.bring_back()
            time.sleep(min(0.02, left_s))
        match strike.victim:
            case "database" if strike.backend:
                self.backends += kill_backend(self.database)
            case "database":
                self._down(strike, self.database.kill, self.start_database)
            case "broker":
                self._down(strike, self.broker.stop, self.broker.start)
            case "recorder":
                self._program(strike, self.recorders)
            case "uplink":
                self._program(strike, [kiosk.uplink for kiosk in self.site.kiosks])
            case "collector":
                self._program(strike, self.site.centre.collectors)

    def start_database(self) -> None:
        """Start the database again."""
        start(self.database)

    def bring_back(self, *, all_: bool = False) -> None:
        """Start again what has been away for long enough."""
        now_s = time.monotonic()
        due = [begin for due_s, begin in self.returning if all_ or due_s <= now_s]
        self.returning = [(due_s, begin) for due_s, begin in self.returning if begin not in due]
        for begin in due:
            begin()

    def _program(self, strike: Strike, programs: list[Program]) -> None:
        program = programs[strike.number % len(programs)]
        self._down(strike, program.kill, program.start)

    def _down(self, strike: Strike, kill: Callable[[], object], begin: Callable[[], object]) -> None:
        if all(begin != waiting for _, waiting in self.returning):  # else it is down already
            kill()
            self.returning.append((time.monotonic() + strike.away_s, begin))

    def lit(self) -> list[str]:
        """Return the check-ins whose lights were lit."""
        return [line for kiosk in self.site.kiosks for line in (kiosk.folder / "lit").read_text().split()]

    def settle(self) -> float:
        """Bring everything back, end the recording, and wait until all is at the centre; return for how long."""
        self.bring_back(all_=True)
        for recorder in self.recorders:
            recorder.kill()
        for kiosk in self.site.kiosks:
            kiosk.journal = Journal.open(kiosk.path, migrate=migrate)
        return self.site.await_drained(DRAIN_S)


def campaign(
    kills: int,
    seed: int,
    folder: Path,
    told: Callable[[Strike], None] = lambda _: None,
    *,
    first: int = 0,
    seconds: float = float("inf"),
) -> Report:
    """Run a campaign in an empty folder; a wait in vain is a failure of the report, not an error.

    Args:
        kills: How many strikes the schedule has.
        seed: Gives the same schedule again.
        folder: Where everything lies; what is left in it explains a failure.
        told: Called after each strike.
        first: From which strike on, of a schedule that was broken off.
        seconds: After how many no further strike begins.
    """
    report = Report(seed=seed, first=first, kills=0)
    begun_s = time.monotonic()
    with ground(folder) as there:
        struck_s = time.monotonic()
        try:
            for strike in schedule(kills, seed)[first:]:
                if time.monotonic() - struck_s > seconds:
                    break
                there.strike(strike)
                told(strike)
                report.kills += 1
                report.struck = {**report.struck, strike.victim: report.struck.get(strike.victim, 0) + 1}
            report.drain_s = round(there.settle(), 2)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            report.failures = [*report.failures, f"in vain: {error}"]
        _account(there, report)
    report.took_s = round(time.monotonic() - begun_s, 1)
    report.ok = not report.failures
    return report


def _account(there: Ground, report: Report) -> None:
    entries = Counter(str(entry.checkin.id) for entry in there.site.centre.entries())
    lit = there.lit()
    report.backends, report.lit, report.stored = there.backends, len(lit), entries.total()
    report.unlit = len(entries.keys() - set(lit))
    report.collectors_stored = [one.said().count('-stored"') for one in there.site.centre.collectors]
    with there.site.centre.opened() as store:
        report.journals = len(store.accounts())
    lost = [f"check-in {name} was lit and is not at the centre" for name in lit if name not in entries]
    twice = [f"check-in {name} is stored {times} times" for name, times in entries.items() if times > 1]
    kills = report.struck.get("recorder", 0) + KIOSKS
    odd = [f"{report.unlit} recorded without a light in {kills} kills"] if report.unlit > kills else []
    report.failures = [*report.failures, *lost, *twice, *odd, *there.site.centre.unsound()]


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Run all of it in an empty folder; the database is in one of its own, as its user may enter no other."""
    authority = Authority(folder / "tls")
    broker = Mosquitto(folder / "mosquitto", authority)
    way = Way(broker.port, tls=lambda name: (authority.file, *authority.issue(name)))
    pki = Pki()
    with running(options=SMALL) as database:
        kiosks = [Kiosk(folder / f"gate-{number}", f"gate-{number}", way, pki, number) for number in range(KIOSKS)]
        recorders = [_recorder(kiosk) for kiosk in kiosks]
        with Site(kiosks, Centre(folder, socket_url(database), way, pki, COLLECTORS, shared=True)) as site:
            try:
                broker.start()
                site.start()
                for recorder in recorders:
                    recorder.start()
                there = Ground(folder, site, recorders, broker, database)
                until(lambda: all((kiosk.folder / "lit").exists() for kiosk in kiosks))
                until(lambda: all(_some_gone(kiosk) for kiosk in kiosks), site.said)
                yield there
            finally:
                for recorder in recorders:
                    recorder.kill()
                broker.stop()
                shutil.copy(database.folder / "log", folder / "postgresql.log")


def _recorder(kiosk: Kiosk) -> Program:
    kiosk.journal.close()  # the recorder's alone now
    arguments = [str(kiosk.path), str(kiosk.folder / "lit"), str(APART_S), str(kiosk.number)]
    return Program([sys.executable, "-m", "tests.faults.recorder", *arguments], kiosk.folder / "recorder.log")


def _some_gone(kiosk: Kiosk) -> bool:
    """Whether the centre has acknowledged something of a kiosk's."""
    with JournalReader(kiosk.path) as reader:
        recorded = len((kiosk.folder / "lit").read_text().split())
        return reader.unsent() < recorded
