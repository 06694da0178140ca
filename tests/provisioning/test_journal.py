"""`greengate journal`: what is unsent goes to a stick, and what the centre has answered leaves the journal."""

import errno
import sqlite3
from pathlib import Path

import pytest

from drivers.stick.folder import FolderStick
from firmware.checkin import from_row
from firmware.journal_reader import JournalReader
from firmware.service_state import begin
from firmware.wire import MAX_RECORDS, Batch, digest_of
from tests.firmware.checkins import START
from tests.firmware.journals import epoch_of, recorded
from tests.provisioning.command import greengate
from tests.provisioning.journal_site import Site, answer, events


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root", tmp_path / "stick").make()


def test_what_is_unsent_goes_to_the_stick(site: Site) -> None:
    checkins = site.record(*range(1, MAX_RECORDS + 51))
    done = site.export()
    epoch = epoch_of(site.journal).hex()
    name = f"greengate-gate-1-{epoch}-1-{MAX_RECORDS + 50}.journal"
    assert (done.code, site.files()) == (0, [name])
    assert done.results[0] == {"event": "exported", "file": name, "n": MAX_RECORDS + 50}
    assert [from_row(row) for batch, _ in site.unsealed(name) for row in batch.rows] == checkins
    assert recorded(site.journal)[0] == checkins[0]


def test_the_same_again_is_the_same_file_until_there_is_more(site: Site) -> None:
    site.record(1, 2)
    site.export()
    (name,) = site.files()
    before = (site.stick / name).stat()
    assert events(site) == ["exported", "take-to-centre"]
    assert (site.stick / name).stat().st_mtime_ns == before.st_mtime_ns
    site.record(3)
    assert events(site) == ["exported", "removed", "take-to-centre"]
    (name,) = site.files()
    assert name.endswith("-1-3.journal")


def test_nothing_unsent_writes_nothing(site: Site) -> None:
    assert events(site) == ["nothing-unsent"]
    site.record(1)
    site.export()
    answer(site)
    assert events(site) == ["acknowledged", "removed", "removed", "nothing-unsent"]
    assert (site.files(), site.files(".ack"), recorded(site.journal)) == ([], [], [])
    assert events(site) == ["nothing-unsent"]


def test_an_answer_deletes_what_it_covers_and_the_rest_is_exported(site: Site) -> None:
    site.record(1, 2)
    site.export()
    answer(site)
    (third,) = site.record(3)
    assert events(site) == ["acknowledged", "removed", "removed", "exported", "take-to-centre"]
    assert recorded(site.journal) == [third]
    (name,) = site.files()
    (arrived,) = site.unsealed(name)
    assert arrived.batch.first_seq == 3
    assert arrived.batch.previous != bytes(32)


def test_what_is_acknowledged_stays_for_the_configured_hours(site: Site) -> None:
    config = site.root / "etc/greengate/greengate.toml"
    config.write_text(config.read_text().replace("[journal]\n", "[journal]\nacknowledged_hours = 24\n"))
    site.record(1, 2)
    site.export()
    answer(site)
    assert events(site) == ["acknowledged", "removed", "removed", "nothing-unsent"]
    db = sqlite3.connect(site.journal)
    assert db.execute("SELECT count(*) FROM checkin").fetchone() == (2,)
    db.close()


def test_the_uplink_may_be_ahead_of_the_stick(site: Site) -> None:
    site.record(*range(1, MAX_RECORDS + 11))
    site.export()
    answer(site)
    with JournalReader(site.journal) as uplink:
        unsent = uplink.batch(MAX_RECORDS)
        assert unsent is not None
        digest = digest_of(Batch("gate-1", unsent.epoch, 1, unsent.rows, unsent.previous))
        assert uplink.acknowledge(unsent.epoch, MAX_RECORDS, digest)
    assert "acknowledged" in events(site)
    assert recorded(site.journal) == []


def test_other_files_on_the_stick_are_left_alone(site: Site) -> None:
    other = Site(site.root.parent / "other", site.stick, "gate-2").make()
    other.record(1)
    other.export()
    (site.stick / "photo.jpg").write_bytes(b"mine")
    site.record(1)
    site.export()
    answer(site)
    site.export()
    assert [name for name in site.files() if "gate-2" in name] == site.files()
    assert (site.stick / "photo.jpg").exists()


def test_names_in_large_letters_are_the_same_names(site: Site) -> None:
    site.record(1, 2)
    site.export()
    for path in (answer(site), site.stick / site.files()[0]):
        path.rename(site.stick / path.name.upper())
    assert events(site) == ["acknowledged", "removed", "removed", "nothing-unsent"]
    assert list(site.stick.iterdir()) == []


def test_status_counts(site: Site) -> None:
    assert site.run("status").result["event"] == "no-journal"
    site.record(1, 2)
    state, oldest = site.run("status").results
    assert (state["unsent"], state["sent"], state["device"]) == (2, 0, "gate-1")
    assert oldest["at"] == "2026-07-01T08:00:01+00:00"


def test_a_full_stick_is_one_line_and_its_exit_code(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.record(1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderStick, "_put", full)
    done = site.export()
    assert (done.code, len(done.err.splitlines()), site.files()) == (73, 1, [])
    assert "full" in done.err


def test_what_is_wrong_has_its_exit_code(site: Site, tmp_path: Path) -> None:
    site.record(1)
    assert site.run("export", tmp_path / "none").code == 66
    assert site.run("export", site.journal).code == 65
    assert site.run("status", "--config", tmp_path / "none").code == 78
    site.journal.unlink()
    site.journal.write_bytes(b"not a journal" * 1000)
    assert site.run("status").code == 65


def test_on_this_machine_only_in_service_state(tmp_path: Path) -> None:
    config = tmp_path / "greengate.toml"
    site = Site(tmp_path / "root", tmp_path / "stick").make()
    text = (site.root / "etc/greengate/greengate.toml").read_text()
    config.write_text(
        text.replace("/run/greengate", str(tmp_path / "run")).replace("/var/lib/", f"{site.root}/var/lib/")
    )
    site.record(1)
    arguments = ("journal", "export", site.stick, "--config", config, "--dry-run", "--json")
    done = greengate(*arguments, "--lang", "vi")
    assert (done.code, done.result["code"]) == (75, "service-state-needed")
    assert "bảo trì" in done.err
    (tmp_path / "run").mkdir()
    begin(tmp_path / "run" / "service", START)
    done = greengate(*arguments)
    assert (done.code, [one["event"] for one in done.results]) == (0, ["would-export", "dry-run"])
    assert site.files() == []
