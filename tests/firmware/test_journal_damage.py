"""A journal that is damaged is set aside whole, and said so; what is there is never silently dropped."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.journal import Journal, JournalError
from firmware.journal_base import Mark, read_mark, write_mark
from firmware.journal_reader import JournalReader
from tests.firmware.checkins import checkin
from tests.firmware.journals import COUNT, epoch_of, opened, rows, written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def garbage(path: Path) -> None:
    path.write_bytes(hashlib.shake_256(b"garbage").digest(20_000))


def headless(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:100] = bytes(100)
    path.write_bytes(data)


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)


def cut_within_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 5000)


def flipped_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 64] = bytes(byte ^ 0xFF for byte in data[start : start + 64])
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [emptied, removed], ids=lambda d: d.__name__)
def test_a_log_without_its_file_is_set_aside(path: Path, damage: Callable[[Path], None]) -> None:
    written(path, power_cut=True)
    damage(path)
    log = path.with_name("journal.db-wal").read_bytes()
    with opened(path) as journal:
        assert journal.set_aside is not None
        assert journal.set_aside.with_name(journal.set_aside.name + "-wal").read_bytes() == log
        assert journal.append(checkin(1)) == 1


@pytest.mark.parametrize(
    "damage", [garbage, headless, truncated, cut_within_a_page, flipped_pages], ids=lambda d: d.__name__
)
def test_a_damaged_file_is_set_aside_at_the_start(path: Path, damage: Callable[[Path], None]) -> None:
    written(path)
    damage(path)
    content = path.read_bytes()
    with opened(path) as journal:
        aside = journal.set_aside
        assert aside is not None
        assert aside.name.startswith("journal.db.corrupt-")
        assert aside.read_bytes() == content
        assert journal.append(checkin(1)) == 1
        assert journal.unsent() == 1
    with opened(path) as journal:
        assert journal.set_aside is None
        assert journal.unsent() == 1


def test_a_damaged_page_that_is_in_the_log_as_well_is_healed(path: Path) -> None:
    written(path, power_cut=True)
    headless(path)
    with opened(path) as journal:
        assert journal.set_aside is None
        assert journal.unsent() == COUNT


def test_an_empty_file_is_a_new_journal(path: Path) -> None:
    path.touch()
    with opened(path) as journal:
        assert journal.set_aside is None
        assert journal.append(checkin(1)) == 1


def test_each_time_it_is_another_epoch_and_another_name(path: Path) -> None:
    epochs, names = set(), set()
    for _ in range(4):
        with opened(path) as journal:
            names.add(journal.set_aside)
        epochs.add(epoch_of(path))
        garbage(path)
    assert len(epochs) == len(names) == 4
    assert len(list(path.parent.glob("journal.db.corrupt-*"))) == 3


def test_damage_found_while_running_sets_aside_and_records_in_a_new_one(path: Path) -> None:
    written(path)
    with opened(path) as journal:
        journal.checkpoint()
        journal.close()
        headless(path)
        assert journal.append(checkin(999)) == 1
        assert journal.set_aside is not None
        assert journal.unsent() == 1


def test_a_disk_that_damages_everything_is_an_error_not_a_loop(path: Path) -> None:
    def broken(path: Path) -> None:
        path.write_bytes(b"nonsense" * 1000)

    with pytest.raises(JournalError, match="replace its disk"):
        Journal.open(path, migrate=broken)


def test_a_meta_row_that_is_gone_is_damage(path: Path) -> None:
    with opened(path) as journal, JournalReader(path) as reader:
        other = sqlite3.connect(path)
        other.execute("DELETE FROM meta")
        other.commit()
        other.close()
        assert reader.batch(1) is None
        assert reader.damaged
        assert journal.append(checkin(1)) == 1
        assert journal.set_aside is not None


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM checkin WHERE seq = 2",
        "UPDATE checkin SET verdict = 'perhaps' WHERE seq = 2",
        "UPDATE checkin SET id = x'00' WHERE seq = 2",
        "UPDATE checkin SET details = x'' WHERE seq = 2",
        "UPDATE checkin SET about = x'00' WHERE seq = 2",
        "UPDATE checkin SET clock = 'sundial' WHERE seq = 2",
        "UPDATE meta SET acked_hash = x'00'",
        "UPDATE checkin SET lane = CAST(x'ff' AS TEXT) WHERE seq = 2",
    ],
)
def test_rows_that_cannot_be_sent_are_marked_by_the_uplink_and_set_aside_by_the_gate(path: Path, damage: str) -> None:
    with opened(path) as journal, JournalReader(path) as reader:
        for number in (1, 2, 3):
            journal.append(checkin(number))
        other = sqlite3.connect(path)
        other.execute(damage)
        other.commit()
        other.close()
        assert not journal.heed_mark()
        assert reader.batch(3) is None
        assert reader.damaged
        assert reader.batch(3) is None
        assert not reader.acknowledge(bytes(8), 3, bytes(32))
        assert journal.heed_mark()
        assert journal.set_aside is not None
        assert not journal.heed_mark()
        assert journal.append(checkin(4)) == 1
        unsent = reader.batch(3)
        assert unsent is not None
        assert unsent.rows == rows(4)
        assert not reader.damaged


def test_damage_on_the_disk_is_marked_by_the_uplink(path: Path) -> None:
    written(path)
    with opened(path):
        pass
    flipped_pages(path)
    with JournalReader(path) as reader:
        assert reader.batch(3) is None
        assert reader.damaged
    with opened(path) as journal:
        assert journal.set_aside is not None


def test_a_mark_left_from_before_is_taken_away(path: Path) -> None:
    with opened(path) as journal:
        journal.append(checkin(1))
        write_mark(path, Mark(inode=1, cause="an old one"))
        assert not journal.heed_mark()
        assert read_mark(path) is None
        for none in (b"no mark at all", b'{"inode":1,"cause":"\xff"}'):
            path.with_name("journal.db.suspect").write_bytes(none)
            assert not journal.heed_mark()
        assert journal.unsent() == 1


def test_the_uplink_waits_for_a_journal_that_is_not_there_or_not_ready(path: Path) -> None:
    with JournalReader(path) as reader:
        assert reader.batch(1) is None
        assert reader.unsent() == 0
        path.touch()
        assert reader.batch(1) is None
        assert not reader.damaged
        with opened(path) as journal:
            journal.append(checkin(1))
            assert reader.unsent() == 1


def test_the_uplink_that_closes_a_file_set_aside_leaves_the_new_ones_log_alone(path: Path) -> None:
    with opened(path) as journal, JournalReader(path) as reader:
        journal.append(checkin(1))
        assert reader.unsent() == 1
        inode = path.stat().st_ino
        write_mark(path, Mark(inode, "a test"))
        assert journal.heed_mark()
        assert [journal.append(checkin(number)) for number in (2, 3)] == [1, 2]
        assert reader.unsent() == 2  # here it closes the old one
        assert journal.set_aside is not None
        assert epoch_of(journal.set_aside) != epoch_of(path)
    with opened(path) as journal:
        assert journal.unsent() == 2
