"""The panel as a program among strangers: requests that are never finished, and what nobody caught."""

import asyncio
import json
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from firmware.panel_limits import tell_quietly
from tests.firmware.site import Site, make_site
from tests.firmware.test_panel_limits import HALF


@contextmanager
def panel_process(site: Site, descriptors: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a panel that may have so many descriptors; its log is `panel.log`."""
    line = [sys.executable, "-m", "firmware.panel", "--config", str(site.config_path)]
    with (site.folder / "panel.log").open("wb") as log, subprocess.Popen(line, stderr=log) as process:
        try:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
            yield process
        finally:
            process.kill()


def health_of(site: Site) -> int:
    connection = HTTPConnection("127.0.0.1", site.config.panel.port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    finally:
        connection.close()


def test_half_sent_requests_leave_the_page_reachable_and_the_log_quiet(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    address = ("127.0.0.1", site.config.panel.port)
    with panel_process(site, 512) as process, ExitStack() as stack:
        end_s = time.monotonic() + 20
        while b"started" not in (tmp_path / "panel.log").read_bytes():
            assert time.monotonic() < end_s
            time.sleep(0.02)
        for _ in range(600):
            half = stack.enter_context(socket.create_connection(address, timeout=2))
            half.send(HALF)
        assert [health_of(site) for _ in range(5)] == [503] * 5
        assert sum(1 for _ in Path(f"/proc/{process.pid}/fd").iterdir()) < 100
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in (tmp_path / "panel.log").read_text().splitlines()]
    assert {line["event"] for line in lines} <= {"started", "internal-error", "stopped"}


def test_what_nobody_caught_is_one_event_without_its_text(capfd: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(tell_quietly)
        loop.call_soon(_fail)
        loop.call_exception_handler({"message": "something of NGUYEN VAN A"})
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(scene())
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert sorted((line["event"], line["kind"]) for line in lines) == [
        ("internal-error", "RuntimeError"),
        ("internal-error", "event-loop"),
    ]
    assert "NGUYEN" not in json.dumps(lines)


def _fail() -> None:
    raise RuntimeError("a text with NGUYEN VAN A")
