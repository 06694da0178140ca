"""The journal's schema: made, brought up to date with all that waits in it, and refused where it is newer."""

import gzip
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from firmware.checkin import CheckIn, to_row
from firmware.journal import Journal, JournalError
from firmware.journal_base import APPLICATION_ID, SCHEMA_VERSION, connect
from firmware.journal_reader import JournalReader
from firmware.journal_schema import main, migrate, migrations
from firmware.journal_snapshot import salvage
from firmware.journal_space import KeptClock
from tests.firmware.checkins import checkin
from tests.firmware.journals import epoch_of, opened

OLD = Path(__file__).with_name("journal-1.db.gz")  # written by the program of schema 1
OLD_EPOCH = "c08f85d5bb2dd900"
OLD_ROWS = 40  # the first two acknowledged, 4 with an untrusted clock, 3 to 5 blanked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def old(path: Path) -> Path:
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return path


def expected(number: int) -> CheckIn:
    one = checkin(number)
    if number == 4:
        one = replace(one, clock="untrusted", verdict="undecided", reason="clock-not-trusted")
    return replace(one, kinds=(), pseudonym=None) if number < 6 else one


def test_an_old_journal_keeps_its_rows_numbers_epoch_and_what_was_acknowledged(path: Path) -> None:
    with Journal.open(old(path)) as journal, JournalReader(path) as reader:
        assert journal.set_aside is None
        assert journal.unsent() == OLD_ROWS - 2
        unsent = reader.batch(100)
        assert unsent is not None
        assert (unsent.epoch.hex(), unsent.first_seq, unsent.previous) == (OLD_EPOCH, 3, b"d" * 32)
        assert unsent.rows == tuple(to_row(expected(number)) for number in range(3, OLD_ROWS + 1))
        assert journal.append(checkin(41)) == 41
        journal.probe()
        assert journal.fill_permille() == 0


def test_an_old_and_a_new_journal_have_one_schema(path: Path) -> None:
    other = path.with_name("new.db")
    migrate(other)
    migrate(old(path))
    select = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    with closing(sqlite3.connect(path)) as was, closing(sqlite3.connect(other)) as made:
        assert was.execute(select).fetchall() == made.execute(select).fetchall()


def test_the_uplink_waits_for_the_gate_to_bring_the_journal_up_to_date(path: Path) -> None:
    with JournalReader(old(path)) as reader:
        assert reader.batch(9) is None
        assert not reader.damaged
        opened(path).close()
        assert reader.unsent() == OLD_ROWS - 2


def test_a_damaged_old_journal_is_set_aside_and_can_still_be_read(path: Path) -> None:
    data = bytearray(old(path).read_bytes())
    data[-30:] = bytes(30)
    data[-4096 : -4096 + 8] = b"\xff" * 8
    path.write_bytes(data)
    with Journal.open(path) as journal:
        assert journal.set_aside is not None
        assert journal.append(checkin(1)) == 1
        found = salvage(journal.set_aside)
    assert found is not None
    assert found.epoch.hex() == OLD_EPOCH
    good = {run.first_seq + place: row for run in found.runs for place, row in enumerate(run.rows)}
    assert good
    assert all(row == to_row(expected(number)) for number, row in good.items())


def version_and_rows(path: Path) -> tuple[int, int, int]:
    """Return a journal's version as it lies there, and what it holds once the gate has opened it."""
    with closing(sqlite3.connect(path)) as db:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
    with opened(path) as journal, JournalReader(path) as reader:
        assert journal.set_aside is None
        unsent = reader.batch(100_000)
        assert unsent is not None
        return version, unsent.first_seq, len(unsent.rows)


def test_a_power_cut_anywhere_in_the_migration_leaves_the_old_or_the_new(path: Path) -> None:
    old(path)
    with closing(sqlite3.connect(path)) as held:  # which keeps the log from being carried into the file
        held.execute("BEGIN")
        held.execute("SELECT * FROM meta").fetchone()
        migrate(path)
        whole = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    versions = set()
    cut = path.with_name("cut.db")
    for length in range(0, len(whole["-wal"]) + 1, len(whole["-wal"]) // 40):
        cut.write_bytes(whole[""])
        cut.with_name("cut.db-wal").write_bytes(whole["-wal"][:length])
        version, first, count = version_and_rows(cut)
        assert (first, count) == (3, OLD_ROWS - 2)
        versions.add(version)
    cut.write_bytes(whole[""])
    cut.with_name("cut.db-wal").write_bytes(whole["-wal"])
    assert versions == {1}
    assert version_and_rows(cut) == (SCHEMA_VERSION, 3, OLD_ROWS - 2)


@pytest.fixture
def large(path: Path) -> Path:
    """Return an old journal that takes a while to migrate."""
    db = connect(old(path), create=False)
    db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 41 UNION ALL SELECT i + 1 FROM n WHERE i < 30040) INSERT INTO checkin "
        "SELECT i, id, at_ms, 0, lane, direction, verdict, reason, kinds, pseudonym FROM n, checkin WHERE seq = 10"
    )
    db.close()
    return path


def test_a_migration_killed_anywhere_is_done_again(large: Path) -> None:
    took_s = 0.0
    copy = large.with_name("copy.db")
    versions = []
    for part in (1.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        for suffix in ("-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        shutil.copy(large, copy)
        start_s = time.monotonic()
        with subprocess.Popen([sys.executable, "-m", "firmware.journal_schema", copy]) as child:
            try:
                child.wait(took_s * part or None)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
        took_s = took_s or time.monotonic() - start_s
        version, first, count = version_and_rows(copy)
        assert (first, count) == (3, 30_038)
        versions.append(version)
    assert versions[0] == SCHEMA_VERSION


def test_the_steps_of_the_migration_are_those_of_the_old_program(path: Path) -> None:
    made = path.with_name("made.db")
    with closing(sqlite3.connect(made)) as db:
        migrations.apply(Database(db, execute_plugins=False), stop_before="for_the_centre")
        ours = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    with closing(sqlite3.connect(old(path))) as db:
        assert ours == db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    assert epoch_of(path).hex() == OLD_EPOCH


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
    monkeypatch.setattr("firmware.journal_file.MIGRATION_MAX_S", 0.0)
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


def test_a_journal_of_version_3_learns_when_the_trust_data_were_issued(path: Path) -> None:
    migrate(path)
    kept = KeptClock(5, 6)
    with opened(path) as journal:
        journal.append(checkin(1))
        journal.keep_clock(kept)
    with closing(sqlite3.connect(path)) as db:
        db.executescript("""
            ALTER TABLE meta DROP COLUMN trust_issued_ms;
            DELETE FROM _sqlite_migrations WHERE name = 'when_the_trust_data_were_issued';
            PRAGMA user_version=3;
        """)
    with opened(path) as journal:
        assert journal.set_aside is None
        assert (journal.unsent(), journal.kept_clock()) == (1, kept)
        journal.keep_clock(kept._replace(issued_ms=7))
    with JournalReader(path) as reader:
        assert reader.trust_ms() == 7
