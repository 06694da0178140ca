"""A log that is damaged in its middle is told from one that a power cut tore."""

import os
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.journal_reader import JournalReader
from firmware.journal_wal import FRAME_HEADER_BYTES, HEADER_BYTES, lost_frames
from tests.firmware.checkins import checkin
from tests.firmware.journals import COUNT, opened, rows, written

FRAME_BYTES = FRAME_HEADER_BYTES + 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    path.write_bytes(data)


@pytest.mark.parametrize("frame", [0, 1, 100, 190])
def test_a_log_damaged_in_its_middle_is_set_aside(path: Path, frame: int) -> None:
    written(path, power_cut=True)
    wal = path.with_name("journal.db-wal")
    flip(wal, HEADER_BYTES + frame * FRAME_BYTES + 2000)
    damaged = wal.read_bytes()
    with opened(path) as journal:
        assert journal.set_aside is not None
        assert journal.set_aside.with_name(journal.set_aside.name + "-wal").read_bytes() == damaged
        assert journal.append(checkin(1)) == 1


@pytest.mark.parametrize("at", [0, 5, 20, 30])
def test_a_log_with_a_damaged_header_is_set_aside(path: Path, at: int) -> None:
    written(path, power_cut=True)
    flip(path.with_name("journal.db-wal"), at)
    with opened(path) as journal:
        assert journal.set_aside is not None


def test_a_flipped_byte_anywhere_in_the_log_never_drops_anything_silently(path: Path) -> None:
    written(path, power_cut=True)
    wal = path.with_name("journal.db-wal")
    whole = {file: file.read_bytes() for file in (path, wal)}
    for at in range(3, len(whole[wal]) - 1, len(whole[wal]) // 97):
        for file, content in whole.items():
            file.write_bytes(content)
        flip(wal, at)
        with opened(path) as journal:
            # what is left of a log that was begun anew is not read; the last transaction may be a torn one
            assert journal.set_aside is not None or journal.unsent() >= COUNT - 1, at
        for file in path.parent.iterdir():
            file.unlink()


def test_a_power_cut_at_any_length_of_the_log_leaves_what_was_synced(path: Path) -> None:
    written(path, power_cut=True)
    wal = path.with_name("journal.db-wal")
    whole = {file: file.read_bytes() for file in (path, wal)}
    before = 0
    for length in range(0, len(whole[wal]), len(whole[wal]) // 53):
        path.write_bytes(whole[path])
        wal.write_bytes(whole[wal][:length])
        with opened(path) as journal, JournalReader(path) as reader:
            assert journal.set_aside is None, length
            assert journal.unsent() >= before
            before = journal.unsent()
            unsent = reader.batch(COUNT)
            assert (unsent.rows if unsent else ()) == rows(*range(1, before + 1))
        for file in path.parent.iterdir():
            file.unlink()
    assert before > COUNT // 2


def test_a_log_torn_in_its_last_transaction_is_none_of_our_business(path: Path) -> None:
    written(path, power_cut=True)
    wal = path.with_name("journal.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - 1000)
    with opened(path) as journal:
        assert journal.set_aside is None
        assert journal.unsent() == COUNT - 1
        assert journal.append(checkin(COUNT)) == COUNT


def test_a_log_of_zeros_or_cut_at_its_start_is_a_torn_one(path: Path) -> None:
    written(path)
    wal = path.with_name("journal.db-wal")
    for content in (bytes(10_000), b"", b"\x37\x7f\x06\x82" * 10):
        wal.write_bytes(content)
        with opened(path) as journal:
            assert journal.set_aside is None
            assert journal.unsent() == COUNT


def test_a_fifo_in_its_place_is_set_aside_and_not_waited_for(path: Path) -> None:
    written(path)
    wal = path.with_name("journal.db-wal")
    wal.unlink(missing_ok=True)
    os.mkfifo(wal)
    with opened(path) as journal:
        assert journal.set_aside is not None
        assert journal.append(checkin(1)) == 1


def test_frames_of_a_killed_writer_are_no_damage(path: Path) -> None:
    written(path, power_cut=True)
    wal = path.with_name("journal.db-wal")
    frames = (wal.stat().st_size - HEADER_BYTES) // FRAME_BYTES
    assert not lost_frames(wal, frames)
    assert not lost_frames(wal, frames - 1)  # whole, only not in the index: it died before
    assert not lost_frames(wal, 0)


def test_frames_left_from_an_earlier_log_are_no_damage(path: Path) -> None:
    with opened(path) as journal:
        for number in range(50):
            journal.append(checkin(number))
        other = sqlite3.connect(path)  # as the uplink does; the gate's own leaves no frames
        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        other.close()
        journal.append(checkin(50))
        copy = path.with_name("copy.db-wal")
        shutil.copy(f"{path}-wal", copy)
    assert copy.stat().st_size > 40 * FRAME_BYTES
    assert not lost_frames(copy, 1)
    assert not lost_frames(copy, 2)


@given(st.binary(max_size=200), st.integers(0, 3))
def test_no_content_of_a_log_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes, valid: int) -> None:
    wal = tmp_path_factory.getbasetemp() / "any-wal"
    wal.write_bytes(struct.pack(">II", 0x377F0682, 3007000) + struct.pack(">I", 512) + content)
    assert lost_frames(wal, valid) in (True, False)
