"""The command `greengate-centre`: certificates for devices; check-ins collected from the broker, and looked at.

Exit codes: 0 done (collect, serve: told to stop) · 1 status, gaps: something is missing, broken or in conflict ·
2 wrong usage · 78 the configuration, the store or the broker's certificates cannot be used; others with each command.
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from centre.authority import commands as ca_commands
from centre.broker import command as broker_command
from centre.collecting.collectors import GroupError
from centre.collecting.config import BrokerConfig, Config, ConfigError, desk_config, load_config
from centre.collecting.events import BatchStored, Event
from centre.collecting.running import run
from centre.collecting.store import PasswordError, StoreError
from centre.devices import commands as devices_commands
from centre.enrolment import commands as enrolment_commands
from centre.importing import command as import_command
from centre.output import EX_CANNOT_WRITE, EX_STOPPED, EX_USAGE, Json, out, refuse, report_event
from centre.page.command import serve
from centre.permits import commands as permit_commands
from centre.showing.command import command
from centre.showing.devices import devices
from centre.showing.export import export
from centre.showing.gaps import gaps
from centre.showing.retention import retention
from centre.showing.status import status
from centre.trust import commands as trust_commands
from drivers.errors import DeviceError
from drivers.streams import standard_streams
from firmware.envelope import SigningError

app = typer.Typer(
    help="The centre: certificates for devices; check-ins collected, and looked at.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,  # a traceback with local variables could show a code or a key
)
app.add_typer(ca_commands.app, name="ca")
app.add_typer(devices_commands.app, name="device")
app.add_typer(enrolment_commands.app, name="enrol")
app.add_typer(trust_commands.app, name="trust")
app.add_typer(permit_commands.app, name="permit")
app.command("import")(import_command.import_)
app.command("mosquitto")(broker_command.mosquitto)
for _command in (status, gaps, devices, export, serve, command, retention):
    app.command()(_command)

# click's UsageError, of whichever click typer brings along
_WRONG_USAGE: Any = typer.BadParameter.__mro__[1]


class UsageError(Exception):
    """Options that do not go together, and which do."""


@app.command()
def collect(
    config: Annotated[Path | None, typer.Option(help="The collector's configuration (TOML).")] = None,
    broker: Annotated[str | None, typer.Option(help="The broker's host, without TLS: for a desk.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    store: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="The store: a SQLite file, or postgresql://...; made if new.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="DIR", help="What ca issue --collector wrote: certificate and keys.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Store what devices send, and acknowledge it, until told to stop (SIGTERM, Ctrl-C).

    A store or broker that is away is waited for.

    Example: greengate-centre collect --config collector.toml

    Exit codes: 0 told to stop; 2 wrong usage; 78 configuration, store, keys or certificates cannot be used.
    """
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        run(_configuration(config, broker, port, store, keys), _reporter(json=json), lambda: stopping)
    except (UsageError, PasswordError) as error:
        refuse(error, EX_USAGE, json=json)
    except (ConfigError, GroupError, SigningError, StoreError, DeviceError) as error:
        refuse(error, json=json)


def _configuration(config: Path | None, broker: str | None, port: int, store: str | None, keys: Path | None) -> Config:
    if config is not None and (broker, store, keys) == (None, None, None):
        return load_config(config)
    if config is None and broker is not None and store is not None and keys is not None:
        return desk_config(BrokerConfig(broker, port), store, keys)
    raise UsageError("Give either --config, or --broker, --store and --keys.")


def _reporter(*, json: bool) -> Callable[[Event], None]:
    def report(event: Event) -> None:
        if isinstance(event, BatchStored) and not json:
            numbers = f"{event.first_seq}-{event.last_seq}"
            broken = "" if event.follows else ", the batch before is not known"
            sys.stdout.write(f"{event.device} {numbers}: {event.new} new, {event.known} known{broken}\n")
            sys.stdout.flush()
        else:
            report_event(event, json=json)

    return report


def main() -> None:
    """Run the command; a wrong command line is told like any other error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # under nohup it is ignored
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C: no half file stays
    with standard_streams(EX_CANNOT_WRITE):
        _main()


def _main() -> None:
    try:
        code = app(standalone_mode=False)
    except _WRONG_USAGE as error:
        if "--json" in sys.argv:
            out({"error": " ".join(error.format_message().split())}, json=True)
        error.show()
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = EX_STOPPED
    if code == EX_STOPPED:  # typer's own answer to Ctrl-C too
        if "--json" in sys.argv:
            out({"error": "stopped"}, json=True)
        typer.echo("stopped: the same command does it from here on, or anew", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
