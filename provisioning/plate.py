"""`greengate plate`: enter a number plate at the gate, from the officer's desk."""

import time
from typing import Annotated

import typer

from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates.entering import enter_plate
from firmware.config import Config, ConfigError, load_config
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.rules.sight import ConfigFile
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from verifier.profile_checks import normalised

PlateText = Annotated[str, typer.Argument(metavar="PLATE", help="As it is on the vehicle: 51C-123.45.")]


def plate(
    text: PlateText,
    config: ConfigFile = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Enter the plate of the vehicle that stands at the gate; its permit has to be for it.

    Example: greengate plate 51C-123.45

    Spaces, dots and hyphens do not matter. It counts for as long as documents shown one after another do (30 s where
    the lane's profile says nothing else), and another plate takes its place.

    Exit codes: 0 entered, 2 wrong usage, 69 no gate takes plates here, 75 the gate does not keep up: again, 77 this
    user may not, 78 the configuration cannot be used, or has no plates.
    """
    talk = Talk("plate", lang, as_json=as_json)
    known = _config(config, talk)
    if not (seen := normalised(text)):
        talk.fail(Exit.USAGE, "no-plate", text=text)
    if dry_run:
        talk.say("plate-would", plate=seen, socket=str(known.plates_socket))
        return
    _enter(known, text, talk)
    talk.say("plate-entered", plate=seen)


def _config(named: ConfigFile, talk: Talk) -> Config:
    path = named or Layout().config
    try:
        known = load_config(path)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "config-unusable", why=str(error))
    if known.plates.kind != "socket":
        talk.fail(Exit.CONFIG, "no-plates", file=str(path))
    return known


def _enter(config: Config, text: str, talk: Talk) -> None:
    try:
        enter_plate(config.plates_socket, text, time.monotonic_ns())
    except ValueError:
        talk.fail(Exit.USAGE, "no-plate", text=text)
    except DeviceMissingError as error:
        denied = isinstance(error.__cause__, PermissionError)
        talk.fail(Exit.NO_PERMISSION if denied else Exit.UNAVAILABLE, "gate-missing", why=str(error))
    except DeviceError as error:
        talk.fail(Exit.TRY_AGAIN, "gate-busy", why=str(error))
