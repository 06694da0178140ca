"""The log: one line an event, and nobody ever waits for who reads it."""

import json
import os
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


def test_every_event_has_a_name_of_its_own_and_says_what_it_is() -> None:
    events = LogEvent.__subclasses__()
    names = [event.__struct_config__.tag for event in events]
    assert len(names) == len(set(names))
    assert all(event.__doc__ for event in events)
