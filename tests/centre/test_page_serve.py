"""`greengate-centre serve` in its own process: who may read, what is refused, and a store that comes and goes."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from centre.page.http import POLICY
from tests.centre.fleets import holed, sound, store_file

TIMEOUT_S = 20.0


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


class Page(NamedTuple):
    process: "subprocess.Popen[str]"
    port: int

    def get(self, path: str, *, host: str = "127.0.0.1", method: str = "GET") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, headers={"Host": host})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read().decode())
        finally:
            connection.close()

    def event(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


def line(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "centre.main", "serve", "--json", *map(str, words)]


@contextmanager
def serving(*words: str | Path) -> Iterator[Page]:
    with subprocess.Popen(line("--port", "0", *words), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            served = json.loads(process.stdout.readline())
            assert served["event"] == "page-served"
            yield Page(process, served["port"])
        finally:
            process.kill()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with serving("--store", store_file(tmp_path, [*sound(), *holed()])) as page:
        yield page


def test_the_page_its_style_metrics_and_health(page: Page) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/metrics", "text/plain"),
        ("/healthz", "text/"),
    ):
        answer = page.get(path)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
    assert "gate-2" in page.get("/").body
    assert "gate-1" not in page.get("/?device=gate-2").body
    assert "greengate_fleet_checkins_missing 3.0" in page.get("/metrics").body


@pytest.mark.parametrize(
    "path", ["/?page=x", "/?page=-1", "/?page=" + "9" * 400, "/?page=%D9%A1", "/?device=%00&refresh=2"]
)
def test_whatever_is_asked_is_answered(page: Page, path: str) -> None:
    assert page.get(path).status == 200


def test_nothing_else_is_there_and_nothing_can_be_changed(page: Page) -> None:
    assert page.get("/etc/passwd").status == 404
    assert page.get("/../centre.db").status == 404
    assert page.get("/metrics/").status == 404
    for method in ("POST", "PUT", "DELETE"):
        assert page.get("/", method=method).status == 405


def test_a_stranger_s_name_that_leads_here_is_refused(page: Page) -> None:
    assert page.get("/", host="evil.example").status == 421
    assert page.get("/", host="[::1].evil.example").status == 421
    for host in ("localhost", "LOCALHOST:9465", "[::1]:9465", "10.0.0.7"):
        assert page.get("/", host=host).status == 200


def test_a_name_may_be_given(tmp_path: Path) -> None:
    with serving("--store", store_file(tmp_path, sound()), "--name", "Centre.example") as page:
        assert page.get("/", host="centre.example").status == 200


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order(page: Page, sign: signal.Signals) -> None:
    page.process.send_signal(sign)
    assert page.event() == {"event": "page-stopped"}
    assert page.process.wait(TIMEOUT_S) == 0


def test_a_store_that_is_away_is_an_honest_page_until_it_is_back(tmp_path: Path) -> None:
    store = tmp_path / "later.db"
    with serving("--store", store) as page:
        answer = page.get("/")
        assert answer.status == 503
        assert "Không đọc được cơ sở dữ liệu" in answer.body
        assert str(store) not in answer.body
        assert page.get("/healthz").status == 503
        metrics = page.get("/metrics")
        assert (metrics.status, "greengate_fleet_store_up 0.0" in metrics.body) == (200, True)
        told = page.event()
        assert (told["event"], str(store) in told["why"]) == ("store-away", True)
        store_file(tmp_path, sound()).rename(store)
        end_s = time.monotonic() + TIMEOUT_S
        while page.get("/healthz").status != 200 and time.monotonic() < end_s:
            time.sleep(0.5)
        assert page.event() == {"event": "store-back"}


def test_a_client_that_says_nothing_keeps_nobody_out(page: Page) -> None:
    silent = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(100)]
    try:
        assert page.get("/healthz").status == 200
    finally:
        for one in silent:
            one.close()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--store", "a", "--config", "b"], 2),
        ([], 2),
        (["--store", "postgresql://me:secret@127.0.0.1/centre"], 2),
        (["--config", "/nowhere/centre.toml"], 78),
        (["--store", "a", "--bind", "192.0.2.1"], 78),
        (["--store", "a", "--bind", "no address"], 78),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(words: list[str], code: int) -> None:
    done = subprocess.run(line(*words), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_port_that_is_taken_is_told(page: Page, tmp_path: Path) -> None:
    words = line("--store", store_file(tmp_path, sound()), "--port", str(page.port))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "choose another --bind or --port" in done.stderr
