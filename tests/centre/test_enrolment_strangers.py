"""What strangers may ask of the enrolment service: bounds, floods, deadlines; no event repeats what they wrote."""

import asyncio.sslproto
import contextlib
import gc
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from centre.enrolment import serve as enrolment_serve
from centre.enrolment.events import Refused
from centre.enrolment.limits import GARBAGE_EVERY, Limits, Rate
from tests.centre.enrolling import Centre, Client, Running, enrol, refused


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "home")
    yield made
    made.registry.close()


@pytest.fixture
def running(centre: Centre) -> Iterator[Running]:
    with Running(centre) as service:
        yield service


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"device": "gate-1"}',
        b'{"device": "Gate 1", "code": "", "csr": ""}',
        b'{"device": "gate-1\\u0000", "code": "", "csr": ""}',
        b'{"device": "gate-1\\n", "code": "", "csr": ""}',
        b'{"device": "gate-1", "code": 5, "csr": ""}',
        b'{"device": "gate-1", "code": "' + b"A" * 65 + b'", "csr": ""}',
        b"[" * 16_000,
    ],
    ids=range(11),
)
def test_bodies_that_are_no_requests(running: Running, body: bytes) -> None:
    assert refused(running.ask("POST", "/v1/enrol", body)) == (400, "request-bad")


def test_bodies_and_headers_are_bounded(running: Running) -> None:
    assert refused(running.ask("POST", "/v1/enrol", b" " * 16_385)) == (400, "request-bad")
    with running.context().wrap_socket(running.raw(), server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /ca.pem HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 16_384)
        assert b" 400 " in tls.recv(100)


def test_other_paths_and_methods(running: Running) -> None:
    assert refused(running.ask("GET", "/")) == (404, "request-bad")
    assert refused(running.ask("GET", "/v1/enrol")) == (405, "request-bad")


def test_no_event_shows_a_code_or_what_a_stranger_wrote(running: Running, tmp_path: Path) -> None:
    code = running.centre.add()
    client = Client(tmp_path / "device")
    enrol(running, client, "SECRET-" + code)
    enrol(running, client, code)
    enrol(running, Client(tmp_path / "thief"), code)
    running.ask("POST", "/v1/enrol", {"device": "SECRET", "code": code, "csr": "SECRET"})
    running.ask("POST", "/v1/enrol", b'{"device": "SECRET')
    told = msgspec.json.encode(running.centre.events).decode()
    assert told.count('"refused"') == 4
    for part in ("SECRET", code, code[:5], "BEGIN"):
        assert part not in told


def test_a_flood_is_told_to_come_again_but_the_right_code_always_counts(tmp_path: Path, centre: Centre) -> None:
    with Running(centre, Limits(refusals=Rate(2, 0.0001))) as running:
        code = centre.add()
        client = Client(tmp_path / "device")
        answers = [refused(enrol(running, client, "0" * 26)) for _ in range(4)]
        assert answers == [(403, "code-wrong")] * 2 + [(429, "busy")] * 2
        client.took(enrol(running, client, code))


def test_one_address_may_not_ask_for_ever(centre: Centre) -> None:
    with Running(centre, Limits(requests=Rate(3, 0.0001))) as running:
        answers = [running.ask("GET", "/ca.pem")[0] for _ in range(6)]
    assert answers == [200] * 3 + [429] * 3
    assert len([event for event in centre.events if isinstance(event, Refused)]) == 1, "a flood fills no log"


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /ca.pem HTTP/1.1\r\nHost: x\r\n", b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"],
    ids=["nothing", "half-headers", "half-body"],
)
def test_who_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch, centre: Centre, said: bytes) -> None:
    monkeypatch.setattr(enrolment_serve, "REQUEST_S", 0.2)
    with Running(centre) as running, running.context().wrap_socket(running.raw(), server_hostname="127.0.0.1") as tls:
        tls.sendall(said)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert tls.recv(1) == b""


def test_a_handshake_may_not_take_for_ever(monkeypatch: pytest.MonkeyPatch, centre: Centre) -> None:
    monkeypatch.setattr(enrolment_serve, "HANDSHAKE_S", 0.2)
    with Running(centre) as running, running.raw() as silent:
        assert silent.recv(1) == b""
    assert centre.events == [], "strangers' handshakes are no news"


def test_who_says_nothing_keeps_nobody_out(running: Running) -> None:
    silent = [running.raw() for _ in range(140)]
    try:
        assert running.ask("GET", "/ca.pem")[0] == 200
        silent[0].settimeout(10)
        assert silent[0].recv(1) == b"", "the oldest makes room"
    finally:
        for connection in silent:
            connection.close()


def test_a_flood_of_connections_takes_no_memory_for_long(running: Running) -> None:
    def left() -> int:
        return sum(isinstance(thing, asyncio.sslproto.SSLProtocol) for thing in gc.get_objects())

    for _ in range(3 * GARBAGE_EVERY):
        running.raw().close()
    for _ in range(GARBAGE_EVERY):  # by then it has collected once more, when all of them had ended
        assert running.ask("GET", "/ca.pem")[0] == 200
        if left() <= 2 * GARBAGE_EVERY:
            return
    pytest.fail(f"{left()} connections are still in memory")
