"""`greengate sync`: newer trust from a folder; what is refused, and what each thing that goes wrong is called."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from firmware.config import Config, load_config
from firmware.trust_folder import load_trust
from provisioning.config_file import render
from tests.firmware.site import make_site
from tests.firmware.trust_repo import NOW
from tests.provisioning.command import Done, greengate
from tests.provisioning.prepared import VALUES
from tests.provisioning.published import PROVINCE, nation, published


class Device:
    """A device without any trust, and a nation that publishes to a stick."""

    def __init__(self, folder: Path) -> None:
        self.config_path = make_site(folder / "site").config_path
        text = self.config_path.read_text("utf-8")
        self.config_path.write_text(text.replace("[trust]", f'[trust]\nprovince = "{PROVINCE}"'), "utf-8")
        self.folder = self.config.trust.folder
        for file in self.folder.iterdir():
            file.unlink()
        self.nation = nation()
        self.stick = published(self.nation, folder / "stick")

    @property
    def config(self) -> Config:
        return load_config(self.config_path)

    def sync(self, *more: str | Path) -> Done:
        return greengate("sync", "--config", self.config_path, "--lang", "en", *more)

    def begin(self) -> Done:
        return self.sync("--from", self.stick, "--first-root", self.stick / "root.json")


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_the_first_one_begins_with_the_nations_root(device: Device) -> None:
    done = device.begin()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("newer trust data are in use: version 1, issued ")
    trust = load_trust(device.folder)
    assert len(trust.signers.signers()) == 1
    assert trust.knowledge is not None
    assert [rule.id for rule in trust.knowledge.rules] == ["R1"]


def test_again_there_is_nothing_new_and_then_there_is(device: Device) -> None:
    device.begin()
    again = device.sync("--from", device.stick, "--json")
    assert (again.code, again.result["event"]) == (0, "sync-nothing-new")
    published(device.nation, device.stick)
    newer = device.sync("--from", device.stick, "--json")
    assert (newer.result["event"], newer.result["version"]) == ("sync-taken", 2)


def test_a_dry_run_fetches_nothing(device: Device) -> None:
    done = device.sync("--from", device.stick, "--first-root", device.stick / "root.json", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert str(device.stick) in done.out
    assert list(device.folder.iterdir()) == []


def test_a_mounted_card_is_brought_its_trust(root: Path, device: Device) -> None:
    (root / "etc/greengate").mkdir(parents=True)
    (root / "var/lib/greengate/trust").mkdir(parents=True)
    (root / "etc/greengate/greengate.toml").write_text(render(VALUES, "en"), "utf-8")
    said = ("--from", device.stick, "--first-root", device.stick / "root.json")
    assert greengate("sync", "--root", root, *said).code == 0
    assert load_trust(root / "var/lib/greengate/trust").knowledge is not None


def test_without_a_root_nothing_is_believed(device: Device) -> None:
    done = device.sync("--from", device.stick)
    assert done.code == 66
    assert "root.json" in done.err
    assert not (device.folder / "current").exists()


def test_another_nations_stick_is_refused_and_what_is_here_stays(device: Device, tmp_path: Path) -> None:
    device.begin()
    stranger = published(nation(), tmp_path / "stranger")
    done = device.sync("--from", stranger)
    assert (done.code, len(done.err.splitlines())) == (65, 1)
    assert "stays in use" in done.err
    assert load_trust(device.folder).store == (device.folder / "current").readlink().name


def test_an_expired_one_is_refused(device: Device) -> None:
    device.begin()
    published(device.nation, device.stick, expires=NOW - timedelta(days=1))
    done = device.sync("--from", device.stick, "--json")
    assert done.code == 65
    assert json.loads(done.out)["code"] == "sync-failed"


def test_a_province_that_cannot_be_taken_is_told_and_the_nation_goes_on(device: Device) -> None:
    device.begin()
    (device.stick / "metadata").joinpath("1.province-vn-sg.json").unlink()
    published(device.nation, device.stick)
    device.stick.joinpath("metadata/2.province-vn-sg.json").write_bytes(b"{}")
    done = device.sync("--from", device.stick)
    assert done.code == 0
    assert "vn-sg" in done.err
    assert "version 2" in done.out


@pytest.mark.parametrize(
    ("more", "code"), [((), 78), (("--from", "/nowhere"), 66), (("--first-root", "/nowhere"), 66)],
    ids=["no url", "no folder", "no root file"],
)  # fmt: skip
def test_what_is_not_there_is_told(device: Device, more: tuple[str, ...], code: int) -> None:
    device.begin()
    done = device.sync(*more)
    assert (done.code, len(done.err.splitlines())) == (code, 1)


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("[trust]")
    done = greengate("sync", "--config", tmp_path / "none.toml")
    assert (done.code, len(done.err.splitlines())) == (78, 1)
