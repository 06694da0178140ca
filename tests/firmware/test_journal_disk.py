"""The journal when disks are full or read-only, files locked or taken away, and writers killed."""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.journal import Journal, JournalError, JournalFullError
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.journal_space import FILLING_PERMILLE, RESERVE_BYTES
from tests.firmware.checkins import checkin
from tests.firmware.journals import child, recorded

DIGEST = b"d" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path, migrate=migrate) as journal:
        yield journal


def fill(journal: Journal, why: str) -> int:
    """Append until it fails, and return the last number given."""
    last = journal.unsent()
    try:
        while last < 10_000:
            last = journal.append(checkin(last + 1))
    except JournalError as error:
        assert why in str(error)  # noqa: PT017 - where it comes is not known
        return last
    pytest.fail("never full")


FILL = """
journal = Journal.open(path, migrate=migrate)
try:
    for number in range(1, 10000):
        print(journal.append(checkin(number)), flush=True)
except JournalError as error:
    print(error, file=sys.stderr)
"""


def test_a_disk_quota_is_an_error_and_nothing_recorded_is_lost(path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = child(FILL, path, limit)
    last = int(done.stdout.split()[-1])
    assert 10 < last < 1000
    assert "check its disk" in done.stderr
    assert recorded(path)[:last] == [checkin(number) for number in range(1, last + 1)]
    with Journal.open(path, migrate=migrate) as journal:
        assert journal.set_aside is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={RESERVE_BYTES // 1024 + 400}k", "none", folder], check=False
    ).returncode:
        pytest.skip("this sandbox may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_an_error_until_there_is_room_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with Journal.open(small_disk / "journal.db", migrate=migrate) as journal:
        ballast.write_bytes(bytes(150_000))
        last = fill(journal, "disk is for acknowledgements")
        with pytest.raises(JournalFullError, match="free some space"):
            journal.probe()
        assert journal.fill_permille() > FILLING_PERMILLE
        ballast.unlink()
        journal.probe()
        assert journal.append(checkin(last + 1)) == last + 1
        assert recorded(small_disk / "journal.db") == [checkin(number) for number in range(1, last + 2)]
        assert journal.set_aside is None


def test_a_disk_that_somebody_else_filled_is_an_error_of_the_disk(small_disk: Path) -> None:
    with Journal.open(small_disk / "journal.db", migrate=migrate) as journal:
        journal.append(checkin(1))
        with JournalReader(small_disk / "journal.db") as reader, (small_disk / "ballast").open("wb", 0) as ballast:
            for number in range(2, 602):
                journal.append(checkin(number))
            unsent = reader.batch(600)
            assert unsent is not None
            reader.acknowledge(unsent.epoch, 600, DIGEST)  # so that there is room in the file
            journal.checkpoint()
            with contextlib.suppress(OSError):
                while ballast.write(bytes(4096)):
                    pass
            with pytest.raises(JournalError, match="free some space on its disk") as failed:
                journal.append(checkin(602))
            assert not isinstance(failed.value, JournalFullError)


def test_a_journal_that_filled_its_disk_is_emptied_by_acknowledgements_alone(small_disk: Path) -> None:
    path = small_disk / "journal.db"
    with Journal.open(path, migrate=migrate) as journal, JournalReader(path) as reader:
        last = fill(journal, "disk is for acknowledgements")
        for number in range(last + 1, last + 200):
            unsent = reader.batch(5)
            assert unsent is not None
            assert reader.acknowledge(unsent.epoch, unsent.first_seq + 4, DIGEST)
            if number > last + 100:
                assert journal.append(checkin(number)) == number - 100
        assert journal.set_aside is None


def test_a_journal_can_begin_on_a_full_disk_only_later(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(RESERVE_BYTES + 396 * 1024))
    with pytest.raises(JournalError):
        Journal.open(small_disk / "journal.db", migrate=migrate)
    with pytest.raises(JournalError):
        Journal.open(small_disk / "journal.db")
    ballast.unlink()
    with Journal.open(small_disk / "journal.db", migrate=migrate) as journal:
        assert journal.append(checkin(1)) == 1
        assert journal.set_aside is None


@pytest.fixture
def remount(small_disk: Path) -> Callable[[str], None]:
    def switch(mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", small_disk], check=True)

    return switch


def test_a_read_only_disk_is_an_error_with_a_cure(small_disk: Path, remount: Callable[[str], None]) -> None:
    path = small_disk / "journal.db"
    remount("ro")
    with pytest.raises(JournalError, match="writable for this user"):
        Journal.open(path, migrate=migrate)
    remount("rw")
    with Journal.open(path, migrate=migrate) as journal:
        journal.append(checkin(1))
    remount("ro")
    with pytest.raises(JournalError, match="writable for this user"):
        Journal.open(path, migrate=migrate)
    remount("rw")
    with Journal.open(path, migrate=migrate) as journal:
        assert journal.append(checkin(2)) == 2
        assert journal.set_aside is None


def test_a_missing_folder_is_an_error_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="make its folder exist"):
        Journal.open(tmp_path / "not mounted" / "journal.db", migrate=migrate)
    assert list(tmp_path.iterdir()) == []


def test_a_locked_journal_is_an_error_in_time_for_the_watchdog_and_passes(journal: Journal, path: Path) -> None:
    journal.append(checkin(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.append(checkin(2))
    other.execute("ROLLBACK")
    other.close()
    assert journal.append(checkin(2)) == 2


def test_a_file_taken_away_is_noticed_at_once(journal: Journal, path: Path) -> None:
    journal.append(checkin(1))
    for file in path.parent.iterdir():
        file.rename(file.with_name("moved-" + file.name))
    assert journal.append(checkin(2)) == 1
    assert recorded(path) == [checkin(2)]
    assert (path.parent / "moved-journal.db").exists()


WRITE = """
with Journal.open(path, migrate=migrate) as journal:
    assert journal.set_aside is None
    start = journal.unsent()
    for number in range(start + 1, 100000):
        print(journal.append(checkin(number)), flush=True)
        if number % 7 == 0:
            journal.checkpoint(empty=number % 2 == 0)
        if number % 11 == 0:
            journal.probe()
"""


def test_a_writer_killed_again_and_again_loses_nothing_that_it_was_told_is_recorded(path: Path) -> None:
    with JournalReader(path) as reader:  # keeps the log open over the deaths, as the uplink does
        promised = 0
        for kill in range(10):
            program = WRITE if kill % 2 else "import signal\n" + WRITE
            code = "import sys\nfrom pathlib import Path\nfrom firmware.journal import Journal\n"
            code += "from firmware.journal_schema import migrate\nfrom tests.firmware.checkins import checkin\n"
            code += f"path = Path(sys.argv[1])\n{program}"
            with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as writer:
                assert writer.stdout is not None
                lines = [writer.stdout.readline() for _ in range(3 + kill * 5)]
                writer.send_signal(signal.SIGKILL)
                lines += writer.stdout.readlines()
            promised = int([line for line in lines if line.endswith("\n")][-1])
            if kill % 3 == 0:
                assert reader.unsent() >= promised
        assert reader.batch(1) is not None
    rows = recorded(path)
    assert len(rows) >= promised > 10
    assert rows == [checkin(number) for number in range(1, len(rows) + 1)]
    with Journal.open(path, migrate=migrate) as journal:
        assert journal.set_aside is None
