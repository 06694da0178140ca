"""The enrolment service's connections: TLS, uvicorn, deadlines, stop on a signal."""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from centre.authority.ca import CaError
from centre.collecting.events import Event
from centre.devices.registry import RegistryError
from centre.enrolment.enrolment import Enrolment
from centre.enrolment.events import CentreFailed
from centre.enrolment.http import Worker
from centre.enrolment.limits import Listener

HEADERS_MAX_BYTES = 8 * 1024  # ours: a request's line and headers; a device's have about 200 bytes
HANDSHAKE_S = 10.0  # ours: over a slow mobile line a handshake takes seconds
REQUEST_S = 15.0  # ours: for sending a request, for its answer, and between two
GOODBYE_S = 2.0  # ours: for TLS to end in order
REFRESH_S = 300.0  # ours: how often list and server certificate are looked at
BACKLOG = 128
_OWN = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # of accepting: this machine's, not the client's


class ServeError(Exception):
    """An address that cannot be served at: what is wrong and the cure, on one line."""


def server_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Make the context of a server to which a client may show a certificate of the CA, and of no other.

    Raises: ServeError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION  # each connection shows its certificate anew
    context.num_tickets = 0
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise ServeError(f"{certificate}, {key}: {error}: run greengate-centre ca issue --server HOST anew") from error
    return context


def bind(host: str, port: int, option: str = "--listen") -> Listener:
    """Bind an address, which an option names; port 0 is any free one.

    Raises: ServeError where it is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = Listener(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise ServeError(f"{host} port {port}: {why}: choose another {option} or --port") from None
    return listener


class Connection(H11Protocol):
    """A connection that knows its client's certificate, and is ended when it idles or dawdles."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Take the certificate that TLS has checked, and start the time for the first request."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.app_state = {"certificate": tls.getpeercert(binary_form=True) if tls else None}
        self._deadline = self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        super().connection_lost(exc)
        self._deadline.cancel()

    def on_response_complete(self) -> None:
        """Start the time for taking this answer and for the next request."""
        self._deadline.cancel()
        self._deadline = self._time()
        super().on_response_complete()

    def _time(self) -> asyncio.TimerHandle:
        return self.loop.call_later(
            REQUEST_S, self.transport.abort
        )  # not close, which waits for a client that does not read


class Server(uvicorn.Server):
    """A web server on one TLS listener, quiet, that stops on SIGTERM and Ctrl-C alike."""

    def __init__(self, app: ASGIApp, listener: Listener, context: ssl.SSLContext, ready: Callable[[], None]) -> None:
        """Serve an application; `ready` is called when it does."""
        settings = uvicorn.Config(
            app,
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # its messages name addresses and paths; ours are the closed list
            access_log=False,
            server_header=False,
            proxy_headers=False,  # else a client could choose its own address
            h11_max_incomplete_event_size=HEADERS_MAX_BYTES,
            timeout_graceful_shutdown=2,
        )
        super().__init__(settings)
        self._listener = listener
        self._context = context
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; uvicorn's own knows no bounds for a handshake."""
        del sockets
        loop = asyncio.get_running_loop()
        await self.lifespan.startup()
        made = await loop.create_server(
            lambda: Connection(self.config, self.server_state, {}, loop),
            sock=self._listener,
            ssl=self._context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=GOODBYE_S,
        )
        self.servers = [made]
        self.started = True
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal, in order."""
        del sig, frame  # a second signal means no more than the first
        self.should_exit = True


async def serve(
    server: Server,
    enrolment: Enrolment,
    *,
    worker: Worker,
    reload: Callable[[], None],
    report: Callable[[Event], None],
    now: Callable[[], datetime],
) -> None:
    """Serve until told to stop; keep revocation list and server certificate fresh."""

    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        theirs = isinstance(error, OSError) and error.errno not in _OWN  # went away, or a handshake that failed
        if not theirs:
            report(CentreFailed(f"internal: {type(error).__name__}"))

    async def keep_fresh() -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await worker.do(lambda: enrolment.refresh(now()))
                await worker.do(reload)
            except (CaError, RegistryError, ServeError) as error:
                report(CentreFailed(str(error)))

    asyncio.get_running_loop().set_exception_handler(tell)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # ours is the closed list of events
    keeper = asyncio.create_task(keep_fresh())
    try:
        await server.serve()
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
