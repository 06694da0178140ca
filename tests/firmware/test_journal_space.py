"""What goes from the journal, when, and for good; what its size does to it; and what never goes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.checkin import MAX_AT_MS, MAX_DETAILS_BYTES, from_row, to_row
from firmware.journal import WAL_MAX_PAGES, Journal, JournalFullError
from firmware.journal_base import SIZE_MIB
from firmware.journal_reader import JournalReader
from firmware.journal_snapshot import salvage, snapshot
from firmware.journal_space import (
    DIAGNOSTICS_MAX,
    FILLING_PERMILLE,
    PAGE_BYTES,
    STEP_ROWS,
    Diagnostic,
    Swept,
    bound_reached,
    pages_of,
    transaction,
)
from tests.firmware.checkins import START_MS, checkin, detailed, longest
from tests.firmware.journals import opened, rows

DIGEST = b"d" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with opened(path) as journal:
        yield journal


@pytest.fixture
def reader(journal: Journal, path: Path) -> Iterator[JournalReader]:
    assert journal.unsent() == 0
    with JournalReader(path) as reader:
        yield reader


@pytest.fixture
def small(path: Path) -> Iterator[Journal]:
    """Yield a journal that may have 256 pages."""
    with opened(path, size_mib=1) as journal:
        yield journal


def test_acknowledged_rows_may_stay_and_count_for_nothing(journal: Journal, path: Path) -> None:
    with JournalReader(path, keep_acknowledged=True) as reader:
        for number in (1, 2, 3):
            journal.append(checkin(number))
        unsent = reader.batch(2)
        assert unsent is not None
        assert reader.acknowledge(unsent.epoch, 2, DIGEST)
        assert (reader.unsent(), journal.unsent(), reader.oldest_ms()) == (1, 1, checkin(3).at_ms)
        assert reader.batch(9) == (unsent.epoch, 3, rows(3), DIGEST)
        assert reader.acknowledge(unsent.epoch, 3, DIGEST)
        assert (reader.unsent(), journal.unsent(), reader.batch(9)) == (0, 0, None)
        assert journal.append(checkin(4)) == 4
        with snapshot(path) as now:
            assert now is not None
            assert (now.unsent, now.oldest_ms) == (1, checkin(4).at_ms)
            assert list(now.runs()) == [(4, rows(4))]
            now.check()
        salvaged = salvage(path)
        assert salvaged is not None
        assert salvaged.runs == [(4, rows(4))]


def test_what_goes_at_once_goes_while_older_copies_stay(journal: Journal, path: Path) -> None:
    with JournalReader(path, keep_acknowledged=True) as keeping, JournalReader(path) as deleting:
        for number in (1, 2, 3):
            journal.append(checkin(number))
        unsent = keeping.batch(1)
        assert unsent is not None
        assert keeping.acknowledge(unsent.epoch, 1, DIGEST)
        assert deleting.acknowledge(unsent.epoch, 3, DIGEST)
        assert (keeping.unsent(), journal.unsent()) == (0, 0)
        assert stored(path) == [1]
        assert journal.append(checkin(4)) == 4


def stored(path: Path) -> list[int]:
    other = sqlite3.connect(path)
    try:
        return [seq for (seq,) in other.execute("SELECT seq FROM checkin ORDER BY seq")]
    finally:
        other.close()


def test_only_what_is_acknowledged_and_old_is_dropped(journal: Journal, path: Path) -> None:
    for number in range(1, 6):
        journal.append(checkin(number))
    with JournalReader(path, keep_acknowledged=True) as reader:
        unsent = reader.batch(1)
        assert unsent is not None
        assert reader.acknowledge(unsent.epoch, 3, DIGEST)
    assert journal.sweep(0, 0, checkin(3).at_ms) == (5, 2)
    assert stored(path) == [3, 4, 5]
    assert journal.sweep(0, 0, MAX_AT_MS + 1) == (5, 1)
    assert stored(path) == [4, 5]
    assert journal.sweep(5, 0, MAX_AT_MS + 1) == (None, 0)


def test_retention_blanks_what_concerns_the_holder_and_keeps_the_row(journal: Journal, reader: JournalReader) -> None:
    for number in range(3):
        journal.append(detailed(number))
    assert journal.sweep(0, START_MS + 2000, 0) == Swept(up_to=3, changed=2)
    assert journal.sweep(0, START_MS + 2000, 0) == (3, 0)
    unsent = reader.batch(3)
    assert unsent is not None
    records = [from_row(row) for row in unsent.rows]
    assert [one.blank for one in records] == [True, True, False]
    assert [one.id for one in records] == [checkin(number).id for number in range(3)]
    assert records[2] == detailed(2)


def test_blanking_is_done_in_bounded_steps(journal: Journal) -> None:
    columns = "type, id, at_ms, clock, lane, direction, profile, verdict, reason, kinds"
    insert = f"INSERT INTO checkin (seq, {columns}) SELECT ?, {columns} FROM checkin LIMIT 1"  # noqa: S608 - ours
    journal.append(checkin(1))
    assert journal._db is not None
    journal._db.execute("BEGIN")
    journal._db.executemany(insert, [(number,) for number in range(2, STEP_ROWS + 12)])
    journal._db.execute("COMMIT")
    steps = [journal.sweep(after, MAX_AT_MS, 0) for after in (0, STEP_ROWS, STEP_ROWS + 11)]
    assert steps == [(STEP_ROWS, STEP_ROWS), (STEP_ROWS + 11, 11), (None, 0)]


def marked(number: int, marks: list[bytes]) -> bytes:
    """Return details that are found again wherever they are left."""
    mark = b"secret-%06d-secret" % number
    marks.append(mark)
    return mark * 6


def left(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (path, path.with_name(path.name + "-wal")) if file.exists())


def test_what_was_blanked_or_deleted_is_in_neither_the_file_nor_its_log(path: Path) -> None:
    marks: list[bytes] = []
    with opened(path) as journal, JournalReader(path) as reader:
        number = 0
        for _ in range(6):
            for _ in range(150):
                number += 1
                journal.append(replace(checkin(number), details=marked(number, marks), pseudonym=marks[-1][:16]))
            unsent = reader.batch(70)
            assert unsent is not None
            assert reader.acknowledge(unsent.epoch, unsent.first_seq + 69, DIGEST)
        waiting = 6 * 70
        assert all(mark in left(path) for mark in marks[waiting:])
        assert any(mark in left(path) for mark in marks[:waiting])
        assert journal.checkpoint()
        content = left(path)
        assert [mark for mark in marks[:waiting] if mark[:16] in content] == []
        assert all(mark in content for mark in marks[waiting:])
        for after in range(0, number, STEP_ROWS):
            journal.sweep(after, START_MS + (waiting + 100) * 1000, 0)
        assert journal.checkpoint()
        content = left(path)
        assert [mark for mark in marks[: waiting + 99] if mark[:16] in content] == []
        assert all(mark in content for mark in marks[waiting + 99 :])
        assert journal.unsent() == number - waiting


def fill(journal: Journal) -> int:
    """Append until it is full, and return the last number given."""
    last = journal.unsent()
    while last < 10_000:
        try:
            last = journal.append(detailed(last + 1))
        except JournalFullError:
            return last
    pytest.fail("never full")


def test_a_full_journal_is_an_error_of_its_own_and_passes_with_an_acknowledgement(small: Journal, path: Path) -> None:
    last = fill(small)
    assert last > 1500
    assert small.fill_permille() > 980
    assert path.stat().st_size <= 1024 * 1024
    with pytest.raises(JournalFullError):
        small.probe()
    with pytest.raises(JournalFullError, match="or raise it"):
        small.append(detailed(0))
    with JournalReader(path, size_mib=1) as reader:
        assert reader.fill_permille() == small.fill_permille()
        unsent = reader.batch(400)
        assert unsent is not None
        assert unsent.rows[0] == to_row(detailed(1))
        assert reader.acknowledge(unsent.epoch, 400, DIGEST)
        small.probe()
        assert small.append(checkin(last + 1)) == last + 1
        assert (small.unsent(), reader.unsent()) == (last - 399, last - 399)
        assert small.set_aside is None


def test_a_probe_says_what_an_append_will_meet(small: Journal) -> None:
    last = 0
    while True:
        try:
            small.probe()
        except JournalFullError:
            break
        last = small.append(longest(last))
    assert fill(small) - last < 60, "what a probe leaves room for, and no more"


def test_diagnostics_go_before_a_checkin_fails_and_then_copies(small: Journal, path: Path) -> None:
    small.write_diagnostics([Diagnostic(1, "service-lost", "x" * 180) for _ in range(1500)])
    with JournalReader(path, keep_acknowledged=True) as reader:
        for number in range(1, 401):
            small.append(detailed(number))
        unsent = reader.batch(400)
        assert unsent is not None
        assert reader.acknowledge(unsent.epoch, 400, DIGEST)
        last = fill(small)
        assert reader.diagnostics(9) == []
        assert stored(path) == list(range(401, last + 1)), "every unsent one, and no copy"
        assert small.unsent() == last - 400


def test_a_bound_below_what_there_is_takes_nothing_and_drops_nothing(path: Path) -> None:
    with opened(path, size_mib=2) as journal:
        last = fill(journal)
    with opened(path, size_mib=1) as journal:
        assert journal.fill_permille() == 1000
        assert fill(journal) == last


def test_room_within_the_file_is_no_fill(small: Journal, path: Path) -> None:
    fill(small)
    with JournalReader(path) as reader:
        while unsent := reader.batch(400):
            reader.acknowledge(unsent.epoch, unsent.first_seq + len(unsent.rows) - 1, DIGEST)
    assert small.fill_permille() < FILLING_PERMILLE / 10


def test_what_fails_within_a_transaction_is_not_done(path: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE t (n)")
    with pytest.raises(sqlite3.Error), transaction(db):
        db.executemany("INSERT INTO t VALUES (?)", [(1,), (object(),)])
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    db.close()
    assert not bound_reached(db), "nobody knows"


def test_there_are_so_many_diagnostics_and_no_more(journal: Journal, reader: JournalReader) -> None:
    journal.write_diagnostics([Diagnostic(number, "a", "") for number in range(DIAGNOSTICS_MAX + 5)])
    notes = reader.diagnostics(DIAGNOSTICS_MAX + 5)
    assert len(notes) == DIAGNOSTICS_MAX
    assert (notes[0].at_ms, notes[-1].at_ms) == (5, DIAGNOSTICS_MAX + 4)


def test_a_reader_that_stays_makes_the_log_longer_only_until_it_goes(path: Path) -> None:
    limit = WAL_MAX_PAGES * (PAGE_BYTES + 24) + 32
    with opened(path) as journal:
        held = sqlite3.connect(path, isolation_level=None)
        held.execute("BEGIN")
        held.execute("SELECT * FROM meta").fetchone()
        assert journal._db is not None
        journal._db.execute("PRAGMA synchronous=OFF")  # for the test's speed
        for number in range(WAL_MAX_PAGES + 200):
            journal.append(checkin(number))
        wal = path.with_name("journal.db-wal")
        assert wal.stat().st_size > limit
        held.close()
        for number in range(2):
            journal.append(checkin(number))
        assert wal.stat().st_size <= limit


def test_thirty_days_at_ten_thousand_fit_below_the_alarm(path: Path) -> None:
    part = 20_000
    with opened(path) as journal:
        assert journal._db is not None
        journal._db.execute("PRAGMA synchronous=OFF")
        journal._db.execute("BEGIN")
        for number in range(part):
            journal.append(detailed(number, MAX_DETAILS_BYTES))
        journal._db.execute("COMMIT")
        pages = int(journal._db.execute("PRAGMA page_count").fetchone()[0])
    assert pages * 300_000 / part < 0.8 * pages_of(SIZE_MIB)
