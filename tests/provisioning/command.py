"""The `greengate` command, run in this process."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
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


@contextlib.contextmanager
def stopped_at(nth: int) -> Iterator[None]:
    """Stop what runs within, as Ctrl-C does, when something is to be brought to the disk after `nth` times."""
    sync, left = os.fsync, nth

    def stopping(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", stopping)
        yield


def picture(path: Path, text: str) -> Path:
    segno.make(text, error="m", micro=False).save(str(path), scale=5, border=4)
    return path
