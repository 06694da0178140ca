"""`greengate camera`: set a camera up for reading codes."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from provisioning.alone import alone
from provisioning.camera_advice import Found, found_of, problems, suggestions
from provisioning.camera_screen import Screen
from provisioning.camera_watch import WatchError, watched
from provisioning.checks import Patient
from provisioning.checks.camera import as_reader
from provisioning.config_keys import toml
from provisioning.doctor import PROGRAMS_OF_DEVICES, ConfigOption, patient_at
from provisioning.exits import Exit, emit
from provisioning.layout import THIS_MACHINE
from provisioning.talk import JsonOption, LangOption, Talk
from provisioning.units import RUNNING, Units, UnitsError, paused

SECONDS_MAX = 3600.0  # ours: nobody turns a lens for longer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The camera: set it up for reading codes.")

SecondsOption = Annotated[
    float, typer.Option("--seconds", metavar="N", min=1.0, max=SECONDS_MAX, help="How long to look, after a sweep.")
]
SweepOption = Annotated[
    bool | None,
    typer.Option(
        "--sweep/--no-sweep", help="Try the lens at all its places; else where focus is manual.", show_default=False
    ),
]


@app.callback()
def _common() -> None:
    """The camera: set it up for reading codes."""


@app.command("tune")
def tune(
    config: ConfigOption = None,
    seconds: SecondsOption = 20.0,
    sweep: SweepOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Show how sharp, bright and large a code comes out, while somebody holds one where passes are held; then suggest.

    Example: greengate camera tune --seconds 60

    Turn the lens while you look on; a lens with a motor is tried at all its places with --sweep. Ends with lines for
    the configuration. No picture is kept. On an appliance in service state only: sudo greengate service start

    Exit codes: 0 all is as it should be, 1 codes are not seen well, 2 wrong usage, 69 the camera hangs or its program
    ended, 73 no room for the technicians' lock, 75 not in service state, or another command is at work, 77 only root
    may, 78 the configuration or its camera cannot be used, 130 stopped by Ctrl-C.
    """
    talk = Talk("camera", lang, as_json=as_json)
    patient = _patient(config, talk)
    camera = patient.known.camera
    wanted = camera.focus == "manual" if sweep is None else sweep
    with _held(patient, talk), Screen(talk, sweep=wanted) as screen:
        try:
            seen = watched(_command(patient, seconds, sweep=wanted), as_reader(patient), screen)
        except WatchError as error:
            talk.fail(error.exit, error.code, why=error.why)
    found = found_of(seen.sights)
    wrong = problems(found, camera)
    suggested = suggestions(found, camera, seen.opened, seen.sharpest)
    if as_json:
        _emit(found, seen.opened.without, wrong, suggested)
    else:
        _tell(talk, found, seen.opened.without, wrong, suggested)
    raise typer.Exit(Exit.REFUSED if wrong else Exit.OK)


def _patient(config: Path | None, talk: Talk) -> Patient:
    patient = patient_at(THIS_MACHINE, config)
    if patient.config is None:
        exit_ = Exit.NO_PERMISSION if patient.locked_away else Exit.CONFIG
        talk.fail(exit_, "config-unusable", why=patient.config_fault)
    return patient


@contextlib.contextmanager
def _held(patient: Patient, talk: Talk) -> Iterator[None]:
    """Have the appliance's own camera for this command while it looks: its programs are stopped meanwhile."""
    try:
        if patient.config_path != patient.layout.config or not _busy(patient.units):
            yield
            return
        if not patient.service:
            talk.fail(Exit.TRY_AGAIN, "service-state-needed")
        if not patient.root:
            talk.need_root()
        with alone(patient.layout, talk), paused(patient.units, *PROGRAMS_OF_DEVICES):
            yield
    except UnitsError as error:
        talk.fail(Exit.UNAVAILABLE, "units-fault", why=error)


def _busy(units: Units) -> bool:
    """Tell whether the reader runs, and so has the camera."""
    reader = PROGRAMS_OF_DEVICES[0]
    return units.known() and units.properties(reader, ["ActiveState"]).get("ActiveState") in RUNNING


def _command(patient: Patient, seconds: float, *, sweep: bool) -> list[str]:
    given = ["--config", str(patient.config_path), "--seconds", str(seconds), *(["--sweep"] if sweep else [])]
    return [sys.executable, "-P", "-m", "provisioning.camera_sight", *given]


def _emit(found: Found, without: tuple[str, ...], wrong: list[str], suggested: dict[str, int | float | str]) -> None:
    emit({"seen": found, "unheeded": without, "problems": wrong, "suggested": suggested, "toml": _lines(suggested)})


def _tell(
    talk: Talk, found: Found, without: tuple[str, ...], wrong: list[str], suggested: dict[str, int | float | str]
) -> None:
    none = talk.text("none")
    values = {
        name: none if value is None else f"{value:g}"
        for name in ("bright", "blur_px", "best_blur_px", "module_px", "exposure_us", "gain", "lens_position")
        for value in [getattr(found, name)]
    }
    talk.say(
        "summary", sights=found.sights, fps=found.fps, codes=f"{found.code:.0%}", read=f"{found.read:.0%}", **values
    )
    if without:
        talk.say("unheeded", keys=", ".join(f"camera.{key}" for key in without))
    for code in wrong:
        talk.say(f"problem-{code}")
    if not wrong:
        talk.say("good")
    talk.say("suggested" if suggested else "nothing-suggested")
    for line in _lines(suggested).splitlines():
        typer.echo(f"    {line}")


def _lines(suggested: dict[str, int | float | str]) -> str:
    """Return keys and values as they stand in the configuration; "" where there are none."""
    lines = [f"{key} = {toml(value)}" for key, value in suggested.items()]
    return "".join(f"{line}\n" for line in (["[camera]", *lines] if lines else []))
