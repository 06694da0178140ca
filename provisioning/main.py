"""`greengate`, the technicians' command."""

import importlib.metadata
import io
import sys
from typing import Annotated

import typer

from provisioning import demo, explain, read, run

app = typer.Typer(
    name="greengate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if asked:
        typer.echo(f"greengate {importlib.metadata.version('greengate')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version.")]


@app.callback()
def _common(version: Version = False) -> None:  # noqa: FBT002 - typer makes a flag of it
    """Cổng Xanh: a checkpoint appliance that verifies green passes offline."""


app.command("explain")(explain.explain)
app.command("read")(read.read)
app.command("run")(run.run)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows no Vietnamese still gets its answer
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
