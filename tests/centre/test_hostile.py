"""What a broker's clients, other users of the machine and wrong command lines may do to the centre."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from centre.collecting.events import BatchRefused, Conflict
from centre.collecting.sqlite_store import SqliteStore
from drivers.broker import Message
from firmware.wire import Batch, batch_topic, digest_of
from tests.centre.batches import EPOCH, batch_of
from tests.centre.test_collector import Site
from tests.firmware.checkins import checkin

BATCH = batch_of(1, checkin(1), checkin(2))
FORGED = batch_of(1, replace(checkin(1), verdict="refused"), checkin(2))


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


@pytest.mark.parametrize("batches", [(FORGED, BATCH), (BATCH, FORGED)], ids=["copy-first", "original-first"])
def test_a_copied_cards_batch_is_acknowledged_and_told_by_status(tmp_path: Path, batches: tuple[Batch, Batch]) -> None:
    site = Site(tmp_path)
    for batch in batches:
        site.take(batch)
    assert len(site.acks()) == 2
    assert Conflict("gate-1", EPOCH.hex(), 1, 2, 1) in site.events
    site.store.close()
    assert command("status", "--store", tmp_path / "centre.db", "--json").returncode == 1
    assert command("status", "--store", tmp_path / "centre.db").returncode == 1


def test_what_others_replay_or_move_changes_nothing(tmp_path: Path) -> None:
    """A batch of another device, an old batch again, and one whose header somebody else's records are put under."""
    site = Site(tmp_path)
    second = batch_of(3, checkin(3), previous=digest_of(BATCH))
    site.take(BATCH, second)
    before = site.store.entries()
    message = site.message(BATCH)
    other = site.message(batch_of(1, checkin(7), device="gate-2"))
    site.collector.take(
        message,
        Message(batch_topic("gate-2"), message.payload),
        Message(batch_topic("gate-1"), other.payload),
        Message(batch_topic("gate-1"), message.payload[:200] + other.payload[200:]),
    )
    assert site.collector.refused == 3
    assert [ack.up_to for ack in site.acks()] == [2, 3, 2]
    assert site.store.entries() == before
    assert {event.code for event in site.events if isinstance(event, BatchRefused)} <= {
        *("device", "signature", "malformed"),
    }
    site.store.close()


def test_every_bit_of_a_message_counts(tmp_path: Path) -> None:
    site = Site(tmp_path)
    message = site.message(batch_of(1, checkin(1)))
    for place in range(len(message.payload)):
        altered = bytearray(message.payload)
        altered[place] ^= 1
        site.collector.take(Message(message.topic, bytes(altered)))
    assert site.collector.refused == len(message.payload)
    assert (site.store.entries(), site.acks(), site.collector.waiting) == ([], [], False)
    site.store.close()


def test_errors_are_json_too_where_it_is_asked_for(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"nonsense" * 1000)
    desk = ("--broker", "127.0.0.1", "--store")
    keys = Site(tmp_path).pki.files(tmp_path / "keys", "centre.one")
    for name, file in (("centre.one.pem", "device.pem"), ("centre.one.key", "device.key")):
        (keys / file).rename(keys / name)
    (keys / "batches").mkdir()
    (keys / "batches.key").rename(keys / "batches" / "batches.key")
    cases: list[tuple[int, tuple[str | Path, ...]]] = [
        (78, ("status", "--store", garbage)),
        (78, ("collect", *desk, garbage, "--keys", keys)),
        (78, ("collect", *desk, tmp_path / "new.db", "--keys", tmp_path)),
        (78, ("collect", "--config", tmp_path / "missing.toml")),
        (2, ("collect", *desk, "postgresql://a:secret@b/c", "--keys", keys)),
        (2, ("collect",)),
        (2, ("collect", *desk, tmp_path / "new.db")),
        (2, ("status",)),
        (2, ("status", "--wrong")),
        (2, ("wrong",)),
    ]
    for code, arguments in cases:
        done = command(*arguments, "--json")
        (line,) = done.stdout.splitlines()
        told = json.loads(line)
        assert (done.returncode, list(told)) == (code, ["error"]), arguments
        assert told["error"] in " ".join(done.stderr.split()), arguments
        assert "secret" not in done.stdout + done.stderr
        assert command(*arguments).stdout == "", arguments
