"""A web server that lies, stalls or is another's: one line each, in time, and nothing taken from elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from urllib3.connection import HTTPConnection

from drivers.errors import DeviceMissingError
from drivers.fetcher import FetchError, FetchMissingError, FetchTooLargeError, open_fetcher, parse_address
from drivers.fetcher.https import HttpsFetcher, Waits
from tests.drivers.web_server import (
    Answer,
    Handler,
    Site,
    chunk_of,
    dripping,
    endless,
    endless_line,
    hang_up,
    redirect,
    server_context,
    serving,
    status,
    stuck,
    truncated,
)
from tests.fixtures_mqtt import Authority

FILES = {"a": b"one", "b": b"two", "deep/c": b"three"}
BRIEF = Waits(connect_s=2, read_s=0.2, whole_s=0.5)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(FILES) as found:
        yield found


@pytest.fixture
def fetcher(site: Site) -> Iterator[HttpsFetcher]:
    with HttpsFetcher(site.url, waits=BRIEF) as found:
        yield found


def content(fetcher: HttpsFetcher, path: str = "a", max_bytes: int = 1000) -> bytes:
    return b"".join(fetcher.fetch(path, max_bytes))


def test_files_come_over_one_connection(site: Site, fetcher: HttpsFetcher) -> None:
    assert [content(fetcher, path) for path in FILES] == list(FILES.values())
    with pytest.raises(FetchMissingError):
        content(fetcher, "none")
    assert content(fetcher) == b"one"
    assert site.connections == 1


def test_a_connection_that_the_server_has_ended_is_made_again(site: Site, fetcher: HttpsFetcher) -> None:
    assert content(fetcher) == b"one"
    asked = iter([hang_up])

    def once(handler: object) -> None:
        answer = next(asked, None)
        if answer is None:
            del site.answers["b"]
            handler.do_GET()  # type: ignore[attr-defined]
        else:
            answer(handler)  # type: ignore[arg-type]

    site.answers["b"] = once
    assert content(fetcher, "b") == b"two"
    assert site.connections == 2


def no_http(handler: Handler) -> None:
    handler.wfile.write(b"SSH-2.0-x\r\n" * 10)


FAULTS: dict[str, tuple[Answer, type[FetchError], str]] = {
    "truncated": (truncated(b"x" * 500), FetchError, "ended the connection too early"),
    "hang-up": (hang_up, FetchError, "ended the connection too early"),
    "endless": (endless, FetchTooLargeError, "over 1000 bytes"),
    "endless-line": (endless_line, FetchError, "ended the connection too early"),
    "chunk-of-all": (chunk_of(b"-1"), FetchError, "ended the connection too early"),  # at once, not after 0.5 s of it
    "chunk-of-less": (chunk_of(b"-2"), FetchError, "ended the connection too early"),
    "stuck": (stuck, FetchError, "does not answer"),
    "dripping-head": (dripping(head=True), FetchError, "within 0.5 s"),
    "dripping-body": (dripping(head=False), FetchTooLargeError, "over 1000 bytes"),
    "500": (lambda handler: status(handler, 500), FetchError, "HTTP 500"),
    "403": (lambda handler: status(handler, 403), FetchMissingError, "no such file"),
    "206": (lambda handler: status(handler, 206), FetchError, "HTTP 206"),
    "no-http": (no_http, FetchError, "cannot be read"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_is_one_line_in_time_and_others_still_come(
    site: Site, fetcher: HttpsFetcher, fault: str
) -> None:
    answer, kind, why = FAULTS[fault]
    site.answers["a"] = answer
    start_s = time.monotonic()
    with pytest.raises(kind, match=why) as caught:
        content(fetcher)
    assert time.monotonic() - start_s < 5
    assert "\n" not in str(caught.value)
    assert content(fetcher, "b") == b"two"


def test_a_byte_now_and_then_does_not_keep_it_waiting(site: Site, fetcher: HttpsFetcher) -> None:
    site.answers["a"] = dripping(head=False)
    with pytest.raises(FetchError, match=r"not all of it came within 0\.5 s"):
        content(fetcher, max_bytes=1_000_000)


def test_a_connection_that_took_all_the_time_is_not_waited_for_besides(
    site: Site, fetcher: HttpsFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a name has many addresses, and none answers but the last."""
    ended, connect = threading.Event(), HTTPConnection.connect

    def end() -> None:
        HttpsFetcher._end(fetcher)
        ended.set()

    def late(connection: HTTPConnection) -> None:
        assert ended.wait(5)
        connect(connection)

    monkeypatch.setattr(fetcher, "_end", end)
    monkeypatch.setattr(HTTPConnection, "connect", late)
    site.answers["a"] = dripping(head=True)
    with pytest.raises(FetchError, match=r"not all of it came within 0\.5 s"):
        content(fetcher)
    assert not site.asked


