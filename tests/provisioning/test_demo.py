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
from tests.provisioning.passes import GREEN_LANE, holds_a_key

ALL_S = 75.0  # twelve visitors take 30 s
OURS = dict.fromkeys(("unsupported-kind", "unsigned", "online-only", "two-holders"), "undecided")  # no holder's fault
VERDICTS = OURS | {"valid": "accepted", "documents-missing": None}


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


def _answers(event: dict[str, Any]) -> bool:
    return event["type"] == "shown" and event["aspect"] not in ("ready", "out-of-service")


def _until_all_has_happened(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Read events until each visitor was answered and each answer's check-in is stored."""
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    end_s = time.monotonic() + ALL_S
    answered: list[str] = []
    stored = 0
    while len(answered) < len(GREEN_LANE) or stored < len(GREEN_LANE) - 1:  # the permit alone waits for more
        assert time.monotonic() < end_s, f"answered {answered}, stored {stored}"
        event = json.loads(process.stdout.readline())
        events.append(event)
        if _answers(event):
            answered.append(event["reason"])
        stored += event.get("new", 0)
    return events


def test_a_green_lane_s_visitors_their_answers_and_checkins(folder: Path) -> None:
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
    shown = [event for event in events if _answers(event)]
    for event, (name, reason) in zip(shown, GREEN_LANE.items(), strict=False):  # a second round may have begun
        assert event["reason"] == reason, name
        assert event["verdict"] == VERDICTS.get(reason, "refused")
        assert event["aspect"] == (event["verdict"] or "next-document")
        assert event["verdict"] is None or event["timings_ms"]["total"] > 0
    permit, test, _, _, old, *_ = shown
    assert permit["en"] == "Still missing: test result or vaccination certificate"
    assert permit["plate"] == test["plate"] == "51C12345"
    assert old["en"] == "Test older than 72 hours. Please see staff"
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
        ready = select.select([terminal], [], [], max(0.0, end_s - time.monotonic()))[0]
        assert ready, f"never came: {text}, but {seen[-2000:].decode('utf-8', 'ignore')}"
        try:
            seen += terminal.read(65536)
        except OSError:  # EIO: the other end has closed
            assert text is None, seen
            break
    return seen.decode("utf-8", "ignore")
