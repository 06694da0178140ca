"""A device's system below a folder, with a journal, and a folder as its stick."""

from dataclasses import dataclass
from pathlib import Path

from firmware.checkin import CheckIn
from firmware.journal import Journal
from firmware.journal_schema import migrate
from tests.firmware.checkins import checkin
from tests.firmware.journals import opened
from tests.provisioning.command import Done, greengate

CONFIG = """
[device]
name = "{name}"
site = "Chốt số 1"
lane = "Làn 1"
direction = "in"
[camera]
kind = "simulated"
source = "pictures"
[signal]
kind = "simulated"
[trust]
folder = "trust"
[journal]
path = "{journal}"
[broker]
host = "127.0.0.1"
[run]
folder = "/run/greengate"
"""


@dataclass(frozen=True)
class Site:
    """A device's root folder, and a stick."""

    root: Path
    stick: Path
    name: str = "gate-1"

    @property
    def journal(self) -> Path:
        return self.root / "var/lib/greengate/journal/journal.db"

    def make(self) -> "Site":
        for folder in (self.root / "etc/greengate", self.journal.parent):
            folder.mkdir(parents=True)
        self.stick.mkdir(exist_ok=True)
        text = CONFIG.format(name=self.name, journal="/var/lib/greengate/journal/journal.db")
        (self.root / "etc/greengate/greengate.toml").write_text(text)
        return self

    def opened(self) -> Journal:
        return Journal.open(self.journal, migrate=migrate)

    def record(self, *numbers: int) -> list[CheckIn]:
        checkins = [checkin(number) for number in numbers]
        with opened(self.journal) as journal:
            for one in checkins:
                journal.append(one)
        return checkins

    def run(self, command: str, *arguments: str | Path) -> Done:
        return greengate("journal", command, *arguments, "--root", self.root, "--lang", "en", "--json")

    def export(self) -> Done:
        return self.run("export", self.stick)

    def files(self, ending: str = ".journal") -> list[str]:
        return sorted(file.name for file in self.stick.iterdir() if file.name.endswith(ending))
