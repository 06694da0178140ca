"""A stick between a device and its centre: out, in, back; each check-in once, and then no more on the device."""

from pathlib import Path

from centre.collecting.store import open_store
from centre.devices.registry import Device, Registry
from tests.centre.importing_site import NOW, Centre, Home
from tests.firmware.journals import recorded
from tests.provisioning.journal_site import Site


def test_a_stick_goes_to_the_centre_and_back(tmp_path: Path) -> None:
    site = Site(tmp_path / "root", tmp_path / "stick", "gate-7").make()
    home = Home(tmp_path / "home")
    home.identity(site.identity, "gate-7")
    centre = Centre(home, site.stick, str(tmp_path / "centre.db"))
    checkins = site.record(*range(1, 1001))
    assert site.export().code == 0
    assert centre.run().code == 67
    with Registry.open(home.folder) as registry:
        registry.put_device(Device("gate-7", None, None, None, NOW))
    for _ in range(2):
        assert centre.run().code == 0
    (late,) = site.record(1001)
    assert site.export().code == 0
    assert recorded(site.journal) == [late]
    assert centre.run().code == 0
    assert site.export().code == 0
    assert (recorded(site.journal), list(site.stick.iterdir())) == ([], [])
    with open_store(centre.store) as store:
        assert [entry.checkin for entry in store.entries(limit=2000)] == [*checkins, late]
        assert all(account.sound for account in store.accounts())
