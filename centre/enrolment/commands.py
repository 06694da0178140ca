"""`greengate-centre enrol serve`: the service at which devices get their certificates."""

import asyncio
import gc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from centre.authority.ca import Authority
from centre.authority.issue import issue_files, server_names
from centre.authority.profile import LIFE
from centre.authority.sealing import ensure_keys, public_keys
from centre.broker.telling import TellLater, tell_broker
from centre.collecting.events import Event
from centre.devices.registry import Registry
from centre.enrolment.enrolment import Enrolment
from centre.enrolment.events import Serving, ServingStopped
from centre.enrolment.http import BrokerAddress, Service, Worker
from centre.enrolment.serve import ServeError, Server, bind, serve, server_context
from centre.output import HOME, Home, Json, refuse, telling, there, told
from drivers.clock import open_clock

app = typer.Typer(help="The service at which devices get their certificates.", no_args_is_help=True)

Hosts = Annotated[list[str], typer.Option("--name", metavar="HOST", help="A host by which devices reach it.")]
Life = Annotated[int, typer.Option("--days", min=1, max=1825, help="How long a device's certificate is good.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")]


@app.callback()
def _enrol() -> None:
    """Keep `serve` a command of its own, so that there may be others."""


@app.command("serve")
def serve_(
    name: Hosts,
    listen: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen at.")] = "0.0.0.0",  # noqa: S104 - devices are elsewhere
    port: Port = 8443,
    broker: Annotated[str | None, typer.Option(metavar="HOST", help="The broker's host, told to devices.")] = None,
    broker_port: Annotated[int, typer.Option(min=1, max=65535)] = 8883,
    days: Life = LIFE.days,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Let devices enrol, renew and retire over HTTPS, until told to stop (SIGTERM, Ctrl-C).

    Its own certificate and the revocation list are kept fresh. It writes events, never a code or a key.

    Example: greengate-centre enrol serve --name centre.example.vn --broker broker.example.vn

    Exit codes: 0 told to stop; 2 wrong usage; 78 CA, registry or address cannot be used.
    """
    report = telling(json=json)
    with told(json=json), Registry.open(there(home)) as registry:
        try:
            _serve(registry, home, name, (listen, port), _broker(broker, broker_port), timedelta(days=days), report)
        except ServeError as error:
            refuse(error, json=json)


def _serve(
    registry: Registry,
    home: Path,
    hosts: list[str],
    address: tuple[str, int],
    broker: BrokerAddress,
    life: timedelta,
    report: Callable[[Event], None],
) -> None:
    authority, clock, worker = Authority.open(home), open_clock("system"), Worker()
    names = server_names(hosts)
    issued = issue_files(authority, registry, "server", names, home / "enrol", clock.now())
    ensure_keys(authority, registry, clock.now())
    context = server_context(issued.ca, issued.certificate, issued.key)
    later = TellLater(tell_broker(home), report)
    enrolment = Enrolment(authority, registry, report, life=life, revoked=later)
    enrolment.refresh(clock.now())
    service = Service(
        enrolment,
        authority.pem,
        broker,
        centre_keys=lambda: public_keys(home),
        worker=worker,
        report=report,
        now=clock.now,
    )
    listener = bind(*address)
    host, port = listener.getsockname()[:2]
    server = Server(service.app(), listener, context, ready=lambda: report(Serving(host, port, authority.fingerprint)))

    def reload() -> None:
        later.again()
        ensure_keys(authority, registry, clock.now())
        again = issue_files(authority, registry, "server", names, home / "enrol", clock.now())
        if again.new:
            context.load_cert_chain(again.certificate, again.key)  # connections from now on get it

    gc.freeze()  # what is there now stays: so that looking for what connections left takes no time
    try:
        asyncio.run(serve(server, enrolment, worker=worker, reload=reload, report=report, now=clock.now))
    finally:
        worker.close()
        later.close()
        report(ServingStopped())


def _broker(host: str | None, port: int) -> BrokerAddress:
    return BrokerAddress() if host is None else BrokerAddress(server_names([host])[0], port)
