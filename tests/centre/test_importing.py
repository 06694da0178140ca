"""`greengate-centre import`: each check-in exactly once, in either store, and answered."""

import errno
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from centre.collecting.store import Store, Stored, open_store
from centre.devices.registry import Registry
from centre.importing import importing
from centre.main import app
from drivers.stick.folder import FolderStick
from firmware import export
from firmware.export import ack_name, decode_acks, export_name
from firmware.wire import Ack, DecodedBatch, digest_of
from tests.centre.importing_site import EPOCH, FIRST, NAME, NOW, SECOND, Centre, Home, batch, chain


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def whole(home: Home) -> bytes:
    return home.exported(FIRST, SECOND)


@pytest.fixture
def centre(home: Home, tmp_path: Path) -> Centre:
    (tmp_path / "stick").mkdir()
    return Centre(home, tmp_path / "stick", str(tmp_path / "centre.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, centre: Centre) -> Centre:
    """Give a centre with each of the stores."""
    if request.param == "sqlite":
        return centre
    return Centre(centre.home, centre.stick, str(request.getfixturevalue("database")))


def test_a_stick_is_stored_and_answered(either: Centre, whole: bytes) -> None:
    either.put(whole)
    done = either.run()
    assert done.code == 0, done.err
    imported, answered = done.events
    assert (imported["event"], imported["new"], imported["known"], imported["breaks"]) == ("imported", 3, 0, 0)
    assert (imported["state"], imported["certificate"]) == ("enrolled", "good")
    assert answered["event"] == "answer-written"
    assert either.stored() == [("gate-1", 1), ("gate-1", 2), ("gate-1", 3)]
    answer = (either.stick / ack_name("gate-1", EPOCH, 3)).read_bytes()
    assert decode_acks(answer, either.home.believed, NOW) == [
        Ack("gate-1", EPOCH, 2, digest_of(FIRST)),
        Ack("gate-1", EPOCH, 3, digest_of(SECOND)),
    ]


def test_twice_and_together_with_the_network_each_checkin_counts_once(either: Centre, whole: bytes) -> None:
    by_network = batch(1, 1, 2, 3)
    with open_store(either.store) as store:
        store.store([DecodedBatch(by_network, digest_of(by_network))], NOW)
    either.put(whole)
    for _ in range(2):
        imported, answered = either.run().events
        assert (imported["new"], imported["known"], imported["conflicts"]) == (0, 3, 0)
        assert answered["event"] == "answer-written"
    assert len(either.stored()) == 3


def test_a_large_file_goes_into_the_store_a_few_batches_at_a_time(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def opened(where: str | Path) -> Store:
        store = open_store(where)
        put = store.store

        def counted(batches: Sequence[DecodedBatch], at: datetime) -> list[Stored]:
            counts.append(len(batches))
            return put(batches, at)

        monkeypatch.setattr(store, "store", counted)
        return store

    monkeypatch.setattr("centre.importing.command.open_store", opened)
    monkeypatch.setattr(importing, "BATCHES_AT_ONCE", 16)
    centre.put(centre.home.exported(*chain(40)))
    assert centre.run().code == 0
    assert counts == [16, 16, 8]
    assert len(centre.stored()) == 40


def test_names_in_large_letters_are_the_same_names(centre: Centre, whole: bytes) -> None:
    centre.put(whole, "GREENGATE-GATE-1-0001020304050607-1-3.JOURNAL")
    assert (centre.run().code, len(centre.stored())) == (0, 3)


def test_two_imports_at_once_count_each_checkin_once(either: Centre) -> None:
    either.put(either.home.exported(*chain(60)))
    line = [sys.executable, "-m", "centre.main", *either.line()]
    both = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert either.stored() == [("gate-1", seq) for seq in range(1, 61)]
    assert sorted(file.suffix for file in either.stick.iterdir()) == [".ack", ".journal"]


def test_a_bad_file_does_not_keep_the_good_ones_out(centre: Centre, whole: bytes) -> None:
    centre.put(whole[:-5], NAME)
    other = batch(1, 7, device="gate-2")
    centre.put(centre.home.exported(other), "greengate-gate-2-0001020304050607-1-1.journal")
    done = centre.run()
    assert (done.code, [event["event"] for event in done.events]) == (
        74,
        ["import-refused", "imported", "answer-written"],
    )
    assert centre.stored() == [("gate-2", 1)]


def test_a_file_of_any_name_is_taken_and_answered_beside_it(centre: Centre, whole: bytes) -> None:
    path = centre.put(whole, "từ cổng 1 (bản sao).journal")
    done = centre.run(path)
    assert (done.code, len(centre.stored())) == (0, 3)
    assert (centre.stick / ack_name("gate-1", EPOCH, 3)).exists()


def test_a_retired_devices_last_checkins_are_taken(centre: Centre) -> None:
    with Registry.open(centre.home.folder) as registry:
        registry.retire("gate-2", NOW)
    centre.put(centre.home.exported(batch(1, 7, device="gate-2")), "greengate-gate-2-0001020304050607-1-1.journal")
    assert centre.run().events[0]["state"] == "retired"


def test_conflicts_and_breaks_are_told(either: Centre, whole: bytes) -> None:
    either.put(whole)
    either.run()
    done = either.run(either.put(either.home.exported(batch(3, 9))))
    assert (done.code, done.events[0]["conflicts"], done.events[0]["breaks"]) == (0, 1, 1)


def test_an_answer_that_cannot_be_written_is_told_but_the_checkins_are_stored(
    centre: Centre, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderStick, "_put", full)
    centre.put(whole)
    done = centre.run()
    assert (done.code, done.events[-1]["event"], len(centre.stored())) == (73, "answer-failed", 3)


def test_sources_that_are_none_have_their_exit_code(centre: Centre, whole: bytes, tmp_path: Path) -> None:
    assert centre.run(tmp_path / "none").code == 66
    assert centre.run().code == 66  # an empty stick
    assert centre.run(Path("/dev/null")).code == 65
    centre.put(whole)
    done = centre.run(tmp_path / "none", centre.stick)
    assert (done.code, len(centre.stored())) == (66, 3)


def test_wrong_usage_and_a_store_that_is_none(centre: Centre, tmp_path: Path, whole: bytes) -> None:
    def run(*arguments: str | Path) -> int:
        return CliRunner().invoke(app, ["import", *map(str, arguments), str(centre.stick)]).exit_code

    home = centre.home.folder
    centre.put(whole)
    assert run("--home", home) == 2
    assert run("--home", home, "--store", "a", "--config", "b") == 2
    assert run("--home", home, "--store", "postgresql://a:b@c/d") == 2
    assert run("--home", tmp_path, "--store", centre.store) == 78
    assert run("--home", home, "--config", tmp_path / "none") == 78
    Path(centre.store).write_bytes(b"nonsense" * 1000)
    assert run("--home", home, "--store", centre.store) == 78


CONFIG = """
[broker]
host = "a"
[store]
path = "of-config.db"
[centre]
ca = "{keys}/ca.pem"
certificate = "{keys}/device.pem"
key = "{keys}/device.key"
batches = ["{home}/sealing"]
"""


def test_with_a_collectors_configuration_its_store_and_its_keys_are_used(
    centre: Centre, tmp_path: Path, whole: bytes
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    centre.home.identity(keys, "centre.site")
    config = tmp_path / "centre.toml"
    config.write_text(CONFIG.format(keys=keys, home=centre.home.folder))
    centre.put(whole)
    line = ["import", "--home", str(centre.home.folder), "--config", str(config), str(centre.stick)]
    assert CliRunner().invoke(app, line).exit_code == 0
    assert (tmp_path / "of-config.db").exists()
    answer = (centre.stick / ack_name("gate-1", EPOCH, 3)).read_bytes()
    assert b"centre.site" in answer
    assert len(decode_acks(answer, centre.home.believed, NOW)) == 2
    (keys / "device.key").unlink()
    assert CliRunner().invoke(app, line).exit_code == 78


def test_a_home_without_keys_says_how_to_make_them(centre: Centre, tmp_path: Path, whole: bytes) -> None:
    home = Home(tmp_path / "home")
    (home.folder / "sealing" / "centre.pem").unlink()
    centre.put(whole)
    done = CliRunner().invoke(app, Centre(home, centre.stick, centre.store).line())
    assert (done.exit_code, "greengate-centre ca sealing" in done.stderr) == (78, True)


def test_the_name_of_a_file_is_what_an_export_writes(centre: Centre, whole: bytes) -> None:
    assert export_name(export.check_export(whole, centre.home.believed)) == NAME
