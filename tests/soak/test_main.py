"""The soak's command: what it prints, keeps and returns."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.soak import __main__ as command
from tests.soak.schedule import Strike
from tests.soak.soak import Report, Struck


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(*arguments: str, failures: tuple[str, ...] = ()) -> Result:
        def soak(kills: int, seed: int, folder: Path, told: Callable[[Strike], None]) -> Report:
            assert folder.is_dir()
            (folder / "evidence").touch()
            told(Strike("gate", 0.1))
            programs = {"gate": Struck(3, 1, 0.5, 1.25), "panel": Struck(0, 0, None, None)}
            return Report(seed=seed, kills=kills, ok=not failures, failures=[*failures], programs=programs)

        monkeypatch.setattr(command, "soak", soak)
        app = typer.Typer()
        app.command()(command.main)
        return CliRunner().invoke(app, arguments, catch_exceptions=False)

    return run


def test_all_accounted_for_is_0_and_leaves_nothing(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("--kills", "5", "--seed", "7")
    assert done.exit_code == 0
    assert "gate" in done.stdout
    assert "1.25 s" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_1_and_keeps_what_is_left_and_names_the_seed(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("--kills", "5", "--seed", "7", failures=("the light at 5 never went dark",))
    assert done.exit_code == 1
    assert "✗ the light at 5 never went dark" in done.stdout
    (folder,) = tmp_path.iterdir()
    assert (folder / "evidence").exists()
    assert f"{folder}; again: --kills 5 --seed 7" in done.stderr


def test_json_is_one_object(run: Callable[..., Result]) -> None:
    done = run("--json", "--seed", "7")
    report = json.loads(done.stdout)
    assert (report["seed"], report["kills"], report["ok"]) == (7, 200, True)
    assert report["programs"]["gate"] == {"kills": 3, "stops": 1, "dark_median_s": 0.5, "dark_max_s": 1.25}


def test_help_has_an_example_and_every_exit_code(run: Callable[..., Result]) -> None:
    text = run("--help").stdout
    for part in ("Example: python -m tests.soak", "0 all accounted for", "1 something"):
        assert part in text
    assert run("--kills", "0").exit_code == 2
