"""The panel on a socket that was bound for it, as systemd does: sd_listen_fds(3)."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from firmware.config import ConfigError
from firmware.config_sections import PanelConfig
from firmware.handed_over import FIRST, handed_over
from tests.firmware.site import Site, make_site

HAND_OVER = """
import os, sys
listener, program = int(sys.argv[1]), sys.argv[2:]
os.dup2(listener, 3, inheritable=True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "-m", *program])
"""


def _may_unshare() -> bool:
    """Tell whether this machine lets a process have a network of its own (containers often do not)."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


def _panel(site: Site, listener: socket.socket, *before: str) -> subprocess.Popen[bytes]:
    program = ("firmware.panel", "--config", str(site.config_path))
    command = [*before, sys.executable, "-c", HAND_OVER, str(listener.fileno()), *program]
    return subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.PIPE, env=dict(os.environ))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture
def listener(site: Site) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", site.config.panel.port)) as bound:
        yield bound


def _status(site: Site) -> int:
    with closing(HTTPConnection("127.0.0.1", site.config.panel.port, timeout=5)) as connection:
        connection.request("GET", "/health")
        return connection.getresponse().status


@pytest.mark.parametrize(
    "before",
    [
        (),
        pytest.param(
            ("unshare", "--net"), marks=pytest.mark.skipif(not _may_unshare(), reason="no network namespaces here")
        ),
    ],
)
def test_it_answers_also_where_it_has_no_network(site: Site, listener: socket.socket, before: tuple[str, ...]) -> None:
    with _panel(site, listener, *before) as panel:
        try:
            assert _status(site) == 503  # no gate: the connection waited until the panel was there
        finally:
            panel.terminate()
        _, log = panel.communicate(timeout=10)
    assert panel.returncode == 0
    assert b'"start-refused"' not in log
    listener.settimeout(0)
    with pytest.raises(BlockingIOError):  # the next panel finds nobody waiting, and the address is still ours
        listener.accept()


def test_a_socket_that_is_not_the_configured_one_is_refused_on_one_line(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, _panel(site, other) as panel:
        _, log = panel.communicate(timeout=20)
    assert panel.returncode == 78
    (line,) = log.splitlines()
    assert b"ListenStream=" in line


# What follows hands this very process a socket, in place of its own descriptor 3.


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = os.dup(FIRST) if _is_open(FIRST) else None
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    yield
    if kept is not None:
        os.dup2(kept, FIRST)
        os.close(kept)
    elif _is_open(FIRST):
        os.close(FIRST)


def _is_open(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").exists()


def _handed(sock: socket.socket, panel: PanelConfig) -> socket.socket | None:
    os.dup2(sock.fileno(), FIRST)
    return handed_over(panel)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "kiosk.example"])
def test_the_configured_socket_is_taken_once_and_for_this_program_alone(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        config = PanelConfig(host=host, port=bound.getsockname()[1])
        taken = _handed(bound, config)
        assert taken
        assert taken.getsockname() == bound.getsockname()
        assert not taken.get_inheritable()
        assert "LISTEN_FDS" not in os.environ
        assert handed_over(config) is None
        taken.detach()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("bound_to", "host"), [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "localhost")])  # noqa: S104 - refused
def test_a_page_for_this_machine_alone_is_not_opened_to_all(bound_to: str, host: str) -> None:
    with (
        socket.create_server((bound_to, 0)) as bound,
        pytest.raises(ConfigError, match=r"the socket handed over is 0\.0\.0\.0 port \d+, not"),
    ):
        _handed(bound, PanelConfig(host=host, port=bound.getsockname()[1]))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_socket_that_does_not_listen_is_refused(family: int, kind: int) -> None:
    with socket.socket(family, kind) as idle, pytest.raises(ConfigError, match="takes no TCP connections"):
        _handed(idle, PanelConfig())


@pytest.mark.usefixtures("place")
def test_what_is_no_socket_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        os.dup2(file.fileno(), FIRST)
    with pytest.raises(ConfigError, match="no socket"):
        handed_over(PanelConfig())


@pytest.mark.parametrize(("pid", "count"), [("", "1"), ("1", "1"), ("own", "0"), ("own", ""), ("nonsense", "nonsense")])
def test_what_is_meant_for_another_program_or_for_none_is_left(
    monkeypatch: pytest.MonkeyPatch, pid: str, count: str
) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()) if pid == "own" else pid)
    monkeypatch.setenv("LISTEN_FDS", count)
    assert handed_over(PanelConfig()) is None


def test_several_sockets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    with pytest.raises(ConfigError, match="2 sockets were handed over"):
        handed_over(PanelConfig())
