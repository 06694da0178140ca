"""The gate's sockets: who does not keep up, or says what is no message, is dropped; nobody is waited for."""

import contextlib
import selectors
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmware.messages import MAX_MESSAGE_BYTES, Heartbeat, Reading, Shown, decode_event, encode
from firmware.sockets import CLIENTS_MAX, SOCKET_MODE, EventPort, ReaderPort, connect, listen

READY = Shown("ready", "ready", "vi", "en")


@dataclass
class Ends:
    """Both ports of a gate, turned by hand."""

    folder: Path
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    taken: list[Reading | Heartbeat] = field(default_factory=list)
    malformed: int = 0

    def __post_init__(self) -> None:
        self.readings = ReaderPort(self.selector, self.folder / "r", self.taken.append, self._count)
        self.events = EventPort(self.selector, self.folder / "e")

    def turn(self) -> None:
        while ready := self.selector.select(0):
            for key, _ in ready:
                if self.selector.get_map().get(key.fd) is key:
                    key.data()

    def close(self) -> None:
        self.readings.close()
        self.events.close()
        self.selector.close()

    def _count(self) -> None:
        self.malformed += 1


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    ends = Ends(tmp_path)
    yield ends
    ends.close()


def test_messages_keep_their_boundaries(ends: Ends) -> None:
    with connect(ends.folder / "r") as reader:
        for frames in range(3):
            reader.send(encode(Heartbeat(frames)))
        ends.turn()
    assert ends.taken == [Heartbeat(0), Heartbeat(1), Heartbeat(2)]
    ends.turn()
    assert ends.readings.sockets == []


@pytest.mark.parametrize("data", [b"{}", b"\xff" * 100, b" " * (MAX_MESSAGE_BYTES + 1)])
def test_who_says_what_is_no_message_is_dropped_and_may_come_again(ends: Ends, data: bytes) -> None:
    with connect(ends.folder / "r") as reader:
        reader.send(data)
        ends.turn()
        assert ends.malformed == 1
        with pytest.raises(OSError, match="Broken pipe"):
            reader.send(encode(Heartbeat(1)))
    with connect(ends.folder / "r") as reader:
        reader.send(encode(Heartbeat(1)))
        ends.turn()
    assert ends.taken == [Heartbeat(1)]


def test_a_reader_that_ends_abruptly_is_forgotten(ends: Ends) -> None:
    with connect(ends.folder / "r"):
        ends.turn()
        (client,) = ends.readings.sockets
    ends.readings.readable(client)
    assert ends.readings.sockets == []
    ends.readings.drop(client)


def test_a_client_without_a_message_is_left_alone(ends: Ends) -> None:
    with connect(ends.folder / "r"):
        ends.turn()
        ends.readings.readable(ends.readings.sockets[0])
        assert len(ends.readings.sockets) == 1


def test_an_error_on_a_socket_drops_it(ends: Ends) -> None:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with left, right:
        left.close()
        ends.readings.readable(left)
    assert ends.taken == []


def test_a_panel_learns_the_latest_at_once_and_what_follows(ends: Ends) -> None:
    ends.events.tell(Shown("refused", "expired", "vi", "en"))
    ends.events.tell(READY)
    with connect(ends.folder / "e") as panel:
        ends.turn()
        assert decode_event(panel.recv(MAX_MESSAGE_BYTES)) == READY
        ends.events.tell(Shown("accepted", "valid", "vi", "en"))
        told = decode_event(panel.recv(MAX_MESSAGE_BYTES))
    assert isinstance(told, Shown)
    assert told.aspect == "accepted"


def test_a_panel_that_does_not_keep_up_is_dropped_and_the_others_go_on(ends: Ends) -> None:
    with connect(ends.folder / "e"), connect(ends.folder / "e") as quick:
        ends.turn()
        for _ in range(10_000):
            ends.events.tell(READY)
            quick.recv(MAX_MESSAGE_BYTES)
            if len(ends.events.sockets) == 1:
                break
        assert len(ends.events.sockets) == 1


def test_a_panel_that_speaks_is_dropped(ends: Ends) -> None:
    with connect(ends.folder / "e") as panel:
        panel.send(b"open the gate")
        ends.turn()
        assert ends.events.sockets == []


def test_the_newest_client_takes_the_place_of_the_oldest(ends: Ends) -> None:
    with contextlib.ExitStack() as stack:
        panels = []
        for _ in range(CLIENTS_MAX + 1):
            panels.append(stack.enter_context(connect(ends.folder / "e")))
            ends.turn()
        assert len(ends.events.sockets) == CLIENTS_MAX
        assert panels[0].recv(1) == b""
        ends.events.tell(READY)
        assert decode_event(panels[-1].recv(MAX_MESSAGE_BYTES)) == READY


def test_a_deleted_socket_is_there_again(ends: Ends) -> None:
    ends.events.mend()
    shutil.rmtree(ends.folder)
    with pytest.raises(FileNotFoundError):
        connect(ends.folder / "e")
    ends.events.mend()
    with connect(ends.folder / "e") as panel:
        ends.turn()
        ends.events.tell(READY)
        assert decode_event(panel.recv(MAX_MESSAGE_BYTES)) == READY


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "none")


def test_a_socket_that_a_dead_gate_left_is_replaced(tmp_path: Path) -> None:
    listen(tmp_path / "s").close()
    with listen(tmp_path / "s") as server, connect(tmp_path / "s"):
        assert (tmp_path / "s").stat().st_mode & 0o777 == SOCKET_MODE
        assert server.gettimeout() == 0


def test_a_folder_that_is_not_there_cannot_be_listened_in(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        listen(tmp_path / "none" / "s")
