"""`greengate`, the technicians' command."""

import importlib.metadata
import itertools
import sys
from typing import Annotated, Any

import typer
import typer.core

from drivers.streams import standard_streams
from provisioning import camera, configuring, demo, diagnose, doctor, explain, journal, read, rules, run, service
from provisioning.card import prepare
from provisioning.exits import Exit
from provisioning.first_boot import first_boot
from provisioning.identity.enrol import enrol
from provisioning.identity.renew import renew
from provisioning.identity.retire import retire
from provisioning.plate import plate
from provisioning.selftest.command import selftest
from provisioning.sync import sync
from provisioning.talk import Talk


class _Interruptible(typer.core.TyperGroup):
    """The commands, of which each may be stopped by Ctrl-C at any moment: one line says so, and what to do."""

    asked: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own type has no stable name
        """Keep what was asked: it may name a language."""
        self.asked = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - as above
        """Run what was asked."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):
            if sys.stderr.isatty():
                typer.echo(err=True)  # ends the line on which ^C stands
            Talk("common", _lang(self.asked)).fail(Exit.STOPPED, "interrupted")


def _lang(arguments: tuple[str, ...]) -> str | None:
    """Return the language that a command line names, before anything has understood it."""
    after = dict(itertools.pairwise(arguments)).get("--lang", "")
    named = next((text.partition("=")[2] for text in arguments if text.startswith("--lang=")), after)
    return named if named in {"vi", "en"} else None


app = typer.Typer(
    name="greengate",
    cls=_Interruptible,
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


# In the order of a kiosk's life; typer lists the commands that have sub-commands after the others of their panel.
SET_UP, LOOK_AFTER, PASSES, DESK = "Set up", "Look after", "Passes", "Desk"
app.command("prepare", rich_help_panel=SET_UP)(prepare.prepare)
app.command("first-boot", rich_help_panel=SET_UP)(first_boot)
app.command("enrol", rich_help_panel=SET_UP)(enrol)
app.command("renew", rich_help_panel=SET_UP)(renew)
app.command("retire", rich_help_panel=SET_UP)(retire)
app.command("doctor", rich_help_panel=LOOK_AFTER)(doctor.doctor)
app.command("selftest", rich_help_panel=LOOK_AFTER)(selftest)
app.command("sync", rich_help_panel=LOOK_AFTER)(sync)
app.add_typer(camera.app, name="camera", rich_help_panel=LOOK_AFTER)
app.add_typer(service.app, name="service", rich_help_panel=LOOK_AFTER)
app.add_typer(journal.app, name="journal", rich_help_panel=LOOK_AFTER)
app.add_typer(configuring.app, name="config", rich_help_panel=LOOK_AFTER)
app.add_typer(diagnose.app, name="diagnose", rich_help_panel=LOOK_AFTER)
app.command("explain", rich_help_panel=PASSES)(explain.explain)
app.add_typer(rules.app, name="rules", rich_help_panel=PASSES)
app.command("plate", rich_help_panel=PASSES)(plate)
app.command("read", rich_help_panel=PASSES)(read.read)
app.command("run", rich_help_panel=DESK)(run.run)
app.command("demo", rich_help_panel=DESK)(demo.demo)


def main() -> None:
    """Run the command line."""
    with standard_streams(Exit.CANNOT_WRITE):
        app()


if __name__ == "__main__":
    main()
