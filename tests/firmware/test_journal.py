"""The journal when all is well, and its schema."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(params=[0o077, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_journal_is_migrated_apart_and_only_its_user_and_group_may_use_it(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal.append(checkin(1)) == 1
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
        assert set(modes.values()) == {"0o660"}, modes


@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o640, 0o640), (0o664, 0o660), (0o666, 0o660)])
def test_rights_that_somebody_gave_stay_but_for_the_worlds(path: Path, before: int, after: int) -> None:
    Journal.open(path, migrate=migrate).close()
    path.chmod(before)
    with Journal.open(path, migrate=migrate) as journal:
        journal.append(checkin(1))
        assert path.stat().st_mode & 0o777 == after


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


def open_files(path: Path) -> list[str]:
    """Return which files of a journal this process holds open."""
    targets = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for target in targets if target.startswith(str(path))]


@pytest.mark.parametrize("make", [migrate, None])
def test_a_newer_schema_is_refused_with_a_cure(path: Path, make: Callable[[Path], None] | None) -> None:
    Journal.open(path, migrate=migrate).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(JournalError, match="update the program") as refused:
        Journal.open(path, migrate=make)
    assert open_files(path) == [], refused  # which holds all that its frames hold
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
