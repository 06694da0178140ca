"""`greengate`, the technicians' command."""

import typer

from provisioning import demo, explain, read, run

app = typer.Typer(
    name="greengate",
    help="Cổng Xanh: a checkpoint appliance that verifies green passes offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("explain")(explain.explain)
app.command("read")(read.read)
app.command("run")(run.run)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
