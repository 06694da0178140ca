"""The journal when all is well, and when disks are full or read-only and writers are killed."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.checkin import CheckIn
from firmware.journal import BLANK_MAX_ROWS, Journal, JournalError
from firmware.journal_base import APPLICATION_ID, NO_HASH
from firmware.journal_reader import JournalReader
from firmware.journal_schema import main, migrate
from tests.firmware.checkins import START_MS, checkin

DIGEST = b"d" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path, migrate=migrate) as journal:
        yield journal


@pytest.fixture
def reader(journal: Journal, path: Path) -> Iterator[JournalReader]:
    assert journal.unsent() == 0
    with JournalReader(path) as reader:
        yield reader


def recorded(path: Path) -> list[CheckIn]:
    with JournalReader(path) as reader:
        unsent = reader.batch(10_000)
    return list(unsent.records) if unsent else []


def test_a_new_journal_is_migrated_apart_and_only_its_user_may_read_it(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal.append(checkin(1)) == 1
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
        assert set(modes.values()) == {"0o600"}, modes


def test_numbers_have_no_holes_and_survive_acknowledgement_and_restart(path: Path) -> None:
    with Journal.open(path, migrate=migrate) as journal, JournalReader(path) as reader:
        assert [journal.append(checkin(number)) for number in (1, 2, 3)] == [1, 2, 3]
        unsent = reader.batch(10)
        assert unsent is not None
        assert reader.acknowledge(unsent.epoch, 3, DIGEST)
        assert journal.unsent() == 0
    with Journal.open(path, migrate=migrate) as journal, JournalReader(path) as reader:
        assert journal.append(checkin(4)) == 4
        again = reader.batch(10)
        assert again == (unsent.epoch, 4, (checkin(4),), DIGEST)


def test_a_batch_is_the_oldest_unsent_and_the_first_follows_none(journal: Journal, reader: JournalReader) -> None:
    assert reader.batch(2) is None
    for number in (1, 2, 3):
        journal.append(checkin(number))
    unsent = reader.batch(2)
    assert unsent is not None
    assert unsent.records == (checkin(1), checkin(2))
    assert (len(unsent.epoch), unsent.first_seq, unsent.previous) == (8, 1, NO_HASH)
    assert reader.unsent() == journal.unsent() == 3


def test_only_an_acknowledgement_of_this_epoch_that_goes_on_deletes(journal: Journal, reader: JournalReader) -> None:
    for number in (1, 2, 3):
        journal.append(checkin(number))
    unsent = reader.batch(3)
    assert unsent is not None
    assert not reader.acknowledge(b"another!", 3, DIGEST)
    assert journal.unsent() == 3
    assert reader.acknowledge(unsent.epoch, 2, DIGEST)
    assert not reader.acknowledge(unsent.epoch, 2, b"e" * 32)
    assert not reader.acknowledge(unsent.epoch, 1, b"e" * 32)
    rest = reader.batch(3)
    assert rest is not None
    assert (rest.first_seq, rest.previous, rest.records) == (3, DIGEST, (checkin(3),))


def test_the_version_changes_with_every_checkin(journal: Journal, reader: JournalReader) -> None:
    before = reader.version()
    assert reader.version() == before
    journal.append(checkin(1))
    assert reader.version() != before


def test_retention_blanks_what_concerns_the_holder_and_keeps_the_row(journal: Journal, reader: JournalReader) -> None:
    for number in range(3):
        journal.append(checkin(number))
    assert journal.blank_before(START_MS + 2000) == 2
    assert journal.blank_before(START_MS + 2000) == 0
    unsent = reader.batch(3)
    assert unsent is not None
    assert [one.blank for one in unsent.records] == [True, True, False]
    assert [one.id for one in unsent.records] == [checkin(number).id for number in range(3)]


def test_blanking_is_done_in_bounded_steps(journal: Journal) -> None:
    insert = "INSERT INTO checkin SELECT ?, id, 0, 1, lane, direction, verdict, reason, 'k', x'' FROM checkin LIMIT 1"
    journal.append(checkin(1))
    assert journal._db is not None
    journal._db.execute("BEGIN")
    journal._db.executemany(insert, [(number,) for number in range(2, BLANK_MAX_ROWS + 12)])
    journal._db.execute("COMMIT")
    assert [journal.blank_before(1), journal.blank_before(1)] == [BLANK_MAX_ROWS, 10]


def test_the_log_is_carried_into_the_file_when_idle(journal: Journal, path: Path) -> None:
    for number in range(50):
        journal.append(checkin(number))
    small = path.stat().st_size
    journal.checkpoint()
    assert path.stat().st_size > small


def test_a_closed_journal_opens_by_itself_and_closes_twice(journal: Journal) -> None:
    journal.close()
    journal.close()
    assert journal.append(checkin(1)) == 1


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


def test_a_full_file_is_an_error_and_passes(journal: Journal) -> None:
    journal.append(checkin(1))
    assert journal._db is not None
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count={pages}")
    done = fill(journal, "free some space")
    with pytest.raises(JournalError, match="free some space"):
        journal.probe()
    assert journal.unsent() == done
    journal._db.execute("PRAGMA max_page_count=100000")
    journal.probe()
    assert journal.append(checkin(0)) == done + 1
    assert journal.set_aside is None


def child(code: str, path: Path, prepare: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    program = f"""
import sys
from pathlib import Path
from firmware.journal import Journal, JournalError
from firmware.journal_schema import migrate
from tests.firmware.checkins import checkin
path = Path(sys.argv[1])
{code}
"""
    return subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=prepare,
    )


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
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", folder], check=False).returncode:
        pytest.skip("this sandbox may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_an_error_until_there_is_room_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with Journal.open(small_disk / "journal.db", migrate=migrate) as journal:
        ballast.write_bytes(bytes(150_000))
        last = fill(journal, "disk")
        with pytest.raises(JournalError, match="disk"):
            journal.probe()
        ballast.unlink()
        journal.probe()
        assert journal.append(checkin(last + 1)) == last + 1
        assert recorded(small_disk / "journal.db") == [checkin(number) for number in range(1, last + 2)]
        assert journal.set_aside is None


def test_a_journal_can_begin_on_a_full_disk_only_later(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(396 * 1024))
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


@pytest.mark.parametrize("make", [migrate, None])
def test_a_newer_schema_is_refused_with_a_cure(path: Path, make: Callable[[Path], None] | None) -> None:
    Journal.open(path, migrate=migrate).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(JournalError, match="update the program"):
        Journal.open(path, migrate=make)
    with JournalReader(path) as reader, pytest.raises(JournalError, match="update it"):
        reader.batch(1)


def test_another_programs_database_is_refused_and_not_touched(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photos (id)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"name another file as journal\.path"):
        Journal.open(path, migrate=migrate)
    assert path.read_bytes() == before


def test_a_migration_that_never_ends_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.journal.MIGRATION_MAX_S", 0.0)
    with pytest.raises(JournalError, match="takes too long"):
        Journal.open(path)


def test_the_schema_program_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "unable to open" in capsys.readouterr().err


def test_a_migration_that_was_cut_short_is_done_again(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    assert path.stat().st_size > 0
    with Journal.open(path, migrate=migrate) as journal:
        assert journal.append(checkin(1)) == 1
        assert journal.set_aside is None
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    check.close()


WRITE = """
with Journal.open(path, migrate=migrate) as journal:
    assert journal.set_aside is None
    start = journal.unsent()
    for number in range(start + 1, 100000):
        print(journal.append(checkin(number)), flush=True)
        if number % 7 == 0:
            journal.checkpoint()
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
