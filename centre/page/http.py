"""The page's HTTP: `/`, `/page.css`, `/metrics`, `/healthz`; to read only."""

from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from centre.page.html import Asked, away_page, status_page
from centre.page.metrics import TYPE, metrics
from centre.page.snapshot import Latest

HTML = "text/html; charset=utf-8"
PREFIX_MAX = 32  # of a device's name
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
UNAVAILABLE = 503


class Page:
    """The routes, and what they answer."""

    def __init__(self, latest: Latest, names: Collection[str]) -> None:
        """Show what was read last, under these names and every IP address."""
        self._latest = latest
        self._names = names
        self._css = Path(__file__).with_name("page.css").read_bytes()

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/", self._status),
            Route("/page.css", self._style),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
        ]
        made = Starlette(routes=routes, middleware=[Middleware(_KnownNames, names=self._names)])
        made.router.redirect_slashes = False  # a redirect would name an address as it is behind a proxy
        return made

    async def _status(self, request: Request) -> Response:
        snapshot = await self._latest.get()
        if snapshot is None:
            return Response(away_page(), UNAVAILABLE, HEADERS | {"Retry-After": "10"}, HTML)
        return Response(status_page(snapshot, _asked(request)), 200, HEADERS, HTML)

    async def _style(self, _request: Request) -> Response:
        return Response(self._css, 200, HEADERS, "text/css; charset=utf-8")

    async def _metrics(self, _request: Request) -> Response:
        return Response(metrics(await self._latest.get()), 200, HEADERS, TYPE)

    async def _health(self, _request: Request) -> Response:
        if await self._latest.get() is None:
            return PlainTextResponse("the store cannot be read\n", UNAVAILABLE, HEADERS)
        return PlainTextResponse("ok\n", 200, HEADERS)


class _KnownNames:
    """Answer only to names of this machine: a stranger's that leads here (DNS rebinding) may read nothing."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = _host_of(Headers(scope=scope).get("host", ""))
        if host in self._names or _is_address(host):
            await self._app(scope, receive, send)
        else:
            answer = PlainTextResponse("not a name of this page: start it with --name\n", 421, HEADERS)
            await answer(scope, receive, send)


def _asked(request: Request) -> Asked:
    page = request.query_params.get("page", "")
    number = int(page) if page.isascii() and page.isdecimal() and len(page) <= 9 else 1  # noqa: PLR2004 - far beyond any
    prefix = request.query_params.get("device", "")[:PREFIX_MAX]
    return Asked(number, prefix, request.query_params.get("refresh") == "1")


def _host_of(header: str) -> str:
    """Return the host of a Host header, without port and brackets (RFC 9110, section 7.2)."""
    if header.startswith("["):
        host, _, rest = header[1:].partition("]")
        return "" if rest.strip(":0123456789") else host
    return header.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
