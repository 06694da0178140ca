"""`greengate config`: is the configuration right, what does it say, what does a key mean."""

from pathlib import Path
from typing import Annotated

import typer

from firmware.config import Config, ConfigError, load_config
from provisioning import config_keys
from provisioning.config_problems import problems
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.talk import JsonOption, LangOption, Talk

CONFIG = Layout().config
app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

FileArgument = Annotated[
    Path, typer.Argument(metavar="[FILE]", help="The device's configuration; else the appliance's.", show_default=False)
]
FileOption = Annotated[
    Path,
    typer.Option(
        "--config", metavar="FILE", help="The device's configuration; else the appliance's.", show_default=False
    ),
]
KeyArgument = Annotated[str | None, typer.Argument(metavar="[KEY]", help="A key (camera.kind) or a section (camera).")]


@app.callback()
def _common() -> None:
    """The device's configuration: check it, show it, explain its keys."""


@app.command("check")
def check(file: FileArgument = CONFIG, lang: LangOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a flag
    """Say everything that is wrong with the configuration: keys, values, and what they name on this machine.

    Example: greengate config check

    Exit codes: 0 all is right, 2 wrong usage, 78 something is wrong.
    """
    talk = Talk("configuring", lang, as_json=as_json)
    try:
        found = problems(file)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "unusable", why=str(error))
    for problem in found:
        talk.say(problem.code, **problem.values)
    if found:
        talk.fail(Exit.CONFIG, "wrong", file=str(file), n=len(found))
    talk.say("right", file=str(file))


@app.command("show")
def show(
    key: KeyArgument = None,
    config: FileOption = CONFIG,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Show what is in effect, defaults included. Secrets are files, of which only the names are shown.

    Example: greengate config show camera

    Exit codes: 0 shown, 2 no such key, 78 the configuration cannot be used.
    """
    talk = Talk("configuring", lang, as_json=as_json)
    wanted = _wanted(key, talk)
    try:
        loaded = load_config(config)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "unusable", why=str(error))
    for one in wanted:
        value = _value(loaded, one.name)
        code = "shown-default" if value == one.default else "shown"
        if value is None:
            talk.say("shown-none", key=one.name, value=None)
        else:
            talk.say(code, key=one.name, value=value if as_json else config_keys.toml(value))


@app.command("explain")
def explain(key: KeyArgument = None, lang: LangOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - as above
    """Tell what a key is, its unit, what it takes, and its default; without KEY all of them.

    Example: greengate config explain camera.width_px

    Exit codes: 0 told, 2 no such key.
    """
    talk = Talk("configuring", lang, as_json=as_json)
    for one in _wanted(key, talk):
        said = config_keys.words()[one.name]
        values: dict[str, object] = {"key": one.name, "text": said.said(talk.lang), "allowed": one.allowed}
        unit = f" {said.unit}" if said.unit and not as_json else said.unit or ("" if not as_json else None)
        default = None if one.required else config_keys.shown(one.default)
        if one.required:
            talk.say("explained-required", **values, unit=unit)
        elif default is None:
            talk.say("explained-optional", **values, unit=unit)
        else:
            shown = default if as_json else config_keys.toml(default)
            talk.say("explained", **values, unit=unit, default=shown)


def _wanted(key: str | None, talk: Talk) -> list[config_keys.Key]:
    wanted = list(config_keys.all_keys().values()) if key is None else config_keys.chosen(key)
    if not wanted and key is not None:
        near = config_keys.nearest(key)
        if near:
            talk.fail(Exit.USAGE, "key-unknown-near", key=key, near=near)
        talk.fail(Exit.USAGE, "key-unknown", key=key)
    return wanted


def _value(config: Config, name: str) -> object:
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return config_keys.shown(value)
