"""A stick between a device and its centre: out, in, back; each check-in once, and then no more on the device."""

from pathlib import Path

from typer.testing import CliRunner

from centre.authority.ca import Authority
from centre.collecting.sqlite_store import SqliteStore
from centre.devices.registry import Device, Registry
from centre.main import app
from tests.firmware.checkins import START
from tests.firmware.journals import recorded
from tests.provisioning.journal_site import Site


def centre_import(home: Path, stick: Path) -> int:
    line = ["import", "--home", home, "--store", home / "centre.db", stick]
    return CliRunner().invoke(app, [str(part) for part in line], catch_exceptions=False).exit_code


def test_a_stick_goes_to_the_centre_and_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Authority.init(home, START)
    site = Site(tmp_path / "root", tmp_path / "stick").make()
    checkins = site.record(*range(1, 1001))
    assert site.export().code == 0
    assert centre_import(home, site.stick) == 67
    with Registry.open(home) as registry:
        registry.put_device(Device("gate-1", None, None, None, START))
    for _ in range(2):
        assert centre_import(home, site.stick) == 0
    (late,) = site.record(1001)
    assert site.export().code == 0
    assert recorded(site.journal) == [late]
    assert centre_import(home, site.stick) == 0
    assert site.export().code == 0
    assert (recorded(site.journal), list(site.stick.iterdir())) == ([], [])
    with SqliteStore(home / "centre.db") as store:
        assert [entry.checkin for entry in store.entries(limit=2000)] == [*checkins, late]
        assert all(account.sound for account in store.accounts())
