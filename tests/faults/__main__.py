"""`python -m tests.faults`: kill kiosks' and centre's programs at random moments, and look for every light."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tests.faults.campaign import Report, Strike, campaign
from tests.postgres_server import MISSING, programs

EX_UNAVAILABLE = 69
Kills = Annotated[int, typer.Option(min=1, help="How many strikes the schedule has.")]
Seed = Annotated[int | None, typer.Option(help="Gives the same schedule again; a new one where left out.")]
First = Annotated[int, typer.Option("--from", min=0, help="The strike to go on from, of a run that was broken off.")]
Minutes = Annotated[float, typer.Option(min=0, help="After how many no further strike begins.")]
Json = Annotated[Path | None, typer.Option("--json", help="Where to write the result.")]


def main(kills: Kills = 500, seed: Seed = None, first: First = 0, minutes: Minutes = 60.0, json: Json = None) -> None:
    """Kill recorders, uplinks, collectors, mosquitto and PostgreSQL (kill -9), and account for every light.

    Example: python -m tests.faults --kills 500 --seed 7 --json faults.json

    Exit codes: 0 all accounted for, 1 something is missing or double (the folder is kept then), 69 no PostgreSQL.
    """
    if programs() is None:
        typer.echo(MISSING, err=True)
        raise typer.Exit(EX_UNAVAILABLE)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="greengate-faults-"))
    report = _followed(kills, seed, folder, first, minutes * 60)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    _show(report)
    if first + report.kills < kills:
        typer.echo(f"time is up; to go on: --kills {kills} --seed {seed} --from {first + report.kills}", err=True)
    if report.ok:
        shutil.rmtree(folder)
    else:
        typer.echo(f"failed; all that was left is in {folder}; again: --kills {kills} --seed {seed}", err=True)
    raise typer.Exit(not report.ok)


def _followed(kills: int, seed: int, folder: Path, first: int, seconds: float) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(f"seed {seed}", total=kills, completed=first)

        def told(strike: Strike) -> None:
            progress.update(task, advance=1, description=f"seed {seed}: {strike.victim:9}")

        return campaign(kills, seed, folder, told, first=first, seconds=seconds)


def _show(report: Report) -> None:
    console = Console()
    table = Table("killed", "times")
    for name, times in report.struck.items():
        table.add_row(name, str(times))
    console.print(table)
    figures = Table(show_header=False, box=None)
    for name, value in msgspec.structs.asdict(report).items():
        if name not in ("struck", "failures"):
            figures.add_row(name.replace("_", " "), str(value))
    console.print(figures)
    for failure in report.failures[:20]:
        console.print(f"✗ {failure}", style="red", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
