"""What a broker's clients, other users of the machine and wrong command lines may do to the centre."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.collector import Collector
from centre.collecting.events import Conflict, Event
from centre.collecting.sqlite_store import SqliteStore
from drivers.broker import Message
from drivers.broker.simulated import SimulatedBus
from firmware.wire import Batch, ack_topic, batch_topic, encode_batch
from tests.firmware.checkins import checkin

EPOCH = bytes(range(8))
BATCH = Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2)))
FORGED = replace(BATCH, records=(replace(checkin(1), verdict="refused"), checkin(2)))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "centre.main", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_the_store_is_its_owners_only(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "centre.db"):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"centre.db": 0o600, "centre.db-wal": 0o600, "centre.db-shm": 0o600}


def test_a_store_keeps_the_mode_that_somebody_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "centre.db"
    with SqliteStore(path):
        path.chmod(0o640)
    with SqliteStore(path):
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("batches", [(FORGED, BATCH), (BATCH, FORGED)], ids=["forged-first", "genuine-first"])
def test_a_forged_batch_is_acknowledged_and_told_by_status(tmp_path: Path, batches: tuple[Batch, Batch]) -> None:
    bus = SimulatedBus()
    device = bus.broker("gate-1")
    device.subscribe(ack_topic("gate-1"))
    events: list[Event] = []
    path = tmp_path / "centre.db"
    with SqliteStore(path) as store:
        collector = Collector(store, bus.broker("centre"), events.append)
        for batch in batches:
            collector.take(Message(batch_topic("gate-1"), encode_batch(batch).message))
            assert device.receive(0) is not None
    assert Conflict("gate-1", EPOCH.hex(), 1, 2, 1) in events
    told = command("status", "--store", path, "--json")
    account = json.loads(told.stdout)
    assert (told.returncode, account["conflicts"], account["sound"]) == (1, 1, False)
    for_people = command("status", "--store", path)
    assert (for_people.returncode, "conflicts 1" in for_people.stdout) == (1, True)


def test_errors_are_json_too_where_it_is_asked_for(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"nonsense" * 1000)
    cases: list[tuple[int, tuple[str | Path, ...]]] = [
        (78, ("list", "--store", garbage)),
        (78, ("status", "--store", garbage)),
        (78, ("collect", "--broker", "127.0.0.1", "--store", garbage)),
        (78, ("collect", "--config", tmp_path / "missing.toml")),
        (2, ("collect",)),
        (2, ("list",)),
        (2, ("list", "--store", tmp_path / "missing")),
        (2, ("status", "--wrong")),
        (2, ("wrong",)),
    ]
    for code, arguments in cases:
        done = command(*arguments, "--json")
        (line,) = done.stdout.splitlines()
        told = json.loads(line)
        assert (done.returncode, list(told)) == (code, ["error"]), arguments
        assert told["error"] in " ".join(done.stderr.split()), arguments
        assert command(*arguments).stdout == "", arguments
