"""Kiosks' journals and uplinks, a broker and collectors, all of them real programs: what the tests of faults break."""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from centre.collecting.store import Entry, Store, open_store
from firmware.checkin import CheckIn
from firmware.journal import Journal
from firmware.journal_schema import migrate
from firmware.lifeline import tied
from tests.faults.link import End, Link
from tests.faults.programs import WITHIN_S, Program, until
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import HOST, Mosquitto
from tests.pki import Pki

COLLECT = ["-m", "tests.soak.quick_centre", "collect", "--json"]
APART = 1_000_000  # between the numbers of two kiosks' check-ins
Protocol = Literal["5", "3.1.1"]


@dataclass(frozen=True)
class Way:
    """How programs come to the broker: its address, and the TLS files of a client, if it wants TLS."""

    port: int
    host: str = HOST
    tls: Callable[[str], tuple[Path, Path, Path]] | None = None  # by name: ca, certificate, key
    protocol: Protocol = "5"
    link: Link | None = None

    def section(self, name: str) -> str:
        """Return the section [broker] of a configuration."""
        lines = ["[broker]", f'host = "{self.host}"', f"port = {self.port}", f'protocol = "{self.protocol}"']
        if self.tls is not None:
            files = zip(("ca", "certificate", "key"), self.tls(name), strict=True)
            lines += [f'{key} = "{file}"' for key, file in files]
        return "\n".join(lines)

    def inside(self, end: End, command: list[str]) -> list[str]:
        """Return a command line at one end of the link, if there is one."""
        return command if self.link is None else self.link.inside(end, command)


class Kiosk:
    """One device: its journal, which a test writes in the gate's place, its keys, and its uplink."""

    def __init__(self, folder: Path, name: str, way: Way, pki: Pki, number: int = 0, more: str = "") -> None:
        self.folder, self.name, self.number = folder, name, number
        keys = pki.files(folder / "identity", name)
        self.path = folder / "journal.db"
        self.appended: list[CheckIn] = []
        self.config = folder / "gate.toml"
        self.config.write_text(
            _KIOSK.format(name=name, broker=way.section(name), keys=keys, more=more), encoding="utf-8"
        )
        command = [sys.executable, "-m", "tests.soak.quick_uplink", "--config", str(self.config)]
        self.uplink = Program(way.inside("kiosk", command), folder / "uplink.log")
        self.journal = Journal.open(self.path, migrate=migrate)

    def append(self, count: int = 1) -> None:
        """Record check-ins, each other than all others of the site."""
        for _ in range(count):
            one = checkin(self.number * APART + len(self.appended) + 1)
            self.journal.append(one)
            self.appended.append(one)

    def cloned(self, folder: Path, way: Way, pki: Pki) -> "Kiosk":
        """Return a device with all that is on this one's card: the same name, keys and journal."""
        self.journal.close()
        shutil.copytree(self.folder, folder)
        self.journal = Journal.open(self.path, migrate=migrate)
        return Kiosk(folder, self.name, way, pki, self.number + 1)

    def close(self) -> None:
        self.uplink.kill()
        self.journal.close()


def collector_config(folder: Path, name: str, where: str, way: Way, pki: Pki, group: Path | None = None) -> Path:
    """Write a collector's keys and configuration into a folder; `where` is its store."""
    keys = pki.files(folder, name)
    config = folder / "centre.toml"
    kind = "postgresql" if "://" in where else "path"
    broker = way.section(name) + (f'\ngroup = "{group}"' if group else "")
    config.write_text(_CENTRE.format(broker=broker, keys=keys, kind=kind, where=where), encoding="utf-8")
    return config


