"""The desk's broker and collector: what does not start is an error that says why."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning import desk
from provisioning.desk import Desk, DeskError
from tests.firmware.appliance import wait_until

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def laid(tmp_path: Path) -> Desk:
    return desk.lay(tmp_path, AT)


def test_a_port_that_another_has_taken_meanwhile(laid: Desk) -> None:
    with (
        socket.create_server((desk.HOST, laid.broker_port)),
        pytest.raises(DeskError, match=r"mosquitto did not start .*Address already in use"),
        desk.broker(laid),
    ):
        pass


def test_the_broker_answers_as_soon_as_it_is_given(laid: Desk) -> None:
    with desk.broker(laid):
        socket.create_connection((desk.HOST, laid.broker_port), timeout=1).close()


def test_a_user_without_a_name_has_a_desk_too(laid: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    with desk.broker(laid):
        pass


def test_a_collector_that_does_not_start(laid: Desk) -> None:
    laid.store.symlink_to(laid.folder / "none" / "centre.db")
    with pytest.raises(DeskError, match="collector did not start"), desk.broker(laid), desk.collector(laid):
        pass


def test_one_that_never_answers_is_not_waited_for_without_end(laid: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "START_S", 0.1)
    with subprocess.Popen(["sleep", "60"]) as process:
        (laid.folder / "log").touch()
        with pytest.raises(DeskError, match=r"it did not start \(it says nothing\)"):
            desk._await("it", process, lambda: False, laid.folder / "log")
        process.kill()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gg-") as folder:  # tmp_path is too long for a socket in a folder in it
        yield Path(folder)


def test_a_closed_window_leaves_no_desk_behind(folder: Path) -> None:
    command = [sys.executable, "-m", "provisioning.main", "demo", "--json"]
    process = subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "program"
        wait_until(lambda: list(folder.glob("*/run")), "it runs")
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert list(folder.iterdir()) == []
