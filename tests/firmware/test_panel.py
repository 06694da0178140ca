"""The panel's page, stream and health over real sockets; the gate is an `EventPort` turned by the test."""

import asyncio
import json
import re
import selectors
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import structs

from firmware.config import ConfigError
from firmware.config_sections import PanelConfig
from firmware.hinting import ADVICE
from firmware.messages import Advised, Aspect, Health, Shown
from firmware.panel import POLICY, Panel, Server, bind, serve
from firmware.panel_limits import STREAMS_MAX
from firmware.sockets import EventPort
from tests.firmware.site import free_port

FOLDER = Path(__file__).parents[2] / "firmware"
ACCEPTED = Shown("accepted", "valid", "HỢP LỆ", "VALID", "id", "accepted", 5)
HEALTH = Health(
    in_service=True,
    device="kiosk-1",
    lane="Cổng 1",
    demo=False,
    clock_trusted=True,
    frames=1,
    unsent=0,
    uplink_connected=True,
    last_ack_age_s=None,
)


class Gate:
    """The gate's end of the events socket."""

    def __init__(self, path: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self.port = EventPort(self._selector, path)

    async def joined(self) -> None:
        while not self.port.sockets:
            for key, _ in self._selector.select(0):
                key.data()
            await asyncio.sleep(0.01)

    def close(self) -> None:
        self.port.close()
        self._selector.close()


@dataclass
class Page:
    """A running panel."""

    port: int
    events: Path

    async def get(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        reader, writer = await self.request(path, method)
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), head, body

    async def request(self, path: str, method: str = "GET") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return reader, writer

    async def follow(self) -> AsyncGenerator[dict[str, Any], None]:
        reader, writer = await self.request("/events")
        try:
            async for line in reader:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def _page(folder: Path, host: str = "127.0.0.1") -> AsyncIterator[Page]:
    events = folder / "events.sock"
    with bind(PanelConfig(port=free_port())) as listener:
        port = listener.getsockname()[1]
        panel = Panel(events, host)
        server = Server(panel)
        task = asyncio.create_task(serve(panel, server, listener))
        yield Page(port, events)
        server.handle_exit(15, None)
        await asyncio.wait_for(task, 2)


def _run(folder: Path, scene: Callable[[Page], Awaitable[None]]) -> None:
    async def play() -> None:
        async with _page(folder) as page:
            await asyncio.wait_for(scene(page), 10)

    asyncio.run(play())


def test_the_page_and_its_parts_come_from_here_only(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        for path in ("/", "/panel.css", "/panel.js"):
            status, head, body = await page.get(path)
            assert status == 200
            assert f"content-security-policy: {POLICY}".lower() in head.lower()
            assert not re.search(r"https?:|//\w+\.", body)
        assert (await page.get("/etc"))[0] == 404
        assert (await page.get("/", "POST"))[0] == 405

    _run(tmp_path, scene)


def test_it_is_out_of_service_without_a_gate_and_shows_the_gates_aspect_with_one(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        stream = page.follow()
        assert (await anext(stream))["shown"]["reason"] == "gate-away"
        assert (await page.get("/health"))[0] == 503
        gate = Gate(page.events)
        await gate.joined()
        gate.port.tell(ACCEPTED)
        gate.port.tell(HEALTH)
        said = [await anext(stream)]
        while not said[-1]["health"]:
            said.append(await anext(stream))
        assert (said[-1]["shown"]["aspect"], said[-1]["health"]["device"]) == ("accepted", "kiosk-1")
        status, _, body = await page.get("/health")
        assert (status, json.loads(body)["health"]["unsent"]) == (200, 0)
        gate.close()
        while said[-1]["shown"]["reason"] != "gate-away":
            said.append(await anext(stream))
        assert said[-1]["health"] is None
        await stream.aclose()

    _run(tmp_path, scene)


def test_a_plate_is_on_the_screen_and_not_in_what_watches_the_device(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        stream = page.follow()
        assert (await anext(stream))["shown"]["plate"] == ""
        gate = Gate(page.events)
        await gate.joined()
        gate.port.tell(structs.replace(ACCEPTED, plate="51C12345"))
        assert (await anext(stream))["shown"]["plate"] == "51C12345"
        assert "51C12345" not in (await page.get("/health"))[2]
        gate.close()
        while (said := await anext(stream))["shown"]["reason"] != "gate-away":
            pass
        assert said["shown"]["plate"] == ""
        await stream.aclose()

    _run(tmp_path, scene)


def test_a_hint_is_on_the_screen_until_there_is_an_answer(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        stream = page.follow()
        assert (await anext(stream))["shown"]["advice"]["hint"] is None
        gate = Gate(page.events)
        await gate.joined()
        gate.port.tell(Shown("ready", "ready", "Đưa mã", "Place the code"))
        gate.port.tell(Advised("too-far", "Đưa mã lại gần hơn", "Closer"))
        while not (advice := (await anext(stream))["shown"]["advice"])["hint"]:
            pass
        assert advice == {"type": "advised", "hint": "too-far", "vi": "Đưa mã lại gần hơn", "en": "Closer"}
        assert "too-far" not in (await page.get("/health"))[2]
        gate.port.tell(ACCEPTED)
        while (shown := (await anext(stream))["shown"])["aspect"] != "accepted":
            pass
        assert shown["advice"]["hint"] is None
        gate.close()
        await stream.aclose()

    _run(tmp_path, scene)


def test_a_gate_that_speaks_nonsense_is_left_and_tried_again(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.bind(str(page.events))
            server.listen()
            server.settimeout(0)
            loop = asyncio.get_running_loop()
            for _ in range(2):
                client, _ = await loop.sock_accept(server)
                with client:
                    client.send(b"nonsense")
        assert (await page.get("/health"))[0] == 503

    _run(tmp_path, scene)


def test_no_more_screens_than_fit(tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        streams = [page.follow() for _ in range(STREAMS_MAX)]
        for stream in streams:
            await anext(stream)
        assert (await page.get("/events"))[0] == 503
        for stream in streams:
            await stream.aclose()

    _run(tmp_path, scene)


def test_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async def play() -> None:
        async with _page(tmp_path) as page:
            reader, writer = await page.request("/events")
            await reader.readuntil(b"data: ")
        assert (await reader.read()).rstrip().endswith(b"0")  # the last chunk: the stream has ended in order
        writer.close()
        await writer.wait_closed()

    asyncio.run(play())


def test_an_address_that_is_taken_is_named() -> None:
    with bind(PanelConfig(port=free_port())) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1 port {taken}: .*: choose another panel\.host"):
            bind(PanelConfig(port=taken))
    with pytest.raises(ConfigError, match="choose another"):
        bind(PanelConfig(host="2001:db8::1"))


def test_every_aspect_has_a_sign_of_its_own() -> None:
    html = (FOLDER / "panel.html").read_text("utf-8")
    css = (FOLDER / "panel.css").read_text("utf-8")
    for aspect in get_args(Aspect):
        assert f'class="sign {aspect}"' in html
        assert f'[data-aspect="{aspect}"] .{aspect}' in css


def test_every_hint_has_a_sign_of_its_own_instead_of_what_is_waited_for() -> None:
    html = (FOLDER / "panel.html").read_text("utf-8")
    css = (FOLDER / "panel.css").read_text("utf-8")
    for hint in ADVICE:
        assert f'class="sign hint {hint}"' in html
        assert f'[data-hint="{hint}"] .{hint}' in css
    assert len(set(re.findall(r'class="sign hint [^>]*>(.*?)</svg>', html, re.DOTALL))) == len(ADVICE)
    assert 'body:not([data-hint="none"]) .sign:not(.hint) {\n  display: none;' in css


def test_a_word_longer_than_a_line_is_broken_not_cut() -> None:
    css = (FOLDER / "panel.css").read_text("utf-8")
    assert "overflow-wrap: break-word;" in css.partition("\nbody {\n  display")[2].partition("}")[0]
