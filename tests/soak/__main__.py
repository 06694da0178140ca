"""`python -m tests.soak`: kill programs at random moments, and count the lights and check-ins. `make soak` calls it."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.soak.schedule import Strike
from tests.soak.soak import Report, soak

Kills = Annotated[int, typer.Option(min=1, help="How many strikes.")]
Seed = Annotated[int | None, typer.Option(help="Gives the same schedule again; a new one where left out.")]
Json = Annotated[bool, typer.Option("--json", help="One result object.")]


def main(
    kills: Kills = 200,
    seed: Seed = None,
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Run the whole appliance, kill its programs at random moments, and account for every light.

    Example: python -m tests.soak --kills 200 --seed 7

    Exit codes: 0 all accounted for, 1 something is missing, double or too long; the folder is kept then.
    """
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="greengate-soak-"))
    report = _followed(kills, seed, folder)
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _show(report)
    if report.ok:
        shutil.rmtree(folder)
    else:
        typer.echo(f"failed; all that was left is in {folder}; again: --kills {kills} --seed {seed}", err=True)
    raise typer.Exit(not report.ok)


def _followed(kills: int, seed: int, folder: Path) -> Report:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"seed {seed}", total=kills)

        def told(strike: Strike) -> None:
            progress.update(task, advance=1, description=f"seed {seed}: {strike.program}")

        return soak(kills, seed, folder, told)


def _show(report: Report) -> None:
    console = Console()
    table = Table("program", "killed", "stopped", "to the next green light, median", "longest")
    for name, struck in report.programs.items():
        times = ("-" if s is None else f"{s:.2f} s" for s in (struck.dark_median_s, struck.dark_max_s))
        table.add_row(name, str(struck.kills), str(struck.stops), *times)
    console.print(table)
    figures = Table(show_header=False, box=None)
    for name, value in msgspec.structs.asdict(report).items():
        if name not in ("programs", "failures"):
            figures.add_row(name.replace("_", " "), str(value))
    console.print(figures)
    for failure in report.failures:
        console.print(f"✗ {failure}", style="red", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
