"""A home, and commands of `greengate-centre trust` run on it."""

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from centre.main import app
from centre.trust.home import TrustHome


class Centre:
    """A home, and commands run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = TrustHome(folder / "home")

    def run(self, *words: str | Path, code: int = 0) -> Result:
        done = CliRunner().invoke(app, ["trust", *map(str, words), "--home", str(self.home.home)])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    def json(self, *words: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        lines = self.run(*words, "--json", code=code).stdout.splitlines()
        return json.loads(lines[-1])

    def refused(self, *words: str | Path, code: int) -> str:
        """Run what is refused; return the one line that says why, which --json says as well."""
        line = self.run(*words, code=code).stderr
        assert line.count("\n") == 1, line
        assert self.json(*words, code=code)["error"] + "\n" == line
        return line

    def refused_last(self, *words: str | Path, code: int) -> str:
        """Run what is refused at its end; return the line that says why."""
        return self.run(*words, code=code).stderr

    def given(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path
