"""`greengate journal`: what is unsent goes to a stick, and only what this journal reproduces is deleted from it."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.stick.folder import FolderStick
from firmware.export import ack_name, check_export, decode_acks, encode_acks, read_export
from firmware.journal_reader import JournalReader
from firmware.service_state import begin
from firmware.wire import MAX_RECORDS, Ack, Batch, encode_batch
from provisioning import journal_stick
from tests.firmware.checkins import START
from tests.firmware.journals import epoch_of, recorded
from tests.provisioning.command import greengate
from tests.provisioning.journal_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root", tmp_path / "stick").make()


def answer(site: Site, *, up_to: int | None = None) -> Path:
    """Answer every export on the stick as the centre does."""
    for name in site.files():
        acks = [
            Ack(batch.device, batch.epoch, batch.last_seq, digest)
            for batch, digest in read_export((site.stick / name).read_bytes(), allow_unsigned=True)
            if up_to is None or batch.last_seq <= up_to
        ]
        path = site.stick / ack_name(acks[-1].device, acks[-1].epoch, acks[-1].up_to)
        path.write_bytes(encode_acks(acks))
    return path


def events(site: Site) -> list[str]:
    done = site.export()
    assert done.code == 0, done.err
    return [result["event"] for result in done.results]


def test_what_is_unsent_goes_to_the_stick(site: Site) -> None:
    checkins = site.record(*range(1, MAX_RECORDS + 51))
    done = site.export()
    epoch = epoch_of(site.journal).hex()
    name = f"greengate-gate-1-{epoch}-1-{MAX_RECORDS + 50}.journal"
    assert (done.code, site.files()) == (0, [name])
    assert done.results[0] == {"event": "exported", "file": name, "n": MAX_RECORDS + 50}
    arrived = list(read_export((site.stick / name).read_bytes(), allow_unsigned=True))
    assert [one for batch, _ in arrived for one in batch.records] == checkins
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
    (arrived,) = read_export((site.stick / name).read_bytes(), allow_unsigned=True)
    assert arrived.batch.first_seq == 3
    assert arrived.batch.previous != bytes(32)


def test_the_uplink_may_be_ahead_of_the_stick(site: Site) -> None:
    site.record(*range(1, MAX_RECORDS + 11))
    site.export()
    answer(site)
    with JournalReader(site.journal) as uplink:
        unsent = uplink.batch(MAX_RECORDS)
        assert unsent is not None
        digest = encode_batch(Batch("gate-1", unsent.epoch, 1, unsent.records, unsent.previous)).digest
        assert uplink.acknowledge(unsent.epoch, MAX_RECORDS, digest)
    assert "acknowledged" in events(site)
    assert recorded(site.journal) == []


def test_an_answer_that_the_journal_does_not_reproduce_deletes_nothing(site: Site) -> None:
    site.record(1, 2)
    site.export()
    path = answer(site)
    (ack,) = decode_acks(path.read_bytes(), allow_unsigned=True)
    forged = {
        "ack-does-not-fit": [replace(ack, digest=bytes(32))],
        "ack-of-another-device": [replace(ack, device="gate-2")],
        "ack-of-another-journal": [replace(ack, epoch=bytes(8))],
    }
    for event, acks in forged.items():
        path.write_bytes(encode_acks(acks))
        done = site.export()
        said = [result["event"] for result in done.results]
        assert event in said or event.split("-")[-1] in done.err, event
        assert (done.code, len(recorded(site.journal)), path.exists()) == (0, 2, True)
    for up_to in (1, 3, 2**63 - 1):
        path.write_bytes(encode_acks([replace(ack, up_to=up_to)]))
        site.export()
        assert len(recorded(site.journal)) == 2
    path.write_bytes(b"GGACK1\n\0" + os.urandom(100))
    done = site.export()
    assert (done.code, len(recorded(site.journal))) == (0, 2)
    assert "left alone" in done.err


def test_what_was_blanked_meanwhile_is_sent_again(site: Site) -> None:
    site.record(1, 2)
    site.export()
    answer(site)
    with site.opened() as journal:
        assert journal.blank_before(2**47) == 2
    assert "acknowledged" not in events(site)
    assert len(recorded(site.journal)) == 2


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
        (seq, one)
        for batch, _ in read_export((site.stick / name).read_bytes(), allow_unsigned=True)
        for seq, one in enumerate(batch.records, batch.first_seq)
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
    assert check_export((site.stick / name).read_bytes(), allow_unsigned=True).records > 300


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


def test_very_many_answers_that_do_not_fit_cost_no_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.record(1, 2)
    site.export()
    path = answer(site)
    (ack,) = decode_acks(path.read_bytes(), allow_unsigned=True)
    path.write_bytes(encode_acks([replace(ack, digest=bytes([one]) * 32) for one in range(200)]))
    asked: list[object] = []
    monkeypatch.setattr(journal_stick, "apply_ack", lambda *given: asked.append(given))
    done = site.export()
    assert (len(asked), len(recorded(site.journal))) == (1, 2)
    assert "200" in done.err


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
