"""`greengate doctor`: everything that can be wrong, looked at one by one, each with its cure."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from drivers.clock import open_clock
from drivers.machine import Machine
from firmware.config import Config, ConfigError, load_config
from firmware.service_state import in_service_state
from provisioning.alone import BusyError, locked
from provisioning.checks import Check, Finding, Patient, fault, skipped
from provisioning.checks.every import AREAS, DEVICES, LAMPS, QUIET
from provisioning.checks.rounds import Findings, result_of, side_by_side
from provisioning.exits import Exit, emit
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.talk import JsonOption, LangOption, Talk
from provisioning.units import Systemd, Units, UnitsError, paused

SIGNS = {"ok": "✓", "warning": "!", "fault": "✗", "skipped": "-"}
PROGRAMS_OF_DEVICES = ("greengate-reader", "greengate-gate")
GRACE_S = 4.0  # after Ctrl-C, for lamps to be dark before the gate is started again

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The device's configuration; else the appliance's.",
        readable=False,  # that it cannot be read is a finding
        show_default=False,
    ),
]
NoAskOption = Annotated[bool, typer.Option("--no-ask", help="Ask nobody what the lamps show: read their levels back.")]
OnlyOption = Annotated[
    str | None, typer.Option("--only", metavar="AREA", help=f"Look at one area: {', '.join(AREAS)}.")
]


class Line(NamedTuple):
    """One finding, and the check that it is from."""

    check: Check
    finding: Finding


def doctor(
    config: ConfigOption = None,
    root: RootOption = THIS_MACHINE,
    only: OnlyOption = None,
    no_ask: NoAskOption = False,  # noqa: FBT002 - typer makes flags of these
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Look at everything that can be wrong, and say for each how it is and what to do.

    Camera and lamps themselves are looked at in service state only: sudo greengate service start

    Example: greengate doctor --only camera

    Exit codes: 0 nothing is wrong (there may be warnings), 1 something is, 2 wrong usage, 77 only root may read
    the configuration, 78 it cannot be used, 130 stopped by Ctrl-C.
    """
    talk = Talk("doctor", lang, as_json=as_json)
    if only is not None and only not in AREAS:
        talk.fail(Exit.USAGE, "no-such-area", area=only, areas=", ".join(AREAS))
    ask = _asking(talk) if not (no_ask or as_json) and sys.stdin.isatty() else None
    patient = patient_at(root, config, ask=ask)
    lines = list(examine(patient, talk, only=only))
    for line in lines:
        _tell(line, talk)
    _sum_up(lines, talk)
    if patient.config is None:
        raise typer.Exit(Exit.NO_PERMISSION if patient.locked_away else Exit.CONFIG)
    if any(line.finding.result == "fault" for line in lines):
        raise typer.Exit(Exit.REFUSED)


def patient_at(
    root: Path,
    config_path: Path | None = None,
    *,
    units: Units | None = None,
    machine: Machine | None = None,
    ask: Callable[[str], str] | None = None,
) -> Patient:
    """Return the appliance below a root; its configuration may be unusable."""
    layout = Layout(root)
    path = config_path or layout.config
    config, why = _loaded(path)
    here = layout.here
    return Patient(
        layout=layout,
        config_path=path,
        config=config,
        config_fault=why,
        units=units or Systemd(),
        machine=machine or Machine(root),
        clock=open_clock("system"),
        here=here,
        root=os.geteuid() == 0,
        service=here and config is not None and in_service_state(config.service_marker),
        ask=ask,
    )


def examine(patient: Patient, talk: Talk, *, only: str | None = None) -> Iterator[Line]:
    """Make all checks, or one area's; those that take a device from its program come last."""
    quiet = [check for check in QUIET if only in {None, check.area}]
    devices = [check for check in DEVICES if only in {None, check.area}]
    with talk.progress("looking", len(quiet)) as advance:
        found = side_by_side(quiet, patient, lambda: advance(1))
    found |= _with_devices(devices, patient, talk)
    order = sorted([*quiet, *devices], key=lambda check: AREAS.index(check.area))
    return (Line(check, finding) for check in order for finding in found[check.name])


def _with_devices(devices: Sequence[Check], patient: Patient, talk: Talk) -> Findings:
    """Make checks while the programs that hold the devices are stopped, where the checks may be made at all."""
    if not (devices and patient.service and patient.root and patient.here):
        return side_by_side(devices, patient)  # skipped, and why
    asking = [check for check in devices if check is LAMPS and patient.ask is not None]
    quick = [check for check in devices if check not in asking]
    try:
        with locked(patient.layout), paused(patient.units, *PROGRAMS_OF_DEVICES):
            with talk.progress("looking-devices", len(quick)) as advance:  # ends before questions are asked
                found = side_by_side(quick, patient, lambda: advance(1), grace_s=GRACE_S)
            return found | _in_turn(asking, patient)
    except UnitsError as error:
        return {check.name: (fault("units-fault", why=str(error)),) for check in devices}
    except BusyError as error:
        return {check.name: (skipped("devices-busy", pid=error.pid),) for check in devices}
    except OSError as error:
        unusable = fault("lock-unusable", file=str(patient.layout.lock), why=error.strerror or str(error))
        return {check.name: (unusable,) for check in devices}


def _in_turn(checks: Sequence[Check], patient: Patient) -> Findings:
    """Make checks here, in this thread: somebody is asked, who may take their time, and may press Ctrl-C."""
    return {check.name: result_of(check, patient) for check in checks}


def _loaded(path: Path) -> tuple[Config | None, str | None]:
    try:
        return load_config(path), None
    except ConfigError as error:
        return None, str(error)


def _asking(talk: Talk) -> Callable[[str], str]:
    return lambda code: talk.ask(code, flag="--no-ask", default="-")


def _tell(line: Line, talk: Talk) -> None:
    """Tell one finding: a sign of its own shape, the result as a word, and the cure below."""
    check, finding = line
    text = talk.text(finding.code, **finding.values)
    cure = talk.text(f"{finding.code}-cure", **finding.values) if talk.has(f"{finding.code}-cure") else None
    if talk.as_json:
        emit(
            {
                "check": check.name,
                "area": check.area,
                "result": finding.result,
                "code": finding.code,
                "values": finding.values,
                "text": text,
                "cure": cure,
            }
        )
        return
    word = talk.text(f"result-{finding.result}")
    typer.echo(f"{SIGNS[finding.result]} {word:<11}{talk.text(f'check-{check.name}')}: {text}")
    if cure is not None:
        typer.echo(f"{'':13}→ {cure}")


def _sum_up(lines: Sequence[Line], talk: Talk) -> None:
    counts = {result: sum(line.finding.result == result for line in lines) for result in SIGNS}
    talk.say("summary", ok=counts["ok"], warnings=counts["warning"], faults=counts["fault"], skipped=counts["skipped"])


def as_results(lines: Sequence[Line]) -> list[dict[str, object]]:
    """Return findings as data: codes and values, without texts."""
    return [
        {"check": line.check.name, "area": line.check.area, "result": line.finding.result, "code": line.finding.code}
        | {"values": line.finding.values}
        for line in lines
    ]


def unasked(patient: Patient) -> Patient:
    """Return the same patient where neither anybody is asked nor a device is taken from its program."""
    return replace(patient, ask=None, service=False)
