"""What a self-test is made of: pictures, whom to trust, and the device's configuration turned to them."""

from pathlib import Path

import pytest
from msgspec.structs import replace as put

from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import load_luma
from firmware.config import load_config_text
from firmware.config_sections import ContactsConfig, PlatesConfig, ProfileConfig
from firmware.gate import trust_of
from firmware.trust_switch import Trusted
from provisioning.selftest import stage as staging
from provisioning.selftest.account import Account
from provisioning.selftest.stage import derived, staged, toml_of
from tests.firmware.judged import judge
from tests.firmware.site import Site, make_site
from tests.provisioning.passes import holds_a_key
from tests.provisioning.test_selftest_checks import with_gpio
from verifier.profile_checks import Lane


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def test_a_derived_configuration_is_the_devices_own_but_for_the_test(site: Site, tmp_path: Path) -> None:
    device = site.config
    config = derived(device, tmp_path / "t")
    assert (config.run.test, config.service_marker) == (True, device.service_marker)
    assert (config.lamp_history, config.journal) == (device.lamp_history, device.journal)
    assert (config.device, config.clock) == (device.device, device.clock)
    assert load_config_text(toml_of(config), tmp_path / "elsewhere") == config
    real = derived(with_gpio(site).config, tmp_path / "t")
    assert (real.signal.red_pin, real.signal.history) == (17, None)
    assert load_config_text(toml_of(real), tmp_path / "elsewhere") == real
    profile = ProfileConfig(name="vip", details=("name",), folder=tmp_path)
    contacts, plates = ContactsConfig(kind="gpio", override_pin=22), PlatesConfig(kind="socket")
    asks = derived(put(with_gpio(site).config, profile=profile, contacts=contacts, plates=plates), tmp_path / "t")
    assert (asks.profile, asks.contacts, asks.plates) == (ProfileConfig(name="vip"), ContactsConfig(), PlatesConfig())
    placed = derived(put(site.config, device=put(device.device, area="VN-SG", roads=("QL1A", "TL10"))), tmp_path / "t")
    assert load_config_text(toml_of(placed), tmp_path / "elsewhere") == placed


def test_a_history_in_a_folder_that_went_with_its_unit_is_kept_elsewhere(site: Site, tmp_path: Path) -> None:
    device = site.config
    (tmp_path / "run").rmdir()
    assert derived(device, tmp_path / "t").lamp_history == tmp_path / "t" / "lamps.jsonl"


def test_any_text_survives_in_toml(site: Site, tmp_path: Path) -> None:
    device = put(site.config.device, site='Chợ "Bến" \\ Thành 🚧')
    journal = put(site.config.journal, path=tmp_path / "a\x7f'\"\tb" / "j.db")
    config = put(site.config, device=device, journal=journal)
    assert load_config_text(toml_of(config), tmp_path) == config


def test_a_stage_holds_pictures_and_no_key_and_goes(site: Site) -> None:
    with staged(site.config, site.now, Account()) as stage:
        folder = stage.folder
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list((folder / "pictures").iterdir()) == []
        stage.show()
        reader = open_symbol_reader("zxing")
        texts = [
            [symbol.text[:4] for symbol in reader.read(load_luma(path))]
            for path in sorted((folder / "pictures").iterdir())
        ]
        assert texts == [["HC1:"], ["HC1:"], []]
        stage.take_away(staging.VALID)
        stage.take_away(staging.VALID)
        assert len(list((folder / "pictures").iterdir())) == 2
        assert not any(holds_a_key(path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    assert not folder.exists()


def test_its_passes_are_judged_whatever_the_devices_own_lane_asks_for(site: Site, tmp_path: Path) -> None:
    profile = ProfileConfig(name="green-lane", folder=tmp_path / "site")
    strict = put(site.config, profile=profile, device=put(site.config.device, area="VN-SG", roads=("QL1A",)))
    with staged(strict, site.now, Account()) as stage:
        config = stage.config
        trusted = Trusted(trust_of(config), Lane(config.area, frozenset(config.device.roads)), config.profile.name)
        assert trusted.profile_problem(site.now) is None
        stage.show()
        reader = open_symbol_reader("zxing")
        found = {}
        for name in (staging.VALID, staging.FORGED):
            texts = [symbol.text for symbol in reader.read(load_luma(stage.folder / "pictures" / name))]
            found[name] = judge(texts, trusted, site.now).reason
    assert found == {staging.VALID: "valid", staging.FORGED: "bad-signature"}
