"""--help: an example and every exit code, in every command."""

import re
from importlib.metadata import version

import pytest

from provisioning.exits import Exit
from tests.provisioning.command import greengate

CODES = {
    "explain": {0, 1, 2, 3, 65, 66},
    "read": {0, 1, 2, 66, 69},
    "run": {0, 2, 78},
    "demo": {0, 2, 69, 78},
}


def _help(command: str) -> str:
    done = greengate(command, "--help")
    assert done.code == 0
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.out).split())


@pytest.mark.parametrize("command", CODES)
def test_help_has_an_example_and_every_exit_code(command: str) -> None:
    text = _help(command)
    assert f"Example: greengate {command}" in text
    codes = text.partition("Exit codes: ")[2].partition("Arguments")[0].partition("Options")[0]
    assert {int(number) for number in re.findall(r"(?:^|, |; )(\d+) ", codes)} == CODES[command]


def test_every_command_and_every_code_is_spoken_for() -> None:
    text = greengate("--help").out
    assert set(re.findall(r"│ (explain|read|run|demo) ", text)) == set(CODES)
    assert set().union(*CODES.values()) == {code.value for code in Exit}


def test_no_command_is_wrong_usage() -> None:
    assert greengate().code == 2
    assert greengate("open-sesame").code == 2


def test_the_version() -> None:
    done = greengate("--version")
    assert (done.code, done.out) == (0, f"greengate {version('greengate')}\n")
