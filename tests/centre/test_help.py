"""greengate-centre --help: an example, exit codes and --json in every command."""

from collections.abc import Iterator

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from centre.main import app


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


@pytest.mark.parametrize("command", _all_commands())
def test_every_command_has_an_example_exit_codes_and_json(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "-h"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0
    assert f"Example: greengate-centre {command}" in done.output
    assert "Exit codes: 0 " in done.output
    assert "--json" in done.output


def test_a_centre_offers_no_shell_completion_to_install() -> None:
    assert "--install-completion" not in CliRunner().invoke(app, ["--help"]).output
