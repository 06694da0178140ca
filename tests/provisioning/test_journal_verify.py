"""`greengate journal verify`: the journal and exported ones checked, and nothing changed."""

import os
import sqlite3
from pathlib import Path

import pytest

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
