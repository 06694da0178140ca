"""A web server of this process for tests: files in memory, over TLS or not, and what a bad one may do."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"
Answer = Callable[["Handler"], None]


@dataclass
class Site:
    """What a server has: `files` by path below `/trust/`, `answers` in place of some of them, and what was asked."""

    files: dict[str, bytes]
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.site.connections += 1
        super().setup()

    def do_GET(self) -> None:
        path = self.path.removeprefix("/trust/")
        self.site.asked.append(path)
        if path in self.site.answers:
            self.site.answers[path](self)
        elif path in self.site.files:
            whole(self, self.site.files[path])
        else:
            status(self, 404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        """Say nothing."""


def whole(handler: Handler, data: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def status(handler: Handler, code: int) -> None:
    handler.send_response(code)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def redirect(location: str, code: int = 302) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def truncated(data: bytes) -> Answer:
    """Say the whole length, send half of it, and go."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2])
        handler.close_connection = True

    return answer


def hang_up(handler: Handler) -> None:
    """Go without an answer."""
    handler.close_connection = True


def endless(handler: Handler) -> None:
    """Send pieces until nobody takes them."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        while not handler.site.over.is_set():
            handler.wfile.write(CHUNK)
    except OSError:
        handler.close_connection = True


def endless_line(handler: Handler) -> None:
    """Send the length of a piece that never ends."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        while not handler.site.over.is_set():
            handler.wfile.write(b"0" * 65_536)
    except OSError:
        handler.close_connection = True


def stuck(handler: Handler) -> None:
    """Say nothing until the test is over."""
    handler.site.over.wait(20)
    handler.close_connection = True


def chunk_of(length: bytes) -> Answer:
    """Say how long a chunk is, and send without an end."""

    def answer(handler: Handler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + length + b"\r\n")
            while not handler.site.over.is_set():
                handler.wfile.write(CHUNK)
        except OSError:
            handler.close_connection = True

    return answer


def dripping(*, head: bool) -> Answer:
    """Send a byte now and then: of the head, or of the body."""

    def answer(handler: Handler) -> None:
        start = b"HTTP/1.1 200 OK\r\nX-" if head else b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        try:
            handler.wfile.write(start)
            while not handler.site.over.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:
            handler.close_connection = True

    return answer


@contextmanager
def serving(files: Mapping[str, bytes], *, context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve files on a free port of 127.0.0.1 until the block ends."""
    site = Site(dict(files))
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that go are what is tested
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    kind = "http" if context is None else "https"
    site.url = f"{kind}://127.0.0.1:{server.server_port}/trust/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        server.server_close()


def server_context(certificate: Path, key: Path, clients_of: Path | None = None) -> ssl.SSLContext:
    """Make a server's TLS; with `clients_of` it asks for a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients_of is not None:
        context.load_verify_locations(clients_of)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
