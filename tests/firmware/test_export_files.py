"""Exports of a journal that others use meanwhile, and of one that is damaged."""

import os
import sqlite3
from pathlib import Path

import pytest

from firmware import export
from firmware.checkin import to_row
from firmware.export import check_export, parse_export_name, read_export
from firmware.export_files import Keys, apply_ack, export_present, holds, unsent
from firmware.journal_base import JournalError
from firmware.journal_reader import JournalReader
from firmware.journal_snapshot import salvage, set_aside, snapshot
from firmware.wire import MAX_RECORDS, Ack, Batch, digest_of
from tests.firmware.checkins import checkin, longest
from tests.firmware.journals import COUNT, epoch_of, opened, written
from tests.pki import Pki

PKI = Pki.shared()
KEYS = Keys(PKI.signer("gate-1"), PKI.recipient(), PKI.authority)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def acknowledge_all(path: Path) -> None:
    with JournalReader(path) as uplink:
        while waiting := uplink.batch(MAX_RECORDS):
            digest = digest_of(Batch("gate-1", *waiting))
            assert uplink.acknowledge(waiting.epoch, waiting.first_seq + len(waiting.rows) - 1, digest)


def test_what_the_uplink_and_the_gate_do_meanwhile_is_not_seen(path: Path) -> None:
    with opened(path) as journal:
        for number in range(1, 2 * MAX_RECORDS + 2):
            journal.append(checkin(number))

        def meanwhile(_: int) -> None:
            acknowledge_all(path)
            journal.append(checkin(9999))

        exported = export_present(KEYS, path, meanwhile)
    assert exported is not None
    (file,) = exported.files
    batches = [arrived.header for arrived in read_export(file.data, KEYS.authority)]
    assert [one.first_seq for one in batches] == [1, MAX_RECORDS + 1, 2 * MAX_RECORDS + 1]
    assert file.records == exported.records == 2 * MAX_RECORDS + 1


def test_what_the_uplink_sends_and_what_is_exported_are_the_same_batches(path: Path) -> None:
    written(path)
    with JournalReader(path) as uplink:
        waiting = uplink.batch(MAX_RECORDS)
    assert waiting is not None
    exported = export_present(KEYS, path, lambda _: None)
    assert exported is not None
    assert exported.batches == {(COUNT, digest_of(Batch("gate-1", *waiting)))}


def test_more_than_a_file_holds_goes_into_several(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as journal:
        for number in range(1, MAX_RECORDS * 3 + 1):
            journal.append(longest(number))
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", 200_000)
    exported = export_present(KEYS, path, lambda _: None)
    assert exported is not None
    assert len(exported.files) > 1
    found = [check_export(file.data, KEYS.authority) for file in exported.files]
    assert [one.first_seq for one in found][1:] == [one.last_seq + 1 for one in found][:-1]
    assert sum(one.records for one in found) == MAX_RECORDS * 3
    names = [parse_export_name(file.name) for file in exported.files]
    assert [(name.first_seq, name.last_seq) for name in names if name] == [
        (one.first_seq, one.last_seq) for one in found
    ]


def test_the_same_checkins_are_the_same_file_whatever_its_bytes(path: Path) -> None:
    written(path)
    first, again = (export_present(KEYS, path, lambda _: None) for _ in range(2))
    assert first is not None
    assert again is not None
    (file,), (same,) = first.files, again.files
    assert file.data != same.data
    assert holds(file.data, same, KEYS)
    assert not holds(file.data, same, KEYS._replace(recipient=Pki().recipient()))  # the centre has another key now
    assert not holds(file.data, same, KEYS._replace(authority=Pki().authority))
    assert not holds(file.data, same._replace(digests=(*same.digests, bytes(32))), KEYS)
    assert not holds(file.data[:-1], same, KEYS)


def test_an_acknowledgement_is_applied_once_and_only_where_it_fits(path: Path) -> None:
    written(path)
    epoch = epoch_of(path)
    exported = export_present(KEYS, path, lambda _: None)
    assert exported is not None
    ((last, digest),) = exported.batches
    with JournalReader(path) as reader:
        for wrong in (
            Ack("gate-2", epoch, last, digest),
            Ack("gate-1", bytes(8), last, digest),
            Ack("gate-1", epoch, last - 1, digest),
            Ack("gate-1", epoch, last + 1, digest),
            Ack("gate-1", epoch, last, bytes(32)),
        ):
            assert apply_ack("gate-1", reader, wrong) is None
        assert reader.unsent() == COUNT
        assert apply_ack("gate-1", reader, Ack("gate-1", epoch, last, digest)) == COUNT
        assert reader.unsent() == 0
    with opened(path) as journal:
        journal.append(checkin(1))
    with JournalReader(path) as reader:
        assert apply_ack("gate-1", reader, Ack("gate-1", epoch, last, digest)) == 0


@pytest.mark.parametrize("power_cut", [False, True])
def test_all_of_a_sound_file_is_salvaged_its_log_too(path: Path, *, power_cut: bool) -> None:
    written(path, power_cut=power_cut)
    aside = path.with_name("journal.db.corrupt-20260701T000000Z")
    path.rename(aside)
    if power_cut:
        Path(f"{path}-wal").rename(f"{aside}-wal")
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    found = salvage(aside)
    assert found is not None
    assert sum(len(run.rows) for run in found.runs) == COUNT
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
    assert (set_aside(path), unsent(path)) == ([aside], COUNT)


def test_whatever_page_is_damaged_what_is_salvaged_is_genuine(path: Path) -> None:
    written(path)
    whole = path.read_bytes()
    for page in range(len(whole) // 4096):
        damaged = bytearray(whole)
        damaged[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
        path.write_bytes(bytes(damaged))
        found = salvage(path)
        for run in found.runs if found else []:
            for seq, row in enumerate(run.rows, run.first_seq):
                assert row == to_row(checkin(seq))
        assert unsent(path) <= COUNT


def test_nothing_there_is_nothing_unsent(path: Path) -> None:
    assert export_present(KEYS, path, lambda _: None) is None
    assert (unsent(path), set_aside(path)) == (0, [])
    assert set_aside(path.parent / "none" / "journal.db") == []
    path.touch()
    assert unsent(path) == 0
    with pytest.raises(JournalError):
        salvage(path.with_name("none"))


def test_another_programs_or_a_newer_database_is_no_journal(path: Path) -> None:
    written(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="update"), snapshot(path):
        pass
    db.execute("PRAGMA user_version=0")
    with pytest.raises(JournalError, match="start the gate"), snapshot(path):
        pass
    db.execute("PRAGMA application_id=1")
    db.close()
    with pytest.raises(JournalError, match="no journal"), snapshot(path):
        pass
