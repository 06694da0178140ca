"""What the panel allows its clients: how many screens, how long a request may take, and under which names it answers.

Strangers on the network, however many, leave room for the appliance's own screen.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from firmware.events import InternalError, log, place_of

STREAMS_MAX = 16  # ours: screens that follow the gate; a screen, a technician, and some left over
STREAMS_OF_STRANGERS = 12  # ours: the rest is for the appliance's own screen
STREAMS_OF_ONE_STRANGER = 4  # ours: a browser with some tabs
CONNECTIONS_MAX = 64  # ours: streams, and a browser's six for each page being loaded; far from 1024 descriptors
CONNECTIONS_OF_STRANGERS = 48  # ours: the rest is for the appliance's own screen
REQUEST_S = 5.0  # ours: for sending a request, for taking its answer, and between two
STREAMS_PATH = "/events"
Address = tuple[str, int | None]


def is_own(client: Address | None, server: Address | None) -> bool:
    """Tell whether a connection comes from this machine: no stranger can send from its addresses."""
    if client is None or server is None:
        return False
    return client[0] == server[0] or _is_loopback(client[0])


class Seats:
    """Count the streams of each address; a place is had or not the moment it is asked for."""

    def __init__(self) -> None:
        """Begin with none."""
        self._own = 0
        self._strangers: Counter[str] = Counter()

    def take(self, address: str, *, own: bool) -> bool:
        """Take a place; return whether there was one."""
        strangers = self._strangers.total()
        if self._own + strangers >= STREAMS_MAX:
            return False
        if own:
            self._own += 1
            return True
        if strangers >= STREAMS_OF_STRANGERS or self._strangers[address] >= STREAMS_OF_ONE_STRANGER:
            return False
        self._strangers[address] += 1
        return True

    def leave(self, address: str, *, own: bool) -> None:
        """Give a place back."""
        if own:
            self._own -= 1
        else:
            self._strangers[address] -= 1
            self._strangers += Counter()  # forgets addresses of none


class SeatedStream(StreamingResponse):
    """A stream that holds a place from its making until it ends, also where it never began."""

    def __init__(
        self, content: AsyncIterator[bytes], headers: Mapping[str, str], seat: tuple[Seats, str, bool]
    ) -> None:
        """Stream server-sent events from a place that was taken."""
        super().__init__(content, 200, headers, "text/event-stream")
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        seats, address, own = self._seat
        try:
            await super().__call__(scope, receive, send)
        finally:
            seats.leave(address, own=own)


class KnownNames:
    """Answer only to this machine's names: a stranger's name that leads here (DNS rebinding) may read nothing."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        """Know `localhost`, every IP address, and the configured host."""
        self._app = app
        self._names = {"localhost", host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 421 (Misdirected Request)."""
        host = _host_of(Headers(scope=scope).get("host", ""))
        if host in self._names or _is_address(host):
            await self._app(scope, receive, send)
        else:
            answer = PlainTextResponse("not a name of this device: use its IP address\n", 421)
            await answer(scope, receive, send)


class Connection(H11Protocol):
    """An HTTP connection that is closed when it idles or dawdles; the oldest such makes room for a new one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Make room, and start the time for the first request."""
        super().connection_made(transport)
        self.own = is_own(self.client, self.server)
        self.since_s = self.loop.time()
        self._deadline: asyncio.TimerHandle | None = None
        self._grant_time()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        super().connection_lost(exc)
        self._revoke_time()

    def on_response_complete(self) -> None:
        """Start the time for the next request, and for taking this answer."""
        self._grant_time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Start the time for reading what was sent."""
        super().pause_writing()
        self._grant_time()

    def is_streaming(self) -> bool:
        """Tell whether this is a stream whose client reads it."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return answering and self.scope["path"] == STREAMS_PATH and not self.flow.write_paused

    def is_open(self) -> bool:
        """Tell whether this connection still holds a descriptor that nobody has asked back."""
        return not self.transport.is_closing()

    def _make_room(self) -> None:
        here = [other for other in self.connections if isinstance(other, Connection) and other.is_open()]
        crowds = [(here, CONNECTIONS_MAX)]
        if not self.own:
            crowds.append(([other for other in here if not other.own], CONNECTIONS_OF_STRANGERS))
        if any(len(crowd) > limit for crowd, limit in crowds):
            idle = [other for other in crowds[-1][0] if not other.is_streaming()]
            min(idle, key=lambda other: other.since_s).transport.abort()  # itself at the latest

    def _grant_time(self) -> None:
        self._revoke_time()
        self._deadline = self.loop.call_later(REQUEST_S, self._end_time)

    def _revoke_time(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _end_time(self) -> None:
        if not self.is_streaming():
            self.transport.abort()  # not close, which waits for a client that does not read


def tell_quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody caught, as one event: its kind and place, neither its text nor its traceback."""
    error = context.get("exception")
    log(InternalError(type(error).__name__, place_of(error)) if error else InternalError("event-loop", ""))


def _host_of(header: str) -> str:
    """Return the host of a Host header, without port and brackets (RFC 9110, section 7.2)."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if not _is_address(host):
        return False
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None  # on a socket of both kinds
    return (mapped or address).is_loopback
