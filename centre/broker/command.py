"""`greengate-centre mosquitto`: the broker's configuration, made of CA and registry."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from centre.authority.ca import Authority
from centre.broker.access import BrokerSettings, load_settings, write_access
from centre.broker.process import BrokerTellError, check_config, reload_broker
from centre.devices.registry import Registry
from centre.output import EX_CANNOT_WRITE, EX_UNAVAILABLE, EX_USAGE, HOME, Home, Json, out, refuse, there, told
from drivers.clock import open_clock

Servers = Annotated[
    list[str] | None, typer.Option("--server", metavar="HOST", help="The broker, by each name that devices use.")
]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Where it listens; else 8883.")]
Bind = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Listen on this address only.")]
User = Annotated[str | None, typer.Option(help="The user that mosquitto runs as; else mosquitto.")]
PidFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Its process file; else /run/mosquitto/mosquitto.pid.")
]
Check = Annotated[bool, typer.Option("--check", help="Try whether the installed mosquitto takes it.")]


def mosquitto(
    server: Servers = None,
    port: Port = None,
    bind: Bind = None,
    user: User = None,
    pid_file: PidFile = None,
    home: Home = HOME,
    *,
    check: Check = False,
    json: Json = False,
) -> None:
    """Write mosquitto's configuration, access list, and certificate; a running one is told to read them anew.

    What was asked for once is remembered: run it again after a new collector, or each day, so that the revocation list
    (good for 30 days) and the server's certificate stay in force. Port and address need a restart of mosquitto.

    Example: greengate-centre mosquitto --server broker.example.vn --check

    Exit codes: 0 done; 2 wrong usage; 69 --check: mosquitto is not installed, or does not take it; 73 a file cannot be
    written; 78 CA or registry cannot be used.
    """
    with told(json=json), Registry.open(there(home)) as registry:
        settings = _settings(home, server, port, bind, user, pid_file, json=json)
        try:
            files = write_access(Authority.open(home), registry, settings, open_clock("system").now())
        except OSError as error:
            refuse(f"{error.filename}: {error.strerror}: check disk and rights", EX_CANNOT_WRITE, json=json)
    result = {"config": str(files.config), "changed": files.changed, "collectors": files.collectors}
    try:
        version = check_config(files.config) if check else None
    except BrokerTellError as error:
        refuse(error, EX_UNAVAILABLE, json=json)
    if version is not None:
        result["taken-by"] = f"mosquitto {version}"
    out(result | {"told": _told(settings)}, json=json)


def _told(settings: BrokerSettings) -> bool:
    """Tell a running broker, if there is one; it was not started yet where there is none."""
    try:
        reload_broker(Path(settings.pid_file))
    except BrokerTellError:
        return False
    return True


def _settings(
    home: Path,
    server: list[str] | None,
    port: int | None,
    bind: str | None,
    user: str | None,
    pid_file: Path | None,
    *,
    json: bool,
) -> BrokerSettings:
    """Return what was asked for now, and for the rest before."""
    try:
        known = load_settings(home)
    except BrokerTellError as error:
        if not server:
            refuse(error, json=json)
        known = None
    if not server and known is None:
        refuse("name the broker as devices reach it: --server HOST", EX_USAGE, json=json)
    asked = {"hosts": server, "port": port, "bind": bind, "user": user, "pid_file": pid_file and str(pid_file)}
    before = {} if known is None else msgspec.to_builtins(known)
    try:
        return msgspec.convert(before | {key: value for key, value in asked.items() if value}, BrokerSettings)
    except msgspec.ValidationError as error:
        refuse(f"these options cannot be: {error}", EX_USAGE, json=json)
