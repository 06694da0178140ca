"""What `greengate doctor` looks at: one file an area, each check a function from a patient to its findings."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from drivers.clock import Clock
from drivers.machine import Machine
from firmware.config import Config
from provisioning.layout import Layout
from provisioning.units import Units

Result = Literal["ok", "warning", "fault", "skipped"]
Need = Literal["config", "here", "root", "service"]
DEADLINE_S = 5.0  # ours: what reads files and asks systemd takes a tenth of it


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: its code is a text of `words/doctor.toml`, and with `-cure` behind it another, where there is one."""

    result: Result
    code: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patient:
    """The appliance that is looked at, and what may be asked of it."""

    layout: Layout
    config_path: Path
    config: Config | None  # None: it cannot be used, `config_fault` says why
    config_fault: str | None
    units: Units
    machine: Machine
    clock: Clock
    here: bool  # is it this machine, running?
    root: bool  # may everything be read?
    service: bool  # is it in service state?
    ask: Callable[[str], str] | None = None  # a question's code --> the answer; None: nobody is there to be asked

    @property
    def known(self) -> Config:
        """Return the configuration, for checks that need one."""
        assert self.config is not None  # noqa: S101 - see `Check.needs`
        return self.config

    @property
    def locked_away(self) -> bool:
        """Tell whether only root may read the configuration that is there."""
        try:
            there = self.config_path.exists()
        except PermissionError:
            there = True
        return there and not (self.root or os.access(self.config_path, os.R_OK))

    def at(self, path: Path) -> Path:
        """Return where a path of the configuration is, seen from the root."""
        root = self.layout.root
        return path if path.is_relative_to(root) else root / path.relative_to(path.anchor)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name is `check-NAME` in the words; what it needs and is not there makes it skipped."""

    area: str
    name: str
    run: Callable[[Patient], Iterable[Finding]]
    needs: tuple[Need, ...] = ("config", "here")
    deadline_s: float = DEADLINE_S


def ok(code: str, **values: object) -> Finding:
    """Return that all is well."""
    return Finding("ok", code, values)


def warning(code: str, **values: object) -> Finding:
    """Return that it works, and somebody should see to it."""
    return Finding("warning", code, values)


def fault(code: str, **values: object) -> Finding:
    """Return that something is wrong."""
    return Finding("fault", code, values)


def skipped(code: str, **values: object) -> Finding:
    """Return that it was not looked at, and why."""
    return Finding("skipped", code, values)
