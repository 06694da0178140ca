"""The appliance's systemd units, as technicians' commands see them."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

SYSTEMD_RUNS = Path("/run/systemd/system")  # sd_booted(3)
TIMEOUT_S = 30.0  # ours: units stop within 5 s
PROGRAMS = ("greengate-reader", "greengate-gate", "greengate-uplink", "greengate-panel")


class UnitsError(Exception):
    """A unit could not be told: which, and what systemd said, on one line."""


class Units(Protocol):
    """What can be asked of units and told to them; a unit is named without `.service`."""

    def known(self) -> bool:
        """Tell whether there is anything that runs units here."""
        ...

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        """Return a unit's properties (systemctl show), empty texts where there is no such unit. Raises: UnitsError."""
        ...

    def tell(self, verb: str, *units: str) -> None:
        """Start, stop, restart, enable... units, and wait until it is done. Raises: UnitsError."""
        ...


class Systemd:
    """The system's own systemd."""

    def known(self) -> bool:
        """Tell whether systemd runs this machine."""
        return SYSTEMD_RUNS.is_dir() and shutil.which("systemctl") is not None

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        """Return a unit's properties. Raises: UnitsError."""
        said = self._run("show", f"{unit}.service", *(f"--property={name}" for name in names))
        pairs = (line.partition("=") for line in said.splitlines())
        return {name: value for name, _, value in pairs}

    def tell(self, verb: str, *units: str) -> None:
        """Tell units, and wait. Raises: UnitsError."""
        self._run(verb, *(f"{unit}.service" for unit in units))

    def _run(self, *arguments: str) -> str:
        command = ["systemctl", "--no-ask-password", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnitsError(f"{' '.join(command)}: {error}") from None
        if done.returncode != 0:
            why = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise UnitsError(f"{' '.join(command)}: {why}")
        return done.stdout
