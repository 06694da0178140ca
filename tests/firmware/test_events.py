"""The log: one line an event, and nobody ever waits for who reads it."""

import json
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from select import PIPE_BUF

import pytest

from firmware.events import Decided, LinesDropped, Lit, Log, LogEvent, StartRefused, log

ALL = 1 << 20  # more than a pipe holds


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the end to read from, which never waits, and the other."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    yield ours, theirs
    for end in (ours, theirs):
        with suppress(OSError):
            os.close(end)


def test_an_event_is_one_line_of_json(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    log(Decided("id", "accepted", "valid", {"total": 1.5}))
    log(Lit("id", 3.0))
    decided, lit = (json.loads(line) for line in os.read(pipe[0], ALL).splitlines())
    assert decided | {"t_ns": 0} == {
        "t_ns": 0,
        "event": "decided",
        "checkin": "id",
        "verdict": "accepted",
        "reason": "valid",
        "timings_ms": {"total": 1.5},
    }
    assert lit["event"] == "lit"
    assert lit["t_ns"] >= decided["t_ns"]


def test_it_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    log(Lit("id", 3.0))
    assert json.loads(capfd.readouterr().err)["event"] == "lit"


def test_a_log_that_nobody_reads_stops_nothing_and_what_found_no_room_is_counted(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    for _ in range(2000):  # a write that waits would wait for ever
        log(Lit("id", 3.0))
    before = os.read(pipe[0], ALL).splitlines()
    log(Lit("id", 4.0))
    dropped, lit = (json.loads(line) for line in os.read(pipe[0], ALL).splitlines())
    assert dropped["event"] == LinesDropped.__struct_config__.tag
    assert dropped["count"] == 2000 - len(before)
    assert lit["lease_s"] == 4.0
    log(Lit("id", 5.0))
    assert len(os.read(pipe[0], ALL).splitlines()) == 1  # told of once


def test_a_line_is_no_longer_than_a_pipe_takes_at_once(pipe: tuple[int, int]) -> None:
    Log(pipe[1])(StartRefused("gate", "x" * PIPE_BUF * 2))
    line = os.read(pipe[0], ALL)
    assert len(line) == PIPE_BUF
    assert line.endswith(b"x\n")


def test_a_log_that_cannot_be_written_stops_nothing(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    Log(pipe[1])(Lit("id", 3.0))  # a broken pipe
    os.close(pipe[1])
    Log(pipe[1])(Lit("id", 3.0))  # closed
    with Path("/dev/full").open("wb") as full:
        Log(full.fileno())(Lit("id", 3.0))


def test_a_terminal_that_nobody_reads_stops_nothing_and_a_torn_line_is_ended() -> None:
    ours, theirs = os.openpty()
    log = Log(theirs)

    def fill() -> None:
        for _ in range(3000):
            log(Lit("id", 3.0))

    filling = threading.Thread(target=fill, daemon=True)
    filling.start()
    filling.join(10)
    waits = filling.is_alive()
    if waits:
        os.close(ours)  # ends its write
    assert not waits
    assert os.get_blocking(theirs)  # as its other users have it
    seen = _read_all(ours)
    assert not seen.endswith(b"\n")  # it had room for a part of a line
    log(Lit("id", 4.0))
    lines = [line for line in (seen + _read_all(ours)).splitlines() if line]
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    assert sum(line.get("count", 1) for line in whole) >= 3001  # one that lacks only its end is here and counted
    assert (whole[-2]["event"], whole[-1]["lease_s"]) == (LinesDropped.__struct_config__.tag, 4.0)
    os.close(ours)
    os.close(theirs)


def _read_all(terminal: int) -> bytes:
    data = b""
    while select.select([terminal], [], [], 0.2)[0]:
        data += os.read(terminal, ALL)
    return data


def test_a_socket_that_nobody_reads_stops_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        log = Log(theirs.fileno())
        for _ in range(5000):
            log(Lit("id", 3.0))
        assert theirs.getblocking()
        assert json.loads(ours.recv(ALL).splitlines()[0])["event"] == "lit"


def test_where_it_cannot_be_opened_again_it_is_written_to_as_it_is(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refused)  # as another user's terminal or pipe
    log = Log(pipe[1])
    for _ in range(2000):
        log(Lit("id", 3.0))
    assert json.loads(os.read(pipe[0], ALL).splitlines()[-1])["event"] == "lit"


def test_text_that_is_no_unicode_stops_nothing(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    log(StartRefused("gate", "\udcff"))
    log(Lit("id", 3.0))
    dropped, _ = (json.loads(line) for line in os.read(pipe[0], ALL).splitlines())
    assert dropped["count"] == 1


def test_every_event_has_a_name_of_its_own_and_says_what_it_is() -> None:
    events = LogEvent.__subclasses__()
    names = [event.__struct_config__.tag for event in events]
    assert len(names) == len(set(names))
    assert all(event.__doc__ for event in events)
