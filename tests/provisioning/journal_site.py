"""A device's system below a folder, with a journal, and a folder as its stick."""

from dataclasses import dataclass
from pathlib import Path

from firmware.checkin import CheckIn
from firmware.export import ack_name, decode_acks, encode_acks, read_export
from firmware.journal import Journal
from firmware.journal_schema import migrate
from firmware.wire import Ack, DecodedBatch, unseal_batch
from tests.firmware.checkins import checkin
from tests.firmware.journals import opened
from tests.pki import Pki
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
ca = "{identity}/ca.pem"
certificate = "{identity}/device.pem"
key = "{identity}/device.key"
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

    @property
    def identity(self) -> Path:
        """Return the folder of its keys, which the configuration names through the link `current`."""
        return self.root / "var/lib/greengate/identity/0001"

    def make(self, pki: Pki | None = None) -> "Site":
        """Put the device in place, enrolled at the centre of `pki`."""
        for folder in (self.root / "etc/greengate", self.journal.parent):
            folder.mkdir(parents=True)
        self.stick.mkdir(exist_ok=True)
        data = "/var/lib/greengate"
        text = CONFIG.format(name=self.name, journal=f"{data}/journal/journal.db", identity=f"{data}/identity/current")
        (self.root / "etc/greengate/greengate.toml").write_text(text)
        (pki or Pki.shared()).files(self.identity, self.name)
        self.identity.with_name("current").symlink_to(self.identity.name)
        return self

    def unsealed(self, name: str) -> list[DecodedBatch]:
        """Return the batches in a file on the stick, as the centre reads them."""
        pki = Pki.shared()
        arrived = read_export((self.stick / name).read_bytes(), pki.authority)
        return [unseal_batch(one, pki.unsealer()) for one in arrived]

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


def answer(site: Site) -> Path:
    """Answer every export on the stick as the centre does; return the last answer."""
    pki = Pki.shared()
    for name in site.files():
        headers = [one.header for one in read_export((site.stick / name).read_bytes(), pki.authority)]
        acks = [Ack(one.device, one.epoch, one.last_seq, one.digest) for one in headers]
        path = site.stick / ack_name(acks[-1].device, acks[-1].epoch, acks[-1].up_to)
        path.write_bytes(encode_acks(acks, pki.signer("centre.import")))
    return path


def acks_in(path: Path) -> list[Ack]:
    return decode_acks(path.read_bytes(), Pki.shared().authority, None)


def events(site: Site) -> list[str]:
    """Export, which has to succeed, and return what was told."""
    done = site.export()
    assert done.code == 0, done.err
    return [result["event"] for result in done.results]
