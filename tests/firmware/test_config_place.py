"""Where a lane stands, and on which pins its devices are."""

from pathlib import Path

import pytest

from firmware.config import load_config, load_config_text
from tests.firmware.config_files import WHOLE, problem, written

PLACE = 'name = "kiosk-1"\narea = "VN-SG"\nroads = ["QL1A", "TL.10"]'


@pytest.mark.parametrize(
    ("place", "province", "area"),
    [
        ('name = "kiosk-1"', "", None),
        ('name = "kiosk-1"', 'province = "vn-sg"', "VN-SG"),
        (PLACE, "", "VN-SG"),
        (PLACE, 'province = "vn-sg"', "VN-SG"),
        (PLACE.replace("VN-SG", "VN-SG-760"), 'province = "vn-sg"', "VN-SG-760"),
    ],
)
def test_where_the_lane_stands(place: str, province: str, area: str | None) -> None:
    text = WHOLE.replace('name = "kiosk-1"', place).replace('folder = "trust"', f'folder = "trust"\n{province}')
    config = load_config_text(text, Path("/base"))
    assert config.area == area
    assert config.device.roads == (("QL1A", "TL.10") if "roads" in place else ())


@pytest.mark.parametrize("area", ["VN-HN", "VN-SGX", "VN"])
def test_a_lane_stands_in_its_province(tmp_path: Path, area: str) -> None:
    text = WHOLE.replace('name = "kiosk-1"', f'name = "kiosk-1"\narea = "{area}"')
    text = text.replace('folder = "trust"', 'folder = "trust"\nprovince = "vn-sg"')
    says = f"key device.area: {area} does not lie in VN-SG, the area of trust.province: correct one of them"
    assert problem(written(tmp_path, text)) == says


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("", "gpio lamps need both"),
        ("red_pin = 17", "gpio lamps need both"),
        ("red_pin = 17\ngreen_pin = 17", "key signal.green_pin: same as signal.red_pin: give each a pin of its own"),
        ("red_pin = 17\ngreen_pin = 27\namber_pin = 17", "key signal.amber_pin: same as signal.red_pin"),
        (
            "red_pin = 17\ngreen_pin = 27\namber_pin = 24\nbuzzer_pin = 24",
            "key signal.buzzer_pin: same as signal.amber",
        ),
        ("red_pin = 17\ngreen_pin = 28", "key signal.green_pin: expected `int` <= 27"),
        ('red_pin = 17\ngreen_pin = 27\n[clock]\nkind = "assumed"', '"assumed" with gpio lamps: use "system"'),
    ],
)
def test_real_lamps_ask_for_more(tmp_path: Path, pins: str, says: str) -> None:
    text = WHOLE.replace('[signal]\nkind = "simulated"', f'[signal]\nkind = "gpio"\n{pins}')
    assert says in problem(written(tmp_path, text))


REAL = '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27\nbuzzer_pin = 22\n'
CONTACTS = '[contacts]\nkind = "gpio"\n'


@pytest.mark.parametrize(
    ("contacts", "says"),
    [
        (CONTACTS, "keys contacts.override_pin and contacts.passage_pin are missing: gpio contacts need one of them"),
        (f"{CONTACTS}override_pin = 17", "key contacts.override_pin: same as signal.red_pin: give each a pin"),
        (f"{CONTACTS}passage_pin = 22", "key contacts.passage_pin: same as signal.buzzer_pin: give each a pin"),
        (f"{CONTACTS}override_pin = 5\npassage_pin = 5", "key contacts.passage_pin: same as contacts.override_pin"),
        (f"{CONTACTS}override_pin = 28", "key contacts.override_pin: expected `int` <= 27"),
        ("[contacts]\noverride_pin = 5", 'key contacts.kind: "simulated" with pins and gpio lamps: use "gpio"'),
    ],
)
def test_real_contacts_have_pins_of_their_own(tmp_path: Path, contacts: str, says: str) -> None:
    text = WHOLE.replace('[signal]\nkind = "simulated"\n', REAL) + contacts
    assert says in problem(written(tmp_path, text))


@pytest.mark.parametrize(
    ("signal", "contacts"),
    [
        (REAL, f"{CONTACTS}override_pin = 5\npassage_pin = 6"),
        (REAL, ""),
        ('[signal]\nkind = "simulated"\nred_pin = 5\n', f"{CONTACTS}override_pin = 5"),
        ('[signal]\nkind = "simulated"\n', "[contacts]\noverride_pin = 5\npassage_pin = 5"),
    ],
)
def test_pins_that_are_really_used_are_compared_and_no_others(tmp_path: Path, signal: str, contacts: str) -> None:
    load_config(written(tmp_path, WHOLE.replace('[signal]\nkind = "simulated"\n', signal) + contacts))


def test_real_lamps_with_two_pins_are_taken(tmp_path: Path) -> None:
    text = WHOLE.replace('[signal]\nkind = "simulated"', '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27')
    assert load_config(written(tmp_path, text)).signal.green_pin == 27
