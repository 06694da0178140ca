"""The panel among strangers: screens, half-sent requests and names that are not its own."""

import asyncio
import json
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from firmware import panel, panel_limits
from firmware.messages import Shown
from firmware.panel_limits import (
    STREAMS_MAX,
    STREAMS_OF_ONE_STRANGER,
    STREAMS_OF_STRANGERS,
    Seats,
    is_own,
)
from tests.firmware.test_panel import Gate, Page, _page, _run

STRANGER = "127.0.0.2"
HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "


async def ask(
    page: Page, path: str, source: str = "127.0.0.1", host: str = "localhost"
) -> tuple[int, str, list[object]]:
    """Return status, body, and the open connection of a request from an address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port, local_addr=(source, 0))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    if path == "/events" and status == 200:
        return status, "", [writer]
    body = (await reader.read()).decode().partition("\r\n\r\n")[2]
    writer.close()
    return status, body, []


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take another loopback address for a stranger's."""

    def own(client: panel_limits.Address | None, _server: panel_limits.Address | None) -> bool:
        return client is not None and client[0] == "127.0.0.1"

    for module in (panel, panel_limits):
        monkeypatch.setattr(module, "is_own", own)


def test_sixty_screens_at_once_get_sixteen_places(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        answers = await asyncio.gather(*(ask(page, "/events") for _ in range(60)))
        assert sum(status == 200 for status, _, _ in answers) == STREAMS_MAX
        assert all(status in (200, 503) for status, _, _ in answers)
        close(answers)

    _run(tmp_path, scene)


@pytest.mark.usefixtures("strangers")
def test_strangers_screens_leave_places_for_the_appliances_own(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        answers = [await ask(page, "/events", f"127.0.0.{2 + number % 5}") for number in range(STREAMS_MAX + 4)]
        assert sum(status == 200 for status, _, _ in answers) == STREAMS_OF_STRANGERS
        own = [await ask(page, "/events") for _ in range(STREAMS_MAX - STREAMS_OF_STRANGERS)]
        assert [status for status, _, _ in own] == [200] * len(own)
        close(answers + own)

    _run(tmp_path, scene)


@pytest.mark.usefixtures("strangers")
def test_one_stranger_gets_few_places_and_has_them_back_when_it_leaves(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        answers = [await ask(page, "/events", STRANGER) for _ in range(STREAMS_OF_ONE_STRANGER + 1)]
        assert [status for status, _, _ in answers] == [200] * STREAMS_OF_ONE_STRANGER + [503]
        other = await ask(page, "/events", "127.0.0.3")
        assert other[0] == 200
        close([*answers, other])
        for _ in range(100):
            await asyncio.sleep(0.02)
            again = await ask(page, "/events", STRANGER)
            if again[0] == 200:
                break
        assert again[0] == 200
        close([again])

    _run(tmp_path, scene)


def close(answers: list[tuple[int, str, list[object]]]) -> None:
    for _, _, writers in answers:
        for writer in writers:
            assert isinstance(writer, asyncio.StreamWriter)
            writer.close()


def test_places_are_forgotten_with_their_last_stream() -> None:
    seats = Seats()
    for number in range(1000):
        assert seats.take(f"2001:db8::{number:x}", own=False)
        seats.leave(f"2001:db8::{number:x}", own=False)
    assert not seats._strangers


@pytest.mark.parametrize(
    ("client", "server", "own"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("192.0.2.7", "192.0.2.7", True),  # this machine's own screen by its outer address
        ("::ffff:127.0.0.1", "::ffff:192.0.2.7", True),  # on a socket of both kinds
        ("::ffff:192.0.2.8", "::ffff:192.0.2.7", False),
        ("192.0.2.8", "192.0.2.7", False),
        ("2001:db8::1", "2001:db8::2", False),
        ("", "192.0.2.7", False),
    ],
)
def test_own_is_what_comes_from_this_machine(client: str, server: str, *, own: bool) -> None:
    assert is_own((client, 1), (server, 2)) is own
    assert not is_own(None, (server, 2))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 503),  # out of service, for want of a gate
        ("LOCALHOST:8080", 503),
        ("127.0.0.1", 503),
        ("192.0.2.7:8080", 503),
        ("[::1]:8080", 503),
        ("[2001:db8::1]", 503),
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[evil.example]", 421),
        ("", 421),
    ],
)
def test_only_this_machines_names_are_answered(tmp_path: Path, host: str, status: int) -> None:
    async def scene(page: Page) -> None:
        for path in ("/health", "/", "/panel.js", "/events"):
            answer = await ask(page, path, host=host)
            assert answer[0] == (status if path == "/health" or status == 421 else 200)
            assert status != 421 or "shown" not in answer[1]
            close([answer])

    _run(tmp_path, scene)


