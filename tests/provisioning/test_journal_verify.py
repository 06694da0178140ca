"""`greengate journal verify`: the journal and exported ones checked, and nothing changed."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from tests.pki import Pki
from tests.provisioning.journal_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root", tmp_path / "stick").make()


def test_verify_changes_nothing(site: Site) -> None:
    assert site.run("verify").result["event"] == "no-journal"
    site.record(1, 2)
    before = {file.name: file.read_bytes() for file in site.journal.parent.iterdir()}
    assert site.run("verify").result["unsent"] == 2
    assert {file.name: file.read_bytes() for file in site.journal.parent.iterdir()}["journal.db"] == before[
        "journal.db"
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM checkin WHERE seq = 2",
        "UPDATE checkin SET lane = '' WHERE seq = 2",
        "UPDATE meta SET epoch = x'00'",
        "DELETE FROM meta",
    ],
)
def test_verify_finds_what_no_journal_has(site: Site, statement: str) -> None:
    site.record(1, 2, 3)
    db = sqlite3.connect(site.journal, isolation_level=None)
    db.execute(statement)
    db.close()
    assert site.run("verify").code == 1


def test_verify_waits_for_no_pipe_and_follows_no_link(site: Site, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(site.root / "etc/greengate/greengate.toml")
    for name in ("pipe", "link"):
        done = site.run("verify", tmp_path / name)
        assert (done.code, done.result["code"]) == (65, "file-unreadable")


def test_verify_of_an_exported_file(site: Site, tmp_path: Path) -> None:
    site.record(1, 2)
    site.export()
    whole = site.stick / site.files()[0]
    assert site.run("verify", whole).result["n"] == 2
    data = whole.read_bytes()
    other = tmp_path / "other"
    for code, content in {
        1: data[:-1],
        65: b"PK" + data,
        69: b"GGJRNL2\n" + data[8:],
    }.items():
        other.write_bytes(content)
        done = site.run("verify", other)
        assert (done.code, len(done.err.splitlines())) == (code, 1)
    assert site.run("verify", tmp_path / "none").code == 66


def test_verify_knows_who_signed_an_exported_file(site: Site, tmp_path: Path) -> None:
    strangers = Site(tmp_path / "strangers", site.stick).make(Pki())
    strangers.record(1)
    strangers.export()
    (theirs,) = site.files()
    done = site.run("verify", site.stick / theirs)
    assert (done.code, done.result["code"], len(done.err.splitlines())) == (1, "file-untrusted", 1)
    (site.stick / theirs).unlink()
    other = Site(tmp_path / "other", site.stick, "gate-2").make()
    other.record(1)
    other.export()
    (file,) = site.files()
    assert site.run("verify", site.stick / file).result["device"] == "gate-2"
    (site.identity / "ca.pem").unlink()
    done = site.run("verify", site.stick / file)
    assert (done.code, done.result["code"]) == (69, "not-enrolled")
    assert site.run("verify").code == 0


def test_verify_by_somebody_who_may_not_read_the_keys(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.record(1)
    site.export()
    (file,) = site.files()
    stat = Path.stat

    def closed(path: Path, **options: bool) -> os.stat_result:
        if path.name == "ca.pem":
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", closed)
    done = site.run("verify", site.stick / file)
    assert (done.code, "Permission denied" in done.err) == (77, True)
