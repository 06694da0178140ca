"""`greengate demo`: the whole appliance on a desk, with passes made on the spot. `make run` calls it."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from provisioning import desk
from provisioning.exits import Exit, fail
from provisioning.run import on_stop_signals, run_appliance

NOTES = (
    "shown: a lorry's permit, then its driver's test; permit and vaccination at once;",
    "  two people's; a test too old; expired; forged; revoked; an unknown issuer's;",
    "  no pass; an identity card; a link",
)

Json = Annotated[bool, typer.Option("--json", help="One event a line.")]


def demo(as_json: Json = False) -> None:  # noqa: FBT002 - typer makes a flag of it
    """Run the whole appliance on this desk until Ctrl-C: camera of pictures, gate, lamps, journal, broker, centre.

    Example: greengate demo

    The lane is a green lane: a lorry's permit, and the driver's test of the last 72 hours or vaccination.

    The issuers' keys are made for this run and kept in memory; everything else, the keys of device and centre too, lies
    in a temporary folder that goes when the run ends.

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or a closed window, 2 wrong usage, 69 mosquitto is not installed or
    broker or centre did not start, 78 a program did not start.
    """
    on_stop_signals(lambda: sys.exit(0))  # until the appliance runs: tidy up all the same
    with tempfile.TemporaryDirectory(prefix="greengate-") as folder:
        try:
            laid = desk.lay(Path(folder), open_clock("system").now())
            with desk.broker(laid), desk.collector(laid) as centre:
                notes = (f"desk: {folder}", *NOTES)
                status = run_appliance(laid.config, as_json=as_json, notes=notes, centre=centre)
        except desk.DeskError as error:
            fail(Exit.UNAVAILABLE, str(error), as_json=as_json)
    raise typer.Exit(status)
