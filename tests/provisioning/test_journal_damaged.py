"""Damaged journals on sticks: whatever can still be read goes out, and what cannot is told."""

import os
from pathlib import Path

import pytest

from firmware.checkin import from_row
from firmware.export import check_export
from tests.firmware.journals import epoch_of
from tests.pki import Pki
from tests.provisioning.journal_site import Site, answer, events

PKI = Pki.shared()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root", tmp_path / "stick").make()


def test_a_journal_that_was_set_aside_is_exported_as_far_as_it_can_be_read(site: Site) -> None:
    checkins = site.record(*range(1, 601))
    epoch = epoch_of(site.journal)
    damage(site.journal)
    site.record(1)
    assert site.run("status").results[-1]["event"] == "set-aside"
    done = site.export()
    assert done.code == 0, done.err
    (name,) = [name for name in site.files() if epoch.hex() in name]
    salvaged = [
        (seq, from_row(row)) for batch, _ in site.unsealed(name) for seq, row in enumerate(batch.rows, batch.first_seq)
    ]
    assert 300 < len(salvaged) < 600
    assert all(one == checkins[seq - 1] for seq, one in salvaged)
    answer(site)
    assert "set-aside-acknowledged" in events(site)
    assert [name for name in site.files() if epoch.hex() in name] == []


def damage(path: Path) -> None:
    """Overwrite a page amid the check-ins."""
    data = bytearray(path.read_bytes())
    page = 4096
    middle = len(data) // page // 2 * page
    data[middle : middle + page] = b"\xff" * page
    path.write_bytes(data)


def test_a_damaged_journal_in_use_is_exported_as_far_as_it_can_be_read(site: Site) -> None:
    site.record(*range(1, 601))
    damage(site.journal)
    before = site.journal.read_bytes()
    done = site.run("verify")
    assert (done.code, done.result["code"]) == (1, "damaged")
    assert site.journal.read_bytes() == before
    assert site.export().code == 0
    (name,) = site.files()
    assert check_export((site.stick / name).read_bytes(), PKI.authority).records > 300


def test_one_of_which_nothing_can_be_read_is_told(site: Site) -> None:
    site.record(1)
    site.journal.with_name("journal.db.corrupt-20260701T000000Z").write_bytes(os.urandom(5000))
    done = site.export()
    assert done.code == 0
    assert "nothing can be read" in done.err


def test_a_journal_in_use_of_which_nothing_can_be_read_is_no_success(site: Site) -> None:
    site.record(1)
    epoch = epoch_of(site.journal)
    site.journal.rename(site.journal.with_name("journal.db.corrupt-20260701T000000Z"))
    site.journal.write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    done = site.export()
    assert (done.code, done.results[-1]["code"]) == (65, "damaged")
    assert site.files() == [f"greengate-gate-1-{epoch.hex()}-1-1.journal"]  # the others go out all the same


def test_one_set_aside_without_room_for_its_copy_keeps_no_other_back(site: Site) -> None:
    site.record(1)
    aside = site.journal.with_name("journal.db.corrupt-20260701T000000Z")
    with aside.open("wb") as file:
        file.truncate(1 << 43)
    os.mkfifo(f"{aside}-a-pipe")
    done = site.export()
    assert (done.code, len(site.files())) == (75, 1)
    assert "no room" in done.err
