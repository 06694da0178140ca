"""`greengate demo`: the whole appliance on a desk, as a process, from the first light to Ctrl-C."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.appliance import alive, children_of, wait_until
from tests.provisioning.passes import EXPECTED, holds_a_key

ALL_S = 45.0  # six visitors take 15 s
VERDICTS = {"valid": "accepted", "unsupported-kind": "undecided"}


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "provisioning.main", "demo", *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        with process:
            yield process
            process.communicate(timeout=10)
    finally:
        process.kill()


def descendants(pid: int) -> set[int]:
    found = set()
    for child in children_of(pid):
        found |= {child, *descendants(child)}
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="gg-"
    ) as folder:  # tmp_path is too long for a Unix socket in a folder in it
        yield Path(folder)


def _until_all_has_happened(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Read events until each kind of pass was answered and as many check-ins are stored."""
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    end_s = time.monotonic() + ALL_S
    answered: set[str] = set()
    stored = 0
    while answered != set(EXPECTED.values()) or stored < len(EXPECTED):
        assert time.monotonic() < end_s, f"answered {answered}, stored {stored}"
        event = json.loads(process.stdout.readline())
        events.append(event)
        if event["type"] == "shown" and event["verdict"]:
            answered.add(event["reason"])
        stored += event.get("new", 0)
    return events


def test_six_passes_six_answers_and_their_checkins(folder: Path) -> None:
    with demo(folder, "--json") as process:
        events = _until_all_has_happened(process)
        family = descendants(process.pid)
        (desk,) = folder.iterdir()
        own = {desk / "identity", desk / "centre"}  # the device's and the centre's; of issuers there is none anywhere
        others = [path for path in desk.rglob("*") if path.is_file() and not own & set(path.parents)]
        assert not any(holds_a_key(path.read_bytes()) for path in others)
        ended_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)
        assert time.monotonic() - ended_s < 10
    assert process.returncode == 0
    assert len(family) >= 6  # four programs, a broker, a collector
    assert not [pid for pid in family if alive(pid)]
    assert list(folder.iterdir()) == []
    events += [json.loads(line) for line in rest.splitlines()]
    shown = {event["reason"]: event for event in events if event["type"] == "shown" and event["verdict"]}
    for reason in EXPECTED.values():
        assert shown[reason]["aspect"] == shown[reason]["verdict"] == VERDICTS.get(reason, "refused")
        assert shown[reason]["vi"]
        assert shown[reason]["timings_ms"]["total"] > 0
    assert {event["type"] for event in events} == {"shown", "health", "program", "centre"}
    ready = {event["program"] for event in events if event["type"] == "program" and event["change"] == "ready"}
    assert ready == {"reader", "gate", "uplink", "panel"}
    assert all(event["demo"] for event in events if event["type"] == "health")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("started", [1, 3])  # the keys being made; the first program of the appliance
def test_it_ends_as_well_before_all_is_ready(folder: Path, number: int, started: int) -> None:
    with demo(folder) as process:
        wait_until(lambda: len(descendants(process.pid)) >= started, "it has started things")
        family = descendants(process.pid)
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == 0
    wait_until(lambda: not [pid for pid in family if alive(pid)], "nothing is left")
    assert list(folder.iterdir()) == []


def test_ctrl_c_in_a_terminal_ends_it_too(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", sys.executable, "-m", "provisioning.main", "demo"]
    environment = os.environ | {"TMPDIR": str(folder), "TERM": "xterm"}
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        with os.fdopen(theirs, "wb") as end:
            process = subprocess.Popen(command, env=environment, stdin=end, stdout=end, stderr=end)
        _read_until(terminal, "● XANH GREEN")
        family = descendants(process.pid)
        terminal.write(b"\x03")
        text = _read_until(terminal, None)
        assert process.wait(10) == 0
    assert "\x1b[?25h" in text  # the cursor is given back
    wait_until(lambda: not [pid for pid in family if alive(pid)], "nothing is left")
    assert list(folder.iterdir()) == []


def _read_until(terminal: io.FileIO, text: str | None) -> str:
    """Read what is drawn until a text comes, or (None) until the end."""
    seen = b""
    end_s = time.monotonic() + 20
    while text is None or text not in seen.decode("utf-8", "ignore"):
        assert select.select([terminal], [], [], max(0.0, end_s - time.monotonic()))[0], f"never came: {text}"
        try:
            seen += terminal.read(65536)
        except OSError:  # EIO: the other end has closed
            assert text is None, seen
            break
    return seen.decode("utf-8", "ignore")
