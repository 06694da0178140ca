"""The command `greengate-centre`: certificates for devices; check-ins collected from the broker, and looked at.

Exit codes: 0 done (collect: told to stop) · 1 status: something is missing, broken or in conflict ·
2 wrong usage · 78 the configuration, the store or the broker's certificates cannot be used.
"""

import secrets
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from centre.authority import commands as ca_commands
from centre.broker import command as broker_command
from centre.collecting.collector import Collector
from centre.collecting.collectors import GroupError, subscription
from centre.collecting.config import BrokerConfig, Config, ConfigError, StoreConfig, load_config
from centre.collecting.events import BatchStored, Connected, Disconnected, Event
from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import Account, Entry, StoreError
from centre.devices import commands as devices_commands
from centre.enrolment import commands as enrolment_commands
from centre.importing import command as import_command
from centre.output import EX_CANNOT_WRITE, EX_STOPPED, EX_UNSOUND, EX_USAGE, Json, out, refuse
from drivers.broker import Broker, open_broker
from drivers.errors import DeviceError
from drivers.streams import standard_streams

POLL_S = 0.2  # ours: how soon a signal is obeyed

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
app.command("import")(import_command.import_)
app.command("mosquitto")(broker_command.mosquitto)

# click's UsageError, of whichever click typer brings along
_WRONG_USAGE: Any = typer.BadParameter.__mro__[1]
Existing = Annotated[Path, typer.Option("--store", exists=True, dir_okay=False, help="The store's file.")]


class UsageError(Exception):
    """Options that do not go together, and which do."""


@app.command()
def collect(
    config: Annotated[Path | None, typer.Option(help="The collector's configuration (TOML).")] = None,
    broker: Annotated[str | None, typer.Option(help="The broker's host, without TLS: for a desk.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    store: Annotated[Path | None, typer.Option(help="The store's file; made where there is none.")] = None,
    *,
    json: Json = False,
) -> None:
    """Store what devices send, and acknowledge it, until told to stop (SIGTERM, Ctrl-C).

    Example: greengate-centre collect --config collector.toml

    Exit codes: 0 told to stop; 2 wrong usage; 78 configuration, store or certificates cannot be used.
    """
    try:
        _collect(_configuration(config, broker, port, store), _reporter(json=json))
    except UsageError as error:
        refuse(error, EX_USAGE, json=json)
    except (ConfigError, GroupError, StoreError, DeviceError) as error:
        refuse(error, json=json)


@app.command("list")
def list_(store: Existing, *, json: Json = False) -> None:
    """List the check-ins in a store, by device and number.

    Example: greengate-centre list --store centre.db

    Exit codes: 0 done; 2 wrong usage; 78 the store cannot be used.
    """
    try:
        with SqliteStore(store) as opened:
            after = None
            while entries := opened.entries(after):
                for entry in entries:
                    out(_entry(entry), json=json)
                after = entries[-1][:3]
    except StoreError as error:
        refuse(error, json=json)


@app.command()
def status(store: Existing, *, json: Json = False) -> None:
    """Say for each journal (epoch) of each device how many check-ins there are, and what is missing.

    Example: greengate-centre status --store centre.db

    Exit codes: 0 all sound; 1 something is missing, broken or in conflict; 2 wrong usage; 78 the store cannot be used.
    """
    try:
        with SqliteStore(store) as opened:
            accounts = opened.accounts()
    except StoreError as error:
        refuse(error, json=json)
    for account in accounts:
        out(_account(account), json=json)
    if not all(account.sound for account in accounts):
        raise typer.Exit(EX_UNSOUND)


def _configuration(config: Path | None, broker: str | None, port: int, store: Path | None) -> Config:
    if config is not None and broker is None and store is None:
        return load_config(config)
    if config is None and broker is not None and store is not None:
        return Config(BrokerConfig(broker, port), StoreConfig(store))
    raise UsageError("Give either --config, or --broker and --store.")


def _collect(config: Config, report: Callable[[Event], None]) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    settings = msgspec.structs.asdict(config.broker)
    batches = subscription(settings.pop("group"))
    with (
        SqliteStore(config.store.path) as store,
        open_broker("mqtt", client_id=f"collector-{secrets.token_hex(4)}", **settings) as broker,
    ):
        collector = Collector(store, broker, report)
        broker.subscribe(batches)
        connected = False
        while not stopping:
            message = broker.receive(POLL_S)
            if broker.connected != connected:
                connected = broker.connected
                report(_connection(broker))
            if message is not None:
                collector.take(message)


def _connection(broker: Broker) -> Event:
    return Connected() if broker.connected else Disconnected(broker.fault or "unknown")


def _reporter(*, json: bool) -> Callable[[Event], None]:
    def report(event: Event) -> None:
        if json:
            sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        elif isinstance(event, BatchStored):
            numbers = f"{event.first_seq}-{event.last_seq}"
            broken = "" if event.follows else ", the batch before is not known"
            sys.stdout.write(f"{event.device} {numbers}: {event.new} new, {event.known} known{broken}\n")
        else:
            fields = msgspec.to_builtins(event)
            sys.stdout.write(" ".join(str(value) for value in fields.values()) + "\n")
        sys.stdout.flush()

    return report


def _entry(entry: Entry) -> dict[str, Any]:
    checkin = entry.checkin
    return {
        "device": entry.device,
        "epoch": entry.epoch.hex(),
        "seq": entry.seq,
        "id": str(checkin.id),
        "at": _iso(checkin.at_ms),
        "clock_trusted": checkin.clock_trusted,
        "lane": checkin.lane,
        "direction": checkin.direction,
        "verdict": checkin.verdict,
        "reason": checkin.reason,
        "kinds": list(checkin.kinds),
        "pseudonym": checkin.pseudonym and checkin.pseudonym.hex(),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "device": account.device,
        "epoch": account.epoch.hex(),
        "stored": account.stored,
        "last_seq": account.last_seq,
        "missing": [list(hole) for hole in account.missing],
        "breaks": account.breaks,
        "conflicts": account.conflicts,
        "sound": account.sound,
    }


def _iso(at_ms: int) -> str:
    """Return a time in milliseconds since the epoch as ISO 8601; a year past 9999 (a clock gone mad) as its number."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def main() -> None:
    """Run the command; a wrong command line is told like any other error."""
    with standard_streams(EX_CANNOT_WRITE):
        _main()


def _main() -> None:
    try:
        sys.exit(app(standalone_mode=False))
    except _WRONG_USAGE as error:
        if "--json" in sys.argv:
            out({"error": " ".join(error.format_message().split())}, json=True)
        error.show()
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("stopped: the same command goes on from here", err=True)
        sys.exit(EX_STOPPED)


if __name__ == "__main__":
    main()