def test_the_configured_host_is_answered(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        assert (await ask(page, "/", host="gate-1.example"))[0] == 421

    _run(tmp_path, scene)

    async def named() -> None:
        async with _page(tmp_path, "Gate-1.example") as page:
            assert (await ask(page, "/", host="gate-1.example:8080"))[0] == 200

    asyncio.run(named())


def test_nothing_that_the_panel_sends_names_a_checkin(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        gate = Gate(page.events)
        await gate.joined()
        gate.port.tell(Shown("accepted", "valid", "HỢP LỆ", "VALID", "0198-checkin", "accepted", 5, {"total": 9.0}))
        while True:
            body = (await ask(page, "/health"))[1]
            if json.loads(body)["shown"]["aspect"] == "accepted":
                break
        assert json.loads(body)["shown"] == {"aspect": "accepted", "reason": "valid", "vi": "HỢP LỆ", "en": "VALID"}
        gate.close()

    _run(tmp_path, scene)


def test_who_dawdles_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_limits, "REQUEST_S", 0.3)

    async def scene(page: Page) -> None:
        slow = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(3)]
        slow[0][1].write(HALF)
        slow[1][1].write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF)  # one answered, one half-sent
        started_s = time.monotonic()
        while time.monotonic() - started_s < 0.25:
            slow[0][1].write(b"x")  # a byte now and then buys no time
            await asyncio.sleep(0.05)
        for reader, writer in slow:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(_to_the_end(reader), 2)
            writer.close()

    async def _to_the_end(reader: asyncio.StreamReader) -> None:
        while await reader.read(4096):
            pass
        raise ConnectionResetError

    _run(tmp_path, scene)


@pytest.mark.usefixtures("strangers")
def test_strangers_make_room_among_themselves_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_limits, "CONNECTIONS_OF_STRANGERS", 2)

    async def scene(page: Page) -> None:
        halves = []
        for source in ("127.0.0.1", *[STRANGER] * 5):
            reader, writer = await asyncio.open_connection("127.0.0.1", page.port, local_addr=(source, 0))
            writer.write(HALF)
            halves.append((reader, writer))
        assert (await ask(page, "/health", STRANGER))[0] == 503
        for reader, _ in halves[1:-1]:  # the newest stays, with the one that has just asked
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 2) == b""
        halves[0][1].write(b"\r\n\r\n")
        assert (await halves[0][0].readline()).split()[1] == b"200"
        for _, writer in halves:
            writer.close()

    _run(tmp_path, scene)


def test_a_screen_that_listens_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_limits, "REQUEST_S", 0.3)
    monkeypatch.setattr(panel, "TICK_S", 0.1)

    async def scene(page: Page) -> None:
        stream = page.follow()
        for _ in range(10):
            await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined] # an asynchronous generator

    _run(tmp_path, scene)


def test_who_asks_and_does_not_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_limits, "REQUEST_S", 0.3)
    asked = 4000

    async def scene(page: Page) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", page.port))
            deaf.settimeout(0)
            deaf.send(b"GET /panel.css HTTP/1.1\r\nHost: [::]\r\n\r\n" * asked)
            await asyncio.sleep(1)
            reader, writer = await asyncio.open_connection(sock=deaf)
            with suppress(ConnectionResetError):
                answers = 0
                while chunk := await reader.read(65536):
                    answers += chunk.count(b"HTTP/1.1 200")
            assert 0 < answers < asked / 2
            writer.close()

    _run(tmp_path, scene)