class Centre:
    """Collectors on one store; they share the batches, or else each gets all of them."""

    def __init__(
        self,
        folder: Path,
        where: str,
        way: Way,
        pki: Pki,
        collectors: tuple[str, ...] = ("main",),
        *,
        shared: bool = False,
    ) -> None:
        self.where = where
        self._group = folder / "collectors.group" if shared else None
        if self._group is not None:
            self._group.touch(0o600)
            self._group.write_text(secrets.token_hex(16))
        self.collectors = [self._collector(folder / name, f"centre.{name}", way, pki) for name in collectors]

    def _collector(self, folder: Path, name: str, way: Way, pki: Pki) -> Program:
        config = collector_config(folder, name, self.where, way, pki, self._group)
        command = [sys.executable, *COLLECT, "--config", str(config)]
        return Program(way.inside("centre", command), folder / "collector.log")

    def start(self) -> None:
        for collector in self.collectors:
            collector.start()

    def kill(self) -> None:
        for collector in self.collectors:
            collector.kill()

    def opened(self) -> Store:
        return open_store(self.where)

    def entries(self) -> list[Entry]:
        """Return all that is stored, those in conflict too."""
        found: list[Entry] = []
        with self.opened() as store:
            while more := store.entries(found[-1].key if found else None, limit=5000):
                found += more
        return found

    def unsound(self) -> list[str]:
        """Return the journals in which anything is missing, broken or in conflict."""
        with self.opened() as store:
            return [f"{account}" for account in store.accounts() if not account.sound]


@dataclass
class Site:
    """All of it, ended together."""

    kiosks: list[Kiosk]
    centre: Centre
    pki: Pki = field(default_factory=Pki.shared)

    def start(self) -> None:
        self.centre.start()
        for kiosk in self.kiosks:
            kiosk.uplink.start()

    def append(self, count: int, seconds: float = 0.0) -> None:
        """Record so many check-ins at each kiosk, evenly over some time."""
        for _ in range(count):
            for kiosk in self.kiosks:
                kiosk.append()
            time.sleep(seconds / count)

    def drained(self) -> bool:
        return all(kiosk.journal.unsent() == 0 for kiosk in self.kiosks)

    def await_drained(self, within_s: float = WITHIN_S) -> float:
        """Wait until every check-in was acknowledged; return for how long."""
        begun_s = time.monotonic()
        until(self.drained, self.said, within_s)
        return time.monotonic() - begun_s

    def check(self) -> None:
        """Make sure that every check-in ever recorded is at the centre once, and nothing else is."""
        problems = self.problems()
        assert not problems, "\n".join(problems[:10]) + self.said()

    def problems(self) -> list[str]:
        entries = self.centre.entries()
        stored = {entry.checkin.id: entry.checkin for entry in entries}
        wanted = {one.id: one for kiosk in self.kiosks for one in kiosk.appended}
        lost = [f"{one.id} was recorded and is not at the centre" for one in wanted.values() if one.id not in stored]
        odd = [f"{one} is at the centre as nobody recorded it" for one in stored.values() if wanted.get(one.id) != one]
        twice = [f"{len(entries)} entries of {len(stored)} check-ins"] if len(entries) != len(stored) else []
        return [*lost, *odd, *twice, *self.centre.unsound()]

    def said(self) -> str:
        """Return the end of what all programs said."""
        programs = [*self.centre.collectors, *(kiosk.uplink for kiosk in self.kiosks)]
        return "".join(f"\n{program.log}:\n{program.said()[-1500:]}" for program in programs if program.log.exists())

    def close(self) -> None:
        for kiosk in self.kiosks:
            kiosk.close()
        self.centre.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class FarMosquitto(Mosquitto):
    """A broker at the centre's end of a link."""

    link: Link | None = None

    def start(self) -> None:
        """Start it, and wait until it says that it runs."""
        assert self.link is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        config, log = self.folder / "mosquitto.conf", self.folder / "mosquitto.log"
        config.write_text("\n".join(self._config()) + "\n")
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "mosquitto"
        before = log.read_text().count(" running") if log.exists() else 0
        with log.open("ab") as file:
            command = tied(self.link.inside("centre", [program, "-c", str(config)]))
            self._process = subprocess.Popen(command, stdout=file, stderr=file)
        until(lambda: log.read_text().count(" running") > before, log.read_text)


_KIOSK = """\
[device]
name = "{name}"
site = "here"
lane = "1"
direction = "in"
[camera]
kind = "simulated"
source = "pictures"
[signal]
kind = "simulated"
[trust]
folder = "trust"
[journal]
path = "journal.db"
{broker}
[centre]
ca = "{keys}/ca.pem"
certificate = "{keys}/device.pem"
key = "{keys}/device.key"
keys = "{keys}/centre.pem"
[run]
folder = "."
{more}
"""
_CENTRE = """\
{broker}
[store]
{kind} = "{where}"
[centre]
ca = "{keys}/ca.pem"
certificate = "{keys}/device.pem"
key = "{keys}/device.key"
batches = ["{keys}/batches.key"]
"""
