"""--help: an example and every exit code, in every command."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import typer.core
import typer.main

from provisioning.exits import Exit
from provisioning.main import app
from tests.provisioning.command import greengate

CODES = {
    "explain": {0, 1, 2, 3, 65, 66},
    "read": {0, 1, 2, 66, 69},
    "run": {0, 2, 78},
    "demo": {0, 2, 69, 78},
    "enrol": {0, 2, 65, 66, 69, 73, 75, 77, 78, 130},
    "renew": {0, 2, 65, 69, 73, 75, 77, 78, 130},
    "retire": {0, 2, 65, 69, 73, 75, 77, 78, 130},
    "first-boot": {0, 2, 65, 66, 73, 75, 77, 78, 130},
    "journal status": {0, 2, 65, 75, 77, 78},
    "journal export": {0, 2, 65, 66, 69, 73, 75, 77, 78},
    "journal verify": {0, 1, 2, 65, 66, 69, 75, 77, 78},
    "sync": {0, 2, 65, 66, 69, 73, 75, 77, 78, 130},
    "camera tune": {0, 1, 2, 69, 73, 75, 77, 78, 130},
    "config check": {0, 2, 78},
    "config show": {0, 2, 78},
    "config explain": {0, 2},
    "rules list": {0, 2, 66, 78},
    "rules evaluate": {0, 1, 2, 3, 65, 66, 78},
    "rules check": {0, 1, 2, 65, 66},
    "plate": {0, 2, 69, 75, 77, 78},
}


FIRST_LIGHT = {"explain", "read", "run", "demo"}  # change nothing, and speak English
LOOKING = {"doctor", "journal status", "journal verify", "service status", "config check", "config show"}
LOOKING |= {"camera tune", "config explain", "rules list", "rules evaluate", "rules check"}  # others change something
SHARED = {"--lang", "--json", "--dry-run", "--root", "--config", "--yes"}  # the same words in every command
TABLE_ROW = re.compile(r"^\| (\d+) \|", re.MULTILINE)
COMMANDS_MD = Path(__file__).parents[2] / "docs" / "commands.md"


def _commands(group: typer.core.TyperGroup, *above: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(command, *above, name)
        else:
            yield " ".join((*above, name))


def _all_commands() -> list[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return list(_commands(group))


def _help(command: str) -> str:
    done = greengate(*command.split(), "--help")
    assert done.code == 0
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.out).split())


def _codes(text: str) -> set[int]:
    codes = text.partition("Exit codes: ")[2].partition("Arguments")[0].partition("Options")[0]
    return {int(number) for number in re.findall(r"(?:^|, |; )(\d+) ", codes)}


@pytest.mark.parametrize("command", _all_commands())
def test_help_has_an_example_and_every_exit_code(command: str) -> None:
    text = _help(command)
    assert f"Example: greengate {command}" in text
    assert _codes(text) == CODES.get(command, _codes(text))
    assert _codes(text) >= {0, 2}
    assert _codes(text) <= {code.value for code in Exit}


def _options(command: str) -> dict[str, str]:
    found = typer.main.get_command(app)
    for name in command.split():
        assert isinstance(found, typer.core.TyperGroup)
        found = found.commands[name]
    return {name: str(getattr(param, "help", "")) for param in found.params for name in param.opts}


@pytest.mark.parametrize("command", [name for name in _all_commands() if name not in FIRST_LIGHT])
def test_every_command_speaks_both_languages_and_json_and_what_changes_something_has_a_dry_run(command: str) -> None:
    wanted = {"--lang", "--json"} | (set() if command in LOOKING else {"--dry-run"})
    assert wanted - set(_options(command)) == set()


def test_an_option_means_the_same_in_every_command() -> None:
    said: dict[str, set[str]] = {}
    for command in _all_commands():
        if command not in FIRST_LIGHT:
            for name, text in _options(command).items():
                said.setdefault(name, set()).add(text)
    assert {name: texts for name, texts in said.items() if name in SHARED and len(texts) > 1} == {}


def test_every_command_and_every_code_is_spoken_for() -> None:
    text = COMMANDS_MD.read_text("utf-8")
    assert [command for command in _all_commands() if f"greengate {command}" not in text] == []
    assert {int(code) for code in TABLE_ROW.findall(text)} == {code.value for code in Exit}
    assert set(CODES) <= set(_all_commands())


def test_no_command_is_wrong_usage() -> None:
    assert greengate().code == 2
    assert greengate("open-sesame").code == 2


def test_the_version() -> None:
    done = greengate("--version")
    assert (done.code, done.out) == (0, f"greengate {version('greengate')}\n")
