import socket
from pathlib import Path

import pytest

from firmware.notify import ALIVE, READY, notify


@pytest.mark.parametrize("abstract", [False, True])
def test_states_arrive_as_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool) -> None:
    address = f"@greengate-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("\0" + address[1:] if abstract else address)
        supervisor.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify(READY, ALIVE)
        assert supervisor.recv(100) == b"READY=1\nWATCHDOG=1"


def test_a_ready_that_finds_no_room_goes_with_the_next_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    notify(READY)  # there is no supervisor yet
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(5)
        notify(ALIVE)
        notify(ALIVE)
        assert [supervisor.recv(100) for _ in range(2)] == [b"READY=1\nWATCHDOG=1", b"WATCHDOG=1"]


def test_a_supervisor_that_is_gone_or_does_not_read_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify(ALIVE)
    monkeypatch.setenv("NOTIFY_SOCKET", "not an address")
    notify(ALIVE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "full"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "full"))
        for _ in range(1000):
            notify(ALIVE)
        assert supervisor.recv(100) == b"WATCHDOG=1"
