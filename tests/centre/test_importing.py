"""`greengate-centre import`: each check-in exactly once, each fault with its own words and exit code."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from centre.authority.ca import Authority
from centre.collecting.collector import Collector
from centre.collecting.sqlite_store import SqliteStore
from centre.devices.registry import Device, Registry
from centre.main import app
from drivers.broker import Message
from drivers.stick.folder import FolderStick
from firmware import export
from firmware.export import Exporter, ack_name, decode_acks, export_name
from firmware.wire import Ack, Batch, batch_topic, encode_batch
from tests.firmware.checkins import checkin

EPOCH = bytes(range(8))
AT = datetime(2026, 7, 1, tzinfo=UTC)
FIRST = Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2)))
SECOND = Batch("gate-1", EPOCH, 3, (checkin(3),), encode_batch(FIRST).digest)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Centre:
    home: Path
    stick: Path

    @property
    def store(self) -> Path:
        return self.home / "centre.db"

    def run(self, *sources: Path) -> Done:
        line = ["import", "--home", self.home, "--store", self.store, "--json", *(sources or (self.stick,))]
        done = CliRunner().invoke(app, [str(part) for part in line], catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    def put(self, data: bytes, name: str = "greengate-gate-1-0001020304050607-1-3.journal") -> Path:
        path = self.stick / name
        path.write_bytes(data)
        return path

    def stored(self) -> list[tuple[str, int]]:
        with SqliteStore(self.store) as store:
            return [(entry.device, entry.seq) for entry in store.entries()]


def exported(*batches: Batch) -> bytes:
    exporter = Exporter()
    for batch in batches:
        exporter.add(encode_batch(batch))
    return exporter.finish()


WHOLE = exported(FIRST, SECOND)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    Authority.init(folder, AT)
    with Registry.open(folder) as registry:
        for name in ("gate-1", "gate-2"):
            registry.put_device(Device(name, None, None, None, AT))
    return folder


@pytest.fixture
def centre(home: Path, tmp_path: Path) -> Iterator[Centre]:
    (tmp_path / "stick").mkdir()
    yield Centre(home, tmp_path / "stick")
    for file in home.glob("centre.db*"):
        file.unlink()


def test_a_stick_is_stored_and_answered(centre: Centre) -> None:
    centre.put(WHOLE)
    done = centre.run()
    assert done.code == 0, done.err
    imported, answered = done.events
    assert (imported["event"], imported["new"], imported["known"], imported["breaks"]) == ("imported", 3, 0, 0)
    assert answered["event"] == "answer-written"
    assert centre.stored() == [("gate-1", 1), ("gate-1", 2), ("gate-1", 3)]
    answer = (centre.stick / ack_name("gate-1", EPOCH, 3)).read_bytes()
    assert decode_acks(answer, allow_unsigned=True) == [
        Ack("gate-1", EPOCH, 2, encode_batch(FIRST).digest),
        Ack("gate-1", EPOCH, 3, encode_batch(SECOND).digest),
    ]


def test_twice_and_together_with_the_network_each_checkin_counts_once(centre: Centre) -> None:
    class Nowhere:
        def publish(self, topic: str, payload: bytes) -> None:
            """Answer nobody."""

    with SqliteStore(centre.store) as store:
        message = encode_batch(Batch("gate-1", EPOCH, 1, (checkin(1), checkin(2), checkin(3)))).message
        Collector(store, Nowhere(), lambda _: None).take(Message(batch_topic("gate-1"), message))
    centre.put(WHOLE)
    for _ in range(2):
        imported, answered = centre.run().events
        assert (imported["new"], imported["known"], imported["conflicts"]) == (0, 3, 0)
        assert answered["event"] == "answer-written"
    assert len(centre.stored()) == 3


@pytest.mark.parametrize(
    ("fault", "code", "data"),
    [
        ("altered", 65, WHOLE[:90] + bytes([WHOLE[90] ^ 1]) + WHOLE[91:]),
        ("altered", 65, exported(SECOND, FIRST)),
        ("cut-short", 74, WHOLE[:-1]),
        ("cut-short", 74, b""),
        ("newer", 76, b"GGJRNL2\n" + WHOLE[8:]),
        ("foreign", 66, b"PK\3\4" + WHOLE),
        ("device-unknown", 67, exported(Batch("gate-9", EPOCH, 1, (checkin(1),)))),
    ],
)
def test_what_is_refused_is_told_and_nothing_of_it_kept(centre: Centre, fault: str, code: int, data: bytes) -> None:
    centre.put(data)
    done = centre.run()
    assert (done.code, [event["fault"] for event in done.events]) == (code, [fault])
    assert centre.stored() == []
    line = ["import", "--home", centre.home, "--store", centre.store, centre.stick]
    plain = CliRunner().invoke(app, [str(part) for part in line])
    assert (plain.exit_code, len(plain.stderr.splitlines())) == (code, 1)
    assert f"refused ({fault})" in plain.stderr
    assert [file.name for file in centre.stick.iterdir() if file.suffix == ".ack"] == []


def test_a_huge_file_is_not_even_read(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.importing.importing.MAX_EXPORT_BYTES", len(WHOLE) - 1)
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(WHOLE) - 1)
    path = centre.put(WHOLE)
    for source in (centre.stick, path):
        done = centre.run(source)
        assert (done.code, done.events[0]["fault"]) == (65, "too-large")


def test_more_batches_than_an_answer_takes_are_refused(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_ACKS", 1)
    centre.put(WHOLE)
    done = centre.run()
    assert (done.code, done.events[0]["fault"], centre.stored()) == (65, "too-large", [])
    exporter = Exporter()
    exporter.add(encode_batch(FIRST))
    assert not exporter.fits(encode_batch(SECOND))


def test_names_in_large_letters_are_the_same_names(centre: Centre) -> None:
    centre.put(WHOLE, "GREENGATE-GATE-1-0001020304050607-1-3.JOURNAL")
    assert (centre.run().code, len(centre.stored())) == (0, 3)


def test_a_link_or_a_pipe_is_no_file_and_a_path_may_have_any_bytes(centre: Centre) -> None:
    name = "greengate-gate-1-0001020304050607-1-3.journal"
    (centre.stick / name).symlink_to(centre.put(WHOLE, "whole"))
    assert centre.run(centre.stick / name).code == 65
    os.mkfifo(centre.stick / "pipe")
    assert centre.run(centre.stick / "pipe").code == 65
    assert centre.stored() == []
    for path in (Path("x" * 300), Path(os.fsdecode(b"/\xff\n\x1b"))):
        done = centre.run(path)
        assert (done.code, done.events[0]["file"].isprintable(), "\n" in done.events[0]["why"]) == (66, True, False)
    assert centre.run(centre.put(WHOLE, os.fsdecode(b"\xff"))).code == 0


def test_two_imports_at_once_count_each_checkin_once(centre: Centre) -> None:
    centre.put(exported(*chain(60)))
    line = [
        sys.executable,
        "-m",
        "centre.main",
        "import",
        "--home",
        centre.home,
        "--store",
        centre.store,
        centre.stick,
    ]
    both = [subprocess.Popen([str(part) for part in line], stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert centre.stored() == [("gate-1", seq) for seq in range(1, 61)]
    assert sorted(file.suffix for file in centre.stick.iterdir()) == [".ack", ".journal"]


def chain(count: int) -> list[Batch]:
    """Return batches of one check-in each."""
    before, made = bytes(32), list[Batch]()
    for seq in range(1, count + 1):
        made.append(Batch("gate-1", EPOCH, seq, (checkin(seq),), before))
        before = encode_batch(made[-1]).digest
    return made


def test_a_bad_file_does_not_keep_the_good_ones_out(centre: Centre) -> None:
    centre.put(WHOLE[:-5], "greengate-gate-1-0001020304050607-1-3.journal")
    other = Batch("gate-2", EPOCH, 1, (checkin(7),))
    centre.put(exported(other), "greengate-gate-2-0001020304050607-1-1.journal")
    done = centre.run()
    assert (done.code, [event["event"] for event in done.events]) == (
        74,
        ["import-refused", "imported", "answer-written"],
    )
    assert centre.stored() == [("gate-2", 1)]


def test_a_file_of_any_name_is_taken_and_answered_beside_it(centre: Centre) -> None:
    path = centre.put(WHOLE, "từ cổng 1 (bản sao).journal")
    done = centre.run(path)
    assert (done.code, len(centre.stored())) == (0, 3)
    assert (centre.stick / ack_name("gate-1", EPOCH, 3)).exists()


def test_a_retired_devices_last_checkins_are_taken(centre: Centre) -> None:
    with Registry.open(centre.home) as registry:
        registry.retire("gate-2", AT)
    centre.put(exported(Batch("gate-2", EPOCH, 1, (checkin(7),))), "greengate-gate-2-0001020304050607-1-1.journal")
    assert centre.run().events[0]["state"] == "retired"


def test_conflicts_and_breaks_are_told(centre: Centre) -> None:
    centre.put(WHOLE)
    centre.run()
    other = Batch("gate-1", EPOCH, 3, (checkin(9),), bytes(32))
    done = centre.run(centre.put(exported(other)))
    assert (done.code, done.events[0]["conflicts"], done.events[0]["breaks"]) == (0, 1, 1)


def test_an_answer_that_cannot_be_written_is_told_but_the_checkins_are_stored(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderStick, "_put", full)
    centre.put(WHOLE)
    done = centre.run()
    assert (done.code, done.events[-1]["event"], len(centre.stored())) == (73, "answer-failed", 3)


def test_sources_that_are_none_have_their_exit_code(centre: Centre, tmp_path: Path) -> None:
    assert centre.run(tmp_path / "none").code == 66
    assert centre.run().code == 66  # an empty stick
    assert centre.run(Path("/dev/null")).code == 65
    centre.put(WHOLE)
    done = centre.run(tmp_path / "none", centre.stick)
    assert (done.code, len(centre.stored())) == (66, 3)


def test_wrong_usage_and_a_store_that_is_none(centre: Centre, tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> int:
        return CliRunner().invoke(app, ["import", *map(str, arguments), str(centre.stick)]).exit_code

    config = tmp_path / "centre.toml"
    config.write_text('[broker]\nhost = "a"\n[store]\npath = "of-config.db"\n')
    centre.put(WHOLE)
    assert run("--home", centre.home) == 2
    assert run("--home", centre.home, "--store", "a", "--config", "b") == 2
    assert run("--home", tmp_path, "--store", centre.store) == 78
    assert run("--home", centre.home, "--config", tmp_path / "none") == 78
    assert run("--home", centre.home, "--config", config) == 0
    assert (tmp_path / "of-config.db").exists()
    centre.store.write_bytes(b"nonsense" * 1000)
    assert run("--home", centre.home, "--store", centre.store) == 78


def test_the_name_of_a_file_is_what_an_export_writes() -> None:
    found = export.check_export(WHOLE, allow_unsigned=True)
    assert export_name(found) == "greengate-gate-1-0001020304050607-1-3.journal"
