"""The panel: one page that shows what the gate shows, and how the device is; it listens and changes nothing."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firmware.config import ConfigError
from firmware.config_sections import PanelConfig
from firmware.crash import report_crash
from firmware.events import Started, Stopped, log
from firmware.handed_over import handed_over
from firmware.messages import MAX_MESSAGE_BYTES, Advised, MessageError, decode_event
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.panel_limits import STREAMS_PATH, Connection, KnownNames, SeatedStream, Seats, is_own, tell_quietly
from firmware.panel_state import PanelState
from firmware.program import configuration, refuse
from firmware.sockets import connect
from firmware.texts import load_texts

BACKLOG = 100  # ours: as many connections are accepted at a time, each a descriptor
TICK_S = 1.0  # how often a stream says something, so that both ends notice when the other has gone
RETRY_S = 0.2
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
FILES = {"/": "panel.html", "/panel.css": "panel.css", "/panel.js": "panel.js"}
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class Panel:
    """The state of the page, fed by the gate's events, and the streams that follow it."""

    def __init__(self, events: Path, host: str) -> None:
        """Follow the gate's events socket at `events`; answer under the name `host`."""
        self._events = events
        self._host = host
        self._state = PanelState(load_texts()["gate-away"])
        self._changed = asyncio.Event()
        self._seats = Seats()
        self._stopping = False

    def app(self) -> Starlette:
        """Return the application: the page's files, `/events`, `/health`."""
        files = [Route(path, _file(name)) for path, name in FILES.items()]
        routes = [*files, Route(STREAMS_PATH, self._follow), Route("/health", self._health)]
        return Starlette(routes=routes, middleware=[Middleware(KnownNames, host=self._host)])

    def stop(self) -> None:
        """End all streams."""
        self._stopping = True
        self._announce()

    async def listen(self) -> None:
        """Take the gate's events, for ever; a gate that goes away is waited for."""
        while True:
            with contextlib.suppress(OSError, MessageError), connect(self._events) as gate:
                await self._listen_to(gate)
            if self._state.heard_ns is not None:
                self._state = self._state.lost()
                self._announce()
            await asyncio.sleep(RETRY_S)

    async def _listen_to(self, gate: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(gate, MAX_MESSAGE_BYTES + 1):
            self._state = self._state.told(decode_event(data), time.monotonic_ns())
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _snapshot(self, *, on_screen: bool) -> bytes:
        now_ns = time.monotonic_ns()
        shown = self._state.to_show(now_ns)  # of it what the page shows: nobody needs a check-in's identifier there
        page: dict[str, str | Advised] = {
            "aspect": shown.aspect,
            "reason": shown.reason,
            "vi": shown.vi,
            "en": shown.en,
        }
        if on_screen:
            page |= {"plate": shown.plate or "", "advice": self._state.to_advise(now_ns)}
        return msgspec.json.encode({"shown": page, "health": self._state.to_tell(now_ns)})

    async def _health(self, _request: Request) -> Response:
        health = self._state.to_tell(time.monotonic_ns())
        status = 200 if health and health.in_service else 503
        # without plate and hint: what watches a fleet keeps what it is told
        return Response(self._snapshot(on_screen=False), status, HEADERS, "application/json")

    async def _follow(self, request: Request) -> Response:
        client = request.scope["client"]
        own = is_own(client, request.scope["server"])
        address = client[0] if client else ""
        if not self._seats.take(address, own=own):
            return Response("too many screens\n", 503, HEADERS, "text/plain")
        return SeatedStream(self._stream(), HEADERS, (self._seats, address, own))

    async def _stream(self) -> AsyncIterator[bytes]:
        """Give the state at once, at each change, and every `TICK_S`."""
        while not self._stopping:
            changed = self._changed
            yield b"data: " + self._snapshot(on_screen=True) + b"\n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), TICK_S)


class Server(uvicorn.Server):
    """A web server that ends the panel's streams when it is told to stop, and does not wait for them."""

    def __init__(self, panel: Panel) -> None:
        """Serve a panel."""
        settings = uvicorn.Config(
            panel.app(),
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # its messages name addresses and paths; ours are the closed list
            access_log=False,
            server_header=False,
            proxy_headers=False,  # else a client beside a proxy's address could choose its own
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
        super().__init__(settings)
        self._panel = panel

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and say so."""
        await super().startup(sockets)
        notify(READY)
        log(Started("panel"))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal, in order."""
        self.should_exit = True
        self._panel.stop()
        del sig, frame  # a second signal means no more than the first


def bind(panel: PanelConfig) -> socket.socket:
    """Bind the page's address.

    Raises: ConfigError where it is taken or not ours.
    """
    try:
        return socket.create_server((panel.host, panel.port), family=_family(panel.host))
    except OSError as error:
        why = f"{panel.host} port {panel.port}: {error.strerror}"
        raise ConfigError(f"{why}: choose another panel.host or panel.port") from None


async def serve(panel: Panel, server: Server, listener: socket.socket) -> None:
    """Serve the page until the server is told to stop."""
    asyncio.get_running_loop().set_exception_handler(tell_quietly)
    tasks = [asyncio.create_task(panel.listen()), asyncio.create_task(_feed_watchdog())]
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _feed_watchdog() -> None:
    while True:
        await asyncio.sleep(TICK_S)
        notify(ALIVE)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = Path(__file__).with_name(name).read_bytes()
    media_type = f"{TYPES[name.rpartition('.')[2]]}; charset=utf-8"

    async def give(_request: Request) -> Response:
        return Response(content, 200, HEADERS, media_type)

    return give


def main() -> int:
    """Run until SIGTERM; exit 0, or 78 (EX_CONFIG) where the page's address cannot be had."""
    sys.excepthook = report_crash
    try:
        config = configuration("panel", __doc__)
        listener = handed_over(config.panel) or bind(config.panel)
    except ConfigError as error:
        return refuse("panel", error)
    with listener:
        panel = Panel(config.events_socket, config.panel.host)
        asyncio.run(serve(panel, Server(panel), listener))
    notify(STOPPING)
    log(Stopped("panel"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
