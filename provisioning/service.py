"""`greengate service`: take the gate out of service while a technician works on it, and give it back."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from firmware import service_state
from firmware.config import APPLIANCE_MARKER, ConfigError, load_config
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.plan import Step, carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk

TOPIC = "service"
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The device's configuration; else the appliance's.")
]

app = typer.Typer(no_args_is_help=True, help="Take the gate out of service while somebody works on it.")


@app.command("start")
def start(
    config: ConfigFile = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Begin service state: the gate judges nobody for 30 minutes; the same command again begins them anew.

    Example: greengate service start

    It ends by itself after 30 minutes, and when the machine starts anew.

    Exit codes: 0 done, 2 wrong usage, 73 the marker cannot be written, 77 only root may, 78 the configuration that was
    named cannot be used.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    marker = marker_of(config, talk)
    begin = partial(service_state.begin, marker, open_clock("system").now())
    minutes = round(service_state.LONGEST_S / 60)
    _carry_out(Step("service-started", _or_fail(begin, marker, talk), {"minutes": minutes}), talk, dry_run=dry_run)


@app.command("end")
def end(
    config: ConfigFile = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """End service state: the gate serves again.

    Example: greengate service end

    Exit codes: 0 done, or nothing to do, 2 wrong usage, 73 the marker cannot be removed, 77 only root may, 78 the
    configuration that was named cannot be used.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    marker = marker_of(config, talk)
    remove = partial(service_state.end, marker)
    there = marker.is_symlink() or marker.exists()
    _carry_out(Step("service-ended", _or_fail(remove, marker, talk)) if there else None, talk, dry_run=dry_run)


@app.command("status")
def status(
    config: ConfigFile = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Tell whether the device is in service state, and for how long.

    Example: greengate service status

    Exit codes: 0 in service state, 1 not in service state, 2 wrong usage, 78 the configuration that was named cannot be
    used.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    left_s = service_state.left_s(marker_of(config, talk), time.monotonic())
    if left_s > 0:
        talk.say("service-on", left_s=round(left_s))
    else:
        talk.say("service-off")
        raise typer.Exit(Exit.REFUSED)


def marker_of(config: Path | None, talk: Talk) -> Path:
    """Return the marker's file; a device whose own configuration cannot be used is repaired in service state too.

    Raises: typer.Exit(78) where a configuration was named.
    """
    try:
        return load_config(config or Layout().config).service_marker
    except ConfigError as error:
        if config is not None:
            talk.fail(Exit.CONFIG, "configuration-wrong", why=str(error))
        talk.warn("configuration-unusable", why=str(error), path=APPLIANCE_MARKER)
        return APPLIANCE_MARKER


def _or_fail(action: Callable[[], None], marker: Path, talk: Talk) -> Callable[[], None]:
    def done() -> None:
        try:
            action()
        except PermissionError:
            talk.fail(Exit.NO_PERMISSION, "root-needed")
        except OSError as error:
            talk.fail(Exit.CANNOT_WRITE, "marker-unwritable", path=marker, why=error.strerror or str(error))

    return done


def _carry_out(step: Step | None, talk: Talk, *, dry_run: bool) -> None:
    carry_out([step] if step else [], talk, dry_run=dry_run)
