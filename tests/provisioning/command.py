"""The `greengate` command, run in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
from typer.testing import CliRunner

from provisioning.main import app

EVERY = 3  # of the moments at which a command is stopped in a test


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        """Return what --json printed, an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        (result,) = self.results
        return result


def greengate(*arguments: str | Path, given: str | bytes | None = None) -> Done:
    """Run a command to its end; an exception that leaves it fails the test."""
    line = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, line, input=given, catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def picture(path: Path, text: str) -> Path:
    segno.make(text, error="m", micro=False).save(str(path), scale=5, border=4)
    return path
