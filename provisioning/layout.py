"""Where things are on an appliance, seen from a root folder: this machine's, or a card's that is mounted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

RootOption = Annotated[
    Path, typer.Option("--root", metavar="DIR", help="Work on the system that is mounted there.", show_default=False)
]
THIS_MACHINE = Path("/")
CONFIG = Path("etc/greengate/greengate.toml")
DATA = Path("var/lib/greengate")
BOOT = Path("boot/firmware")  # where Raspberry Pi OS has the card's boot partition; and a prepared Debian
RUN = Path("run/greengate")
LOCK = Path("run/greengate-service/lock")  # root's own folder: in /run/lock any user might take it first


@dataclass(frozen=True, slots=True)
class Layout:
    """The appliance's files and folders below a root."""

    root: Path = THIS_MACHINE

    @property
    def config(self) -> Path:
        """Return the device's configuration."""
        return self.root / CONFIG

    @property
    def data(self) -> Path:
        """Return the folder of what lasts; on an appliance a partition of its own may be mounted there."""
        return self.root / DATA

    @property
    def identity(self) -> Path:
        """Return the folder of the device's key and certificates, root's alone; `current` in it is a link."""
        return self.data / "identity"

    @property
    def trust(self) -> Path:
        """Return the folder of the trust data."""
        return self.data / "trust"

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.data / "journal" / "journal.db"

    @property
    def boot(self) -> Path:
        """Return the card's boot partition."""
        return self.root / BOOT

    @property
    def run(self) -> Path:
        """Return the folder of sockets, in memory."""
        return self.root / RUN

    @property
    def lock(self) -> Path:
        """Return the file that a command locks which changes something."""
        return self.root / LOCK

    @property
    def here(self) -> bool:
        """Tell whether it is this machine, whose units can be told."""
        return self.root.resolve() == THIS_MACHINE
