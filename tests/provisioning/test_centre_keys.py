"""The centre's keys that a device seals to: how they come later, change, and are refused."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.config import load_config
from provisioning.identity import renew as renew_command
from provisioning.layout import Layout
from tests.provisioning.command import EVERY, Done, greengate, stopped_at
from tests.provisioning.fake_centre import Authority, FakeCentre, serving
from tests.provisioning.fake_units import FakeUnits
from tests.provisioning.kiosk import SETTINGS, enrol, identity, trust_folder


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[FakeCentre]:
    (tmp_path / "centre").mkdir()
    with serving(FakeCentre(tmp_path / "centre", settings=dict(SETTINGS))) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path, centre: FakeCentre) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    assert enrol(folder, centre, "--trust", trust_folder(tmp_path / "stick", centre.authority.at)).code == 0
    centre.asked.clear()
    return folder


@pytest.fixture
def old(root: Path) -> Path:
    """Give a machine that was enrolled before there were keys to seal to."""
    keys_of(root).unlink()
    return root


def keys_of(root: Path) -> Path:
    return identity(root) / "current/centre.pem"


def daily(root: Path, *more: str) -> Done:
    return greengate("renew", "--if-due", "--root", root, "--lang", "en", *more)


def test_an_identity_from_before_is_whole_and_gets_them_by_itself(old: Path, centre: FakeCentre) -> None:
    files = load_config(old / "etc/greengate/greengate.toml").centre_files
    assert files.keys == Path("/var/lib/greengate/identity/current/centre.pem")
    done = daily(old)
    assert (done.code, done.err, done.out) == (0, "", "the centre's new keys are here\n")
    assert keys_of(old).read_bytes() == centre.authority.sealing
    assert keys_of(old).stat().st_mode & 0o777 == 0o600
    assert centre.asked == ["/centre.pem"]
    assert (daily(old).code, daily(old).out) == (0, "")


def test_an_identity_from_before_can_be_renewed(old: Path, centre: FakeCentre) -> None:
    centre.knows_sealing = False
    done = greengate("renew", "--root", old, "--lang", "en")
    assert done.code == 65
    assert centre.asked == ["/v1/renew", "/centre.pem"]
    assert sorted(path.name for path in identity(old).iterdir()) == ["0002", "current"], "renewed all the same"
    centre.knows_sealing = True
    assert greengate("renew", "--root", old).code == 0
    assert keys_of(old).read_bytes() == centre.authority.sealing


def test_what_the_centre_rotates_the_device_takes(root: Path, centre: FakeCentre) -> None:
    centre.authority.sealing = centre.authority.new_sealing()
    assert daily(root, "--dry-run").code == 0
    assert keys_of(root).read_bytes() != centre.authority.sealing
    assert daily(root).code == 0
    assert keys_of(root).read_bytes() == centre.authority.sealing


@pytest.mark.parametrize("fault", ["another authority's", "one missing", "none", "a device's"])
def test_keys_that_are_not_the_centres_are_refused_and_those_before_stay(
    root: Path, centre: FakeCentre, fault: str
) -> None:
    before, authority = keys_of(root).read_bytes(), centre.authority
    bad = {
        "another authority's": Authority().sealing,
        "one missing": authority.new_sealing("details"),
        "none": b"nothing",
        "a device's": authority.sign(authority.key.public_key(), "seal.batches") + authority.new_sealing("details"),
    }
    authority.sealing = bad[fault]
    done = daily(root)
    assert (done.code, len(done.err.splitlines())) == (65, 1)
    assert keys_of(root).read_bytes() == before


def test_a_centre_that_is_away_is_no_fault_of_a_device_that_has_keys(root: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    assert (daily(root).code, daily(root).err) == (0, "")
    keys_of(root).unlink()
    assert daily(root).code == 75


def test_who_was_enrolled_by_stick_and_has_keys_is_left_alone(root: Path) -> None:
    origin = identity(root) / "current/centre.json"
    origin.write_text(origin.read_text().replace('"centre":"https', '"centre":"none'))
    assert (daily(root).code, daily(root).err) == (0, "")
    keys_of(root).unlink()
    done = daily(root)
    assert (done.code, "no centre's address is known" in done.err) == (65, True)


def test_stopped_anywhere_the_keys_are_whole_or_those_before(root: Path, centre: FakeCentre) -> None:
    before = keys_of(root).read_bytes()
    centre.authority.sealing = centre.authority.new_sealing()
    for nth in range(0, 100, EVERY):
        with stopped_at(nth):
            done = daily(root)
        assert keys_of(root).read_bytes() in {before, centre.authority.sealing}
        if done.code == 0:
            break
        assert done.code == 130
    assert daily(root).code == 0
    assert keys_of(root).read_bytes() == centre.authority.sealing


@pytest.mark.parametrize(
    ("details", "told"), [("", ("greengate-uplink",)), ('["name"]', ("greengate-uplink", "greengate-gate"))]
)
def test_who_seals_with_them_starts_anew(
    root: Path, centre: FakeCentre, monkeypatch: pytest.MonkeyPatch, details: str, told: tuple[str, ...]
) -> None:
    if details:
        with (root / "etc/greengate/greengate.toml").open("a") as config:
            config.write(f"\n[profile]\ndetails = {details}\n")
    units = FakeUnits()
    monkeypatch.setattr(renew_command, "Systemd", lambda: units)
    monkeypatch.setattr(Layout, "here", property(lambda _layout: True))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    centre.authority.sealing = centre.authority.new_sealing()
    assert daily(root).code == 0
    assert units.told == [("restart", *told)]
    units.told.clear()
    assert daily(root).code == 0
    assert units.told == []
