"""The parts of what `greengate diagnose collect` gives: how the device is, and nothing of anybody who came by."""

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from drivers.machine import Room, Watchdog, Wear
from firmware.messages import Health
from firmware.small_files import read_small
from provisioning.checks import Patient
from provisioning.checks.camera import beats
from provisioning.checks.services import HARD, RUN
from provisioning.scrub import clean_event
from provisioning.units import PROGRAMS

LOG_LINES = 2000
LOG_MAX_BYTES = 8 * 1024 * 1024
JOURNALCTL_S = 10.0
STATUS_MAX_BYTES = 4096
UNITS = (*PROGRAMS, "greengate-sync", "greengate-renew", "greengate-first-boot", "greengate-simulation")

Part = Callable[[Patient], object]


def versions(patient: Patient) -> object:
    """Return what runs here: ours, the libraries, Python, kernel, system, board."""
    release = dict(
        line.partition("=")[::2] for line in (patient.machine.text("etc/os-release") or "").splitlines() if "=" in line
    )
    return {
        "greengate": _version("greengate"),
        "libraries": {name: _version(name) for name in _required()},
        "python": platform.python_version(),
        "kernel": platform.release(),
        "kind": platform.machine(),
        "system": release.get("PRETTY_NAME", "").strip('"'),
        "model": patient.machine.model(),
    }


def configuration(patient: Patient) -> object:
    """Return what is in effect; of keys and certificates the names of their files, and hosts' names stay."""
    if patient.config is None:
        return {"file": str(patient.config_path), "unusable": patient.config_fault}
    return msgspec.to_builtins(patient.config, enc_hook=str)


def health(patient: Patient) -> object:
    """Return what gate and uplink say of themselves."""
    if patient.config is None or not patient.here:
        return None
    told = beats(patient.config.events_socket, wanted=1)
    return {"gate": _told(told[-1]) if told else None, "uplink": _uplink(patient.config.uplink_status)}


def log_events(patient: Patient, lines: int = LOG_LINES) -> Iterable[dict[str, Any]]:
    """Return the programs' last events, from the system's journal or a desk's log."""
    if not patient.here:
        return []
    found = _from_journalctl(lines) if patient.units.known() and shutil.which("journalctl") else _from_file(patient)
    return deque(found, maxlen=lines)


def units(patient: Patient) -> object:
    """Return how the units are."""
    if not (patient.here and patient.units.known()):
        return None
    names = (*RUN, *HARD, "PrivateNetwork", "User", "MainPID", "ActiveEnterTimestamp", "StatusText")
    return {unit: patient.units.properties(unit, names) for unit in UNITS}


def machine(patient: Patient) -> object:
    """Return heat, power, memory, disks."""
    found = patient.machine
    folders = {"root": patient.layout.root, "data": patient.layout.data}
    return {
        "temperature_c": found.temperature_c(),
        "undervoltage": found.undervoltage(),
        "watchdog": _named(found.watchdog()),
        "rtc": found.rtcs(),
        "memory_kib": found.memory(),
        "uptime_s": found.uptime_s(),
        "load": os.getloadavg() if patient.here else None,
        "disks": {name: _named(found.room(folder)) for name, folder in folders.items()},
        "wear": [_named(wear) for wear in found.wear()],
        "cameras": found.cameras(),
    }


def _named(reading: Watchdog | Room | Wear | None) -> object:
    return None if reading is None else reading._asdict()


def _told(said: Health) -> object:
    return msgspec.to_builtins(said)


def _uplink(path: Path) -> object:
    try:
        return json.loads(read_small(path, STATUS_MAX_BYTES)[0])
    except (OSError, ValueError, RecursionError):
        return None


def _from_journalctl(lines: int) -> Iterator[dict[str, Any]]:
    command = ["journalctl", "--no-pager", "--quiet", "--output=json", f"--lines={lines}", "--unit=greengate-*"]
    try:
        done = subprocess.run(  # noqa: S603 - ours
            command, capture_output=True, timeout=JOURNALCTL_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    for row in done.stdout[-LOG_MAX_BYTES:].splitlines():
        entry = _parsed(row)
        event = clean_event(_parsed(str(entry.get("MESSAGE", "")).encode()))
        if event is not None:
            yield {"at": _at(entry.get("__REALTIME_TIMESTAMP")), "unit": _unit(entry.get("_SYSTEMD_UNIT"))} | event


def _from_file(patient: Patient) -> Iterator[dict[str, Any]]:
    if patient.config is None:
        return
    for name in ("log.jsonl.1", "log.jsonl"):
        try:
            with open(patient.config.run.folder / name, "rb", opener=_unwaited) as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_MAX_BYTES))
                rows = file.read(LOG_MAX_BYTES).splitlines()
        except OSError:
            continue
        yield from filter(None, (clean_event(_parsed(row)) for row in rows))


def _unwaited(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)  # a FIFO would be waited for


def _parsed(row: bytes) -> dict[str, Any]:
    try:
        found = json.loads(row)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _at(microseconds: object) -> str | None:
    try:
        return datetime.fromtimestamp(int(str(microseconds)) / 1e6, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _unit(name: object) -> str | None:
    return name if isinstance(name, str) and re.fullmatch(r"greengate-[a-z@.-]{1,60}", name) else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _required() -> list[str]:
    try:
        wanted = importlib.metadata.requires("greengate") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return sorted({re.split(r"[^A-Za-z0-9._-]", line)[0] for line in wanted if "extra ==" not in line})