def test_redirections_on_the_same_host_are_followed(site: Site, fetcher: HttpsFetcher) -> None:
    site.answers["a"] = redirect("/trust/b")
    assert content(fetcher) == b"two"
    site.answers["b"] = redirect("deep/c", 308)
    assert content(fetcher) == b"three"


@pytest.mark.parametrize(
    "to",
    [
        "http://localhost/trust/b",
        "http://127.0.0.1:1/b",
        "https://127.0.0.1/b",
        "//example.org/b",
        "file:///etc/passwd",
        "/trust/\xe9",
        "?\xe9",
        "",
    ],
)
def test_redirections_elsewhere_are_not(site: Site, fetcher: HttpsFetcher, to: str) -> None:
    site.answers["a"] = redirect(to)
    with pytest.raises(FetchError, match="redirected to another"):
        content(fetcher)
    assert site.asked == ["a"]


def test_redirections_have_an_end(site: Site, fetcher: HttpsFetcher) -> None:
    site.answers["a"] = redirect("a")
    with pytest.raises(FetchError, match="redirected over 3 times"):
        content(fetcher)
    assert site.asked == ["a"] * 4


def test_nobody_there_is_said_with_the_address() -> None:
    with open_fetcher("http://127.0.0.1:1/") as fetcher, pytest.raises(FetchError, match=r"127\.0\.0\.1:1 refuses"):
        list(fetcher.fetch("a", 10))


def test_a_host_that_is_not_found_is_said() -> None:
    with (
        open_fetcher("https://nobody.invalid/") as fetcher,
        pytest.raises(FetchError, match=r"the host nobody\.invalid is not found"),
    ):
        list(fetcher.fetch("a", 10))


class Tls:
    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.server = self.authority.issue("server", address="127.0.0.1")


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)


def test_a_server_of_another_authority_is_not_trusted(tls: Tls, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with serving(FILES, context=server_context(*tls.server)) as site:
        for ca in (other.file, None):  # the system's know nothing of it either
            with open_fetcher(site.url, ca=ca) as fetcher, pytest.raises(FetchError, match="not trusted"):
                list(fetcher.fetch("a", 10))


def test_a_server_of_another_name_is_not_trusted(tls: Tls) -> None:
    with (
        serving(FILES, context=server_context(*tls.authority.issue("elsewhere", address="127.0.0.2"))) as site,
        open_fetcher(site.url, ca=tls.authority.file) as fetcher,
        pytest.raises(FetchError, match="not trusted"),
    ):
        list(fetcher.fetch("a", 10))


def test_a_server_without_tls_is_none(tls: Tls) -> None:
    with (
        serving(FILES) as site,
        open_fetcher(site.url.replace("http:", "https:"), ca=tls.authority.file) as fetcher,
        pytest.raises(FetchError, match="does not agree on TLS"),
    ):
        list(fetcher.fetch("a", 10))


def test_a_server_may_ask_for_a_certificate(tls: Tls) -> None:
    certificate, key = tls.authority.issue("kiosk")
    context = server_context(*tls.server, clients_of=tls.authority.file)
    with serving(FILES, context=context) as site:
        with open_fetcher(site.url, ca=tls.authority.file, certificate=certificate, key=key) as fetcher:
            assert b"".join(fetcher.fetch("a", 10)) == b"one"
        with open_fetcher(site.url, ca=tls.authority.file) as stranger, pytest.raises(FetchError):
            list(stranger.fetch("a", 10))


def test_files_of_tls_that_are_none_are_named_at_once(tls: Tls, tmp_path: Path) -> None:
    certificate, _ = tls.server
    opens: list[tuple[str, Callable[[], object]]] = [
        ("none.pem", lambda: open_fetcher("https://x/", ca=tmp_path / "none.pem")),
        ("server.crt", lambda: open_fetcher("https://x/", ca=None, certificate=certificate, key=certificate)),
    ]
    for name, open_ in opens:
        with pytest.raises(DeviceMissingError, match=name):
            open_()


def test_an_address_ends_with_a_slash() -> None:
    assert parse_address("https://trust.example/vn") == "https://trust.example/vn/"
    assert parse_address("http://[::1]:80/") == "http://[::1]:80/"


@pytest.mark.parametrize(
    "url",
    [
        "http://trust.example/",
        "http://127.0.0.1.example/",
        "ftp://127.0.0.1/",
        "https://",
        "https:///x",
        "https://x/?a",
        "https://x/#a",
        "https://user@x/",
        "https://x:99999/",
        "https://x:y/",
        "https://x/a b",
        "https://ă/",
        "https://x/\n",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_fetcher(url)
