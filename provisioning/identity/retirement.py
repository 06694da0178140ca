"""A retirement's steps: the centre is told, then nothing of the device stays. Each can be repeated."""

from pathlib import Path

from drivers.clock import open_clock
from firmware.config import ConfigError, load_config
from firmware.journal_base import JournalError, MalformedError, count_set_aside
from firmware.journal_snapshot import snapshot
from provisioning.config_file import IN_SIMULATION, ON_AN_APPLIANCE, render, write_config
from provisioning.durable import make_folder, read_bounded, sync_folder
from provisioning.identity.enrolment import WISHES, tell_installed
from provisioning.identity.folder import CERTIFICATE, TOLD, Identity
from provisioning.identity.keys import holder
from provisioning.identity.renewal import UPLINK, Present
from provisioning.identity.wishes import of_bytes
from provisioning.layout import Layout
from provisioning.prepared_card import PreparedCard, Result
from provisioning.units import PROGRAMS, Units
from provisioning.words import Lang

SIMULATION = Path("usr/share/greengate/simulation.toml")  # the package's own
CONFIG_MAX_BYTES = 256 * 1024
WRITERS = tuple(name for name in PROGRAMS if name != UPLINK)
_ANONYMOUS: dict[str, object] = {
    "version": 1,
    "device.name": "kiosk",
    "device.site": "-",
    "device.lane": "A",
    "device.direction": "in",
    "broker.host": "localhost",
    **ON_AN_APPLIANCE,
    **IN_SIMULATION,
    "trust.folder": "/run/greengate-simulation/trust",
}


class Retirement:
    """One device's retirement."""

    def __init__(self, layout: Layout, units: Units) -> None:
        self.layout = layout
        self.identity = Identity(layout.identity)
        self._units = units
        self._card = PreparedCard(layout.boot)

    @property
    def journal(self) -> Path:
        """Return where the journal is: as the configuration says on this machine, else where an appliance has it."""
        if not self.layout.here:
            return self.layout.journal
        try:
            return load_config(self.layout.config).journal.path
        except ConfigError:
            return self.layout.journal

    def unsent(self) -> tuple[int, int]:
        """Return how many check-ins the centre has not acknowledged, and how many journals lie set aside.

        Raises: JournalError where it cannot be known.
        """
        path = self.journal
        try:
            with snapshot(path) as now:  # which refuses a journal of another schema, where the uplink would just wait
                return 0 if now is None else now.unsent, count_set_aside(path)
        except MalformedError as error:
            raise JournalError(f"{path}: damaged: nobody can say what is unsent") from error

    @property
    def told(self) -> bool:
        """Tell whether the centre knows already."""
        return (self.identity.folder / TOLD).exists()

    def stop_writers(self) -> None:
        """Stop all programs but the uplink, which may go on sending."""
        tell_installed(self.layout, self._units, "stop", *WRITERS)

    def stop_uplink(self) -> None:
        """Stop the uplink."""
        tell_installed(self.layout, self._units, "stop", UPLINK)

    def start_again(self) -> None:
        """Start the programs again, where the retirement ends before anything is wiped."""
        tell_installed(self.layout, self._units, "start", *PROGRAMS)

    def tell_centre(self) -> None:
        """Tell the centre, once. Raises: CentreError, CertificateError."""
        if self.told:
            return
        current = self.identity.current
        if current is not None:
            Present(current).centre().retire()
        self.mark_told()

    def mark_told(self) -> None:
        """Keep that the centre knows, or is not to be told from here."""
        make_folder(self.identity.folder, 0o700)
        path = self.identity.folder / TOLD
        path.touch(0o600)
        sync_folder(path.parent)

    @property
    def waits(self) -> bool:
        """Tell whether a prepared card's first boot has not ended: the next one would enrol this device again."""
        return self._card.waits

    @property
    def due(self) -> bool:
        """Tell whether there is anything to retire."""
        folder = self.identity.folder
        return self.waits or (folder.is_dir() and any(folder.iterdir()))

    @property
    def known(self) -> bool:
        """Tell whether the centre knows already, or can be told in this device's name."""
        return self.told or self.identity.current is not None

    def name(self) -> str:
        """Return the device's name, also where its enrolment has not ended."""
        current = self.identity.current
        if current is None:
            return of_bytes(self.identity.pending.get(WISHES)).name or "-"
        return holder(current.get(CERTIFICATE) or b"")[0]

    def forget_card(self, name: str) -> None:
        """Erase the secrets of a card that waits, and have its first boot never come."""
        if self.waits:
            self._card.erase_secrets(self.layout.root)
            self._card.leave(Result("retired", open_clock("system").now(), name))
            self._card.set_aside()

    def wipe_journal(self) -> None:
        """Delete the journal, with what SQLite keeps beside it and what was set aside."""
        path = self.journal
        if not path.parent.is_dir():
            return
        for file in path.parent.iterdir():
            if file.name.startswith(path.name) and not file.is_dir():
                file.unlink()
        sync_folder(path.parent)

    def configure(self, lang: Lang) -> None:
        """Put the simulation's configuration in place."""
        try:
            text = read_bounded(self.layout.root / SIMULATION, CONFIG_MAX_BYTES).decode()
        except FileNotFoundError:
            text = render(_ANONYMOUS, lang)
        write_config(self.layout.config, text)
        self.layout.config.with_name(f"{self.layout.config.name}.before").unlink(missing_ok=True)

    def wipe_identity(self) -> None:
        """Delete keys and certificates; the last thing, as it is what says that there is something to retire."""
        self.identity.wipe()
