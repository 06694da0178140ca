"""The journal when all is well, and its schema."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.checkin import to_row
from firmware.journal import Journal
from firmware.journal_base import NO_HASH
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.journal_space import Diagnostic
from tests.firmware.checkins import after, checkin, detailed
from tests.firmware.journals import rows

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
        assert again == (unsent.epoch, 4, rows(4), DIGEST)


def test_a_batch_is_the_oldest_unsent_and_the_first_follows_none(journal: Journal, reader: JournalReader) -> None:
    assert reader.batch(2) is None
    for number in (1, 2, 3):
        journal.append(checkin(number))
    unsent = reader.batch(2)
    assert unsent is not None
    assert unsent.rows == rows(1, 2)
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
    assert (rest.first_seq, rest.previous, rest.rows) == (3, DIGEST, rows(3))


def test_the_version_changes_with_every_checkin(journal: Journal, reader: JournalReader) -> None:
    before = reader.version()
    assert reader.version() == before
    journal.append(checkin(1))
    assert reader.version() != before


def test_the_log_is_carried_into_the_file_when_idle(journal: Journal, path: Path) -> None:
    for number in range(50):
        journal.append(checkin(number))
    small = path.stat().st_size
    log = path.with_name("journal.db-wal")
    long = log.stat().st_size
    assert journal.checkpoint(empty=False)
    assert path.stat().st_size > small
    for number in range(20):
        journal.append(checkin(number))
    assert log.stat().st_size == long, "written over from its start"
    assert journal.checkpoint()
    assert log.stat().st_size == 0
    journal.close()
    assert not log.exists()


def test_a_log_that_somebody_reads_is_not_waited_for(journal: Journal, path: Path) -> None:
    journal.append(checkin(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM meta").fetchone()
    journal.append(checkin(2))
    assert not journal.checkpoint()
    other.close()
    assert journal.checkpoint()


def test_every_kind_of_record_is_read_as_it_was_written(journal: Journal, reader: JournalReader) -> None:
    records = [detailed(1), after(2, "passage", detailed(1)), after(3, "override", checkin(9))]
    for record in records:
        journal.append(record)
    unsent = reader.batch(9)
    assert unsent is not None
    assert unsent.rows == tuple(to_row(record) for record in records)


def test_what_the_uplink_tells_of_the_journal(journal: Journal, reader: JournalReader) -> None:
    assert (reader.unsent(), reader.oldest_ms(), reader.diagnostics(9)) == (0, None, [])
    for number in (1, 2):
        journal.append(checkin(number))
    notes = [Diagnostic(number, "service-lost", "camera") for number in range(5)]
    journal.write_diagnostics(notes)
    assert (reader.unsent(), reader.oldest_ms()) == (2, checkin(1).at_ms)
    assert reader.diagnostics(2) == notes[-2:]
    assert reader.fill_permille() == journal.fill_permille() == 0


def test_a_closed_journal_opens_by_itself_and_closes_twice(journal: Journal) -> None:
    journal.close()
    journal.close()
    assert journal.append(checkin(1)) == 1
