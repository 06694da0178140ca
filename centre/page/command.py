"""`greengate-centre serve`: the page's address, its server, and its end."""

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn

from centre.collecting.config import ConfigError
from centre.collecting.events import Event
from centre.collecting.store import Store, StoreError, open_store
from centre.enrolment.limits import Listener
from centre.enrolment.serve import HEADERS_MAX_BYTES, Connection, ServeError
from centre.enrolment.serve import bind as listening
from centre.output import Json, refuse, telling
from centre.page.events import PageFailed, PageServed, PageStopped, StoreAway, StoreBack
from centre.page.http import Page
from centre.page.snapshot import Latest
from centre.store_option import ConfigFile, Where, place
from drivers.clock import open_clock

Report = Callable[[Event], None]
Bind = Annotated[
    str, typer.Option("--bind", metavar="ADDRESS", help="The address to listen at; there is no sign-in and no TLS.")
]
Names = Annotated[
    list[str] | None, typer.Option("--name", metavar="HOST", help="A name that the page is called by; may be repeated.")
]


class _Server(uvicorn.Server):
    """A web server that says when it serves, and stops in order on SIGTERM and Ctrl-C alike."""

    def __init__(self, page: Page, listener: Listener, report: Report) -> None:
        settings = uvicorn.Config(
            page.app(),
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # its messages name addresses and paths; ours are the closed list
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEADERS_MAX_BYTES,
            timeout_graceful_shutdown=1,
        )
        super().__init__(settings)
        self._listener, self._report = listener, report

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and say so."""
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        self._report(PageServed(host, port))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal, in order."""
        del sig, frame  # a second signal means no more than the first
        self.should_exit = True


def serve(
    store: Where = None,
    config: ConfigFile = None,
    bind: Bind = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 9465,
    name: Names = None,
    *,
    json: Json = False,
) -> None:
    """Show how the fleet is as a web page, and to Prometheus under /metrics, until told to stop (SIGTERM, Ctrl-C).

    Nothing can be changed there, and nothing personal is shown. The store is read every 10 seconds at most, and only
    when somebody asks. Whoever reaches the address may look: leave it at 127.0.0.1, behind a proxy with TLS and
    sign-in.

    Example: greengate-centre serve --config centre.toml

    Exit codes: 0 told to stop; 2 wrong usage; 78 the configuration or the address cannot be used.
    """
    report = telling(json=json)
    try:
        where = place(store, config, json=json)
        listener = listening(bind, port, "--bind")
    except (ConfigError, StoreError, ServeError) as error:
        refuse(error, json=json)
    latest = Latest(partial(_open, where), open_clock("system").now, partial(_tell_store, report))
    with listener:
        server = _Server(Page(latest, [bind, *(name or [])]), listener, report)
        asyncio.run(_serve(server, listener, report))
    report(PageStopped())


async def _serve(server: _Server, listener: socket.socket, report: Report) -> None:
    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError):  # a client that went away
            report(PageFailed(type(error).__name__))

    asyncio.get_running_loop().set_exception_handler(tell)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # ours is the closed list of events
    await server.serve(sockets=[listener])


def _open(where: str | Path) -> Store:
    if isinstance(where, Path) and not where.is_file():
        raise StoreError(f"{where}: no such file: name the store that the collector makes")
    return open_store(where)


def _tell_store(report: Report, error: BaseException | None) -> None:
    report(StoreBack() if error is None else StoreAway(" ".join(str(error).split())))
