"""Appliances to be looked at: a folder with a configuration, a machine of files, units that answer as told."""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from drivers.clock.simulated import SimulatedClock
from drivers.machine import Machine
from firmware.config import Config
from firmware.config_sections import SignalConfig
from provisioning.checks import Finding, Patient
from provisioning.layout import Layout
from provisioning.units import PROGRAMS, UnitsError
from tests.firmware.site import Site, make_site

NOW = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
GOOD_UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "Result": "success",
    "ConditionResult": "yes",
    "WatchdogUSec": "1.500000s",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "DevicePolicy": "closed",
    "RestrictSUIDSGID": "yes",
    "CapabilityBoundingSet": "",
    "PrivateNetwork": "yes",
    "User": "greengate-x",
}


@dataclasses.dataclass
class TableOfUnits:
    """Units whose properties stand in a table; they remember what they were told."""

    table: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=lambda: {unit: dict(GOOD_UNIT) for unit in (*PROGRAMS, "greengate.target")}
    )
    here: bool = True
    told: list[tuple[str, ...]] = dataclasses.field(default_factory=list)
    failing: bool = False

    def known(self) -> bool:
        return self.here

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        found = self.table.get(unit, {"LoadState": "not-found"})
        return {name: found.get(name, "") for name in names}

    def tell(self, verb: str, *units: str) -> None:
        self.told.append((verb, *units))
        if self.failing:
            raise UnitsError(f"systemctl {verb}: no")


def at_site(folder: Path, **more: object) -> Patient:
    """Return a patient that is a whole simulated site, on a machine that tells nothing."""
    site: Site = make_site(folder)
    clock = SimulatedClock(NOW)
    patient = Patient(
        layout=Layout(folder),
        config_path=site.config_path,
        config=site.config,
        config_fault=None,
        units=TableOfUnits(),
        machine=Machine(folder),
        clock=clock,
        here=True,
        root=True,
        service=False,
    )
    return dataclasses.replace(patient, **more)  # type: ignore[arg-type]


def results(check: Callable[[Patient], Iterable[Finding]], patient: Patient) -> dict[str, str]:
    """Return a check's findings: what each code came to."""
    return {finding.code: finding.result for finding in check(patient)}


def put(patient: Patient, path: str, text: str) -> None:
    file = patient.machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def with_signal(patient: Patient, **signal: object) -> Patient:
    config: Config = msgspec.structs.replace(patient.known, signal=SignalConfig(**signal))  # type: ignore[arg-type]
    return dataclasses.replace(patient, config=config)
