"""A web server to fetch from: one connection, kept between files, with a bound on every wait."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from drivers.broker.tls import client_context, in_words
from drivers.fetcher import CHUNK_BYTES, FetchError, FetchMissingError, FetchTooLargeError, check_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from urllib3.response import HTTPResponse

MAX_REDIRECTS = 3
_FAULTS = (HTTPError, http.client.HTTPException, OSError, ValueError)
_HEADERS = {"User-Agent": "greengate", "Accept-Encoding": "identity"}
_CURE = "it is tried again later"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a server may take, in seconds: for the connection, to say anything, and for one whole file."""

    connect_s: float = 10.0
    read_s: float = 20.0
    whole_s: float = 300.0  # ours: a part has 2 MiB at most, that is 7 KB a second


class _Answer(http.client.HTTPResponse):
    """An answer whose chunks have a length: of -1, http.client would read all that ever comes into memory."""

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc] # http.client's own
        if size < 0:
            raise http.client.HTTPException
        return size


class HttpsFetcher:
    """A `Fetcher` over HTTP/1.1 and TLS. It follows redirections on the same host, and there only."""

    local = False

    def __init__(
        self,
        base: str,
        *,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        waits: Waits | None = None,
    ) -> None:
        """Take an address as `parse_address` gives it. Raises: DeviceMissingError."""
        self.where = base
        self._waits = waits or Waits()
        self._origin = _origin(base)
        secure = self._origin[0] == "https"
        self._context = client_context(ca, certificate, key) if secure else None
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None  # the connection's own forgets it before an answer's end
        self._at_rest = False  # was the last answer read to its end?
        self._overdue = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See `Fetcher.close`."""
        self._drop()
        self._closed = True

    def fetch(self, path: str, max_bytes: int) -> Iterator[bytes]:
        """See `Fetcher.fetch`."""
        url = self.where + check_path(path)
        if self._closed:
            raise FetchError(f"{url}: closed")
        self._at_rest = False
        try:
            with self._in_time(url):
                yield from _pieces(self._answer(url), url, max_bytes)
            self._at_rest = True
        finally:
            if not self._at_rest:  # the rest of an answer may still come on this connection
                self._drop()

    @contextmanager
    def _in_time(self, url: str) -> Iterator[None]:
        """End the connection once a file has taken too long: one byte now and then keeps every other wait short."""
        self._overdue = False
        timer = threading.Timer(self._waits.whole_s, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except _FAULTS as error:
            if not self._overdue:
                raise FetchError(f"{url}: {self._in_words(error)}", cure=_CURE) from None
        finally:
            timer.cancel()
        if self._overdue:
            raise FetchError(f"{url}: not all of it came within {self._waits.whole_s:g} s", cure=_CURE)

    def _end(self) -> None:
        self._overdue = True
        if self._socket is not None:
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # of TLS too: its own would unwrap it midway
            except OSError:
                return  # it has ended

    def _answer(self, url: str) -> HTTPResponse:
        """Return the answer that has a file's content. Raises: FetchError, and what `_FAULTS` names."""
        at = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._ask(at)
            if answer.status == http.HTTPStatus.OK:
                return answer
            if answer.status not in {301, 302, 303, 307, 308}:
                self._at_rest = _read_out(answer)
                raise _refused(url, answer.status)
            at = self._led_on(at, answer.headers.get("Location", ""))
            self._drop()
        raise FetchError(f"{url}: redirected over {MAX_REDIRECTS} times", cure="check the server")

    def _led_on(self, at: str, location: str) -> str:
        """Return where a redirection leads, on this host alone. Raises: FetchError."""
        try:
            to = urljoin(at, location)
            same = to.isascii() and _origin(to) == self._origin
        except ValueError:
            same = False
        if not location or not same:
            raise FetchError(f"{at}: redirected to another host, port or kind", cure="name that address if it is right")
        return to

    def _ask(self, url: str) -> HTTPResponse:
        """Ask on the connection that is open, and once more on a new one where the server had ended it."""
        if self._connection is not None:
            try:
                return self._ask_on(self._connection, url)
            except (ConnectionError, http.client.HTTPException):
                if self._overdue:
                    raise
                self._drop()
        return self._ask_on(self._connected(), url)

    def _ask_on(self, connection: HTTPConnection, url: str) -> HTTPResponse:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", target, headers=_HEADERS, preload_content=False, decode_content=False)
        return connection.getresponse()

    def _connected(self) -> HTTPConnection:
        _, host, port = self._origin
        if self._context is None:
            connection = HTTPConnection(host, port, timeout=self._waits.connect_s)
        else:
            connection = HTTPSConnection(host, port, timeout=self._waits.connect_s, ssl_context=self._context)
        self._connection = connection
        connection.response_class = _Answer
        connection.connect()
        connection.timeout = self._waits.read_s
        self._socket = connection.sock
        if self._overdue:  # an address after the other did not answer, and nobody ends this connection any more
            raise TimeoutError
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._socket = None

    def _in_words(self, error: BaseException) -> str:
        _, host, port = self._origin
        cause = error.__cause__ if isinstance(error, NewConnectionError) else None
        match cause or error:
            case http.client.RemoteDisconnected() as ended:  # an OSError too
                return _cut_short(ended, f"{host}:{port}")
            case OSError() as known:
                return in_words(known, host, port)
            case HTTPError() | http.client.HTTPException() | ValueError() as other:
                return _cut_short(other, f"{host}:{port}")
            case other:
                return in_words(other, host, port)


def _pieces(answer: HTTPResponse, url: str, max_bytes: int) -> Iterator[bytes]:
    if (answer.length_remaining or 0) > max_bytes:
        raise _too_large(url, max_bytes)
    taken = 0
    # Not `stream`: of an answer in chunks it would read a line of any length.
    while piece := answer.read(CHUNK_BYTES, decode_content=False):
        taken += len(piece)
        if taken > max_bytes:
            raise _too_large(url, max_bytes)
        yield piece


def _read_out(answer: HTTPResponse) -> bool:
    """Read a short answer that nobody wants, so that its connection may be used again; say whether that was done."""
    if answer.length_remaining is None or answer.length_remaining > CHUNK_BYTES:
        return False
    answer.read()
    return True


def _too_large(url: str, max_bytes: int) -> FetchTooLargeError:
    return FetchTooLargeError(f"{url}: over {max_bytes} bytes", cure="check the server")


def _refused(url: str, status: int) -> FetchError:
    if status in {403, 404, 410}:  # 403: what object stores say of a file that is not there
        return FetchMissingError(f"{url}: no such file (HTTP {status})", cure="check the address and the server")
    return FetchError(f"{url}: HTTP {status}", cure=_CURE)


def _cut_short(error: Exception, where: str) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return f"{where} does not answer"
    if name in {"IncompleteRead", "ProtocolError", "RemoteDisconnected"}:
        return f"{where} ended the connection too early"
    return f"{where} sent what cannot be read: {name}"


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
