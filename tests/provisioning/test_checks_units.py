"""Doctor's checks of units and pins."""

import dataclasses
import stat
from pathlib import Path

import msgspec
import pytest

from firmware.config_sections import ContactsConfig
from provisioning.checks import Patient, pins, services
from tests.provisioning.patients import GOOD_UNIT, TableOfUnits, at_site, put, results, with_signal


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


# units


def units(**changes: str) -> TableOfUnits:
    table = TableOfUnits()
    table.table["greengate-gate"] = GOOD_UNIT | changes
    return table


@pytest.mark.parametrize(
    ("changes", "code", "result"),
    [
        ({}, "unit-runs", "ok"),
        ({"LoadState": "not-found"}, "unit-missing", "fault"),
        ({"ActiveState": "failed", "Result": "watchdog"}, "unit-stands", "fault"),
        ({"UnitFileState": "disabled"}, "unit-not-at-boot", "fault"),
        ({"NRestarts": "3"}, "unit-restarted", "warning"),
        ({"WatchdogUSec": "0"}, "unit-unwatched", "fault"),
    ],
)
def test_a_unit_runs_at_boot_watched(patient: Patient, changes: dict[str, str], code: str, result: str) -> None:
    found = [
        (finding.code, finding.result)
        for finding in services.running(dataclasses.replace(patient, units=units(**changes)))
        if finding.values.get("unit") == "greengate-gate"
    ]
    assert (code, result) in found


def test_everything_is_started_at_boot(patient: Patient) -> None:
    assert results(services.running, patient) == {"boot-good": "ok", "unit-runs": "ok"}
    table = TableOfUnits()
    table.table["greengate.target"] = {"UnitFileState": "disabled"}
    assert results(services.running, dataclasses.replace(patient, units=table))["boot-off"] == "fault"


def test_a_timer_of_renewals_that_stands_is_told(patient: Patient) -> None:
    assert "renewal-off" not in results(services.running, patient)
    assert isinstance(patient.units, TableOfUnits)
    patient.units.table["greengate-renew.timer"] = {"LoadState": "loaded", "ActiveState": "inactive"}
    assert results(services.running, patient)["renewal-off"] == "warning"


def test_an_uplink_that_is_not_enrolled_waits(patient: Patient) -> None:
    table = TableOfUnits()
    table.table["greengate-uplink"] = GOOD_UNIT | {"ActiveState": "inactive", "ConditionResult": "no"}
    found = results(services.running, dataclasses.replace(patient, units=table))
    assert found["unit-waits-for-enrolment"] == "warning"
    assert "unit-stands" not in found


@pytest.mark.parametrize(
    "changes",
    [
        {"NoNewPrivileges": "no"},
        {"DevicePolicy": "auto"},
        {"PrivateNetwork": "no"},
        {"ProtectSystem": "full"},
        {"User": "root"},
        {"User": ""},
        {"CapabilityBoundingSet": "cap_sys_admin"},
    ],
)
def test_a_unit_with_more_rights_than_it_needs_is_a_fault(patient: Patient, changes: dict[str, str]) -> None:
    loose = [f for f in services.hardened(dataclasses.replace(patient, units=units(**changes))) if f.result == "fault"]
    (finding,) = loose
    assert finding.values["unit"] == "greengate-gate"
    assert next(iter(changes)) in str(finding.values["settings"])


def test_the_uplink_may_have_a_network(patient: Patient) -> None:
    table = TableOfUnits()
    table.table["greengate-uplink"] = GOOD_UNIT | {"PrivateNetwork": "no"}
    assert results(services.hardened, dataclasses.replace(patient, units=table)) == {"unit-hardened": "ok"}


def test_without_systemd_units_are_not_looked_at_and_service_state_is_told(patient: Patient) -> None:
    desk = dataclasses.replace(patient, units=TableOfUnits(here=False), service=True)
    for check in (services.running, services.hardened):
        assert results(check, desk) == {"units-none": "skipped"}
    assert results(services.service_state, desk) == {"service-state-on": "warning"}
    assert results(services.service_state, patient) == {"service-state-off": "ok"}


# pins


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", {0, 1}),
        ("dtparam=i2c_arm=on", {0, 1, 2, 3}),
        ("dtoverlay=i2c-rtc,ds3231", {0, 1, 2, 3}),
        (" dtparam = spi = on # the screen", {0, 1, 7, 8, 9, 10, 11}),
        ("enable_uart=1", {0, 1, 14, 15}),
        ("#enable_uart=1", {0, 1}),
        ("dtoverlay=w1-gpio", {0, 1, 4}),
        ("dtoverlay=w1-gpio,gpiopin=17,pullup=1", {0, 1, 17}),
        ("dtoverlay=w1-gpio-pullup,gpiopin=x", {0, 1, 4}),
        ("dtparam=i2c_arm=on,spi=on", {0, 1, 2, 3, 7, 8, 9, 10, 11}),
        ("dtoverlay=gpio-shutdown", {0, 1, 3}),
        ("dtoverlay=gpio-fan,gpiopin=17,temp=60000", {0, 1, 17}),
        ("dtoverlay=pwm,pin=18,func=2\ndtoverlay=anything,gpio_pin=27", {0, 1, 18, 27}),
        ("dtoverlay=vc4-kms-v3d\ndtoverlay=w1-gpio,gpiopin=" + "9" * 6000, {0, 1, 4}),
        ("dtparam=i2c_arm=off\ndtparam=spi=off\nenable_uart=0", {0, 1}),
    ],
)
def test_pins_that_config_txt_gives_away(text: str, taken: set[int]) -> None:
    assert set(pins.taken_by(text)) == taken


def test_pins_clash_by_name_and_a_machine_without_pins_is_a_fault(patient: Patient) -> None:
    assert results(pins.pins, patient) == {"pins-simulated": "skipped"}
    put(patient, "boot/firmware/config.txt", "dtparam=spi=on\n")
    real = with_signal(patient, kind="gpio", red_pin=17, green_pin=8, amber_pin=10, buzzer_pin=9)
    found = list(pins.pins(real))
    clashes = {finding.values["lamp"]: finding.values["owner"] for finding in found if finding.code == "pin-clash"}
    assert clashes == {"green": "SPI", "amber": "SPI", "buzzer": "SPI"}
    assert found[-1].code == "gpio-missing"


def test_the_pins_of_contacts_are_looked_at_too(patient: Patient) -> None:
    put(patient, "boot/firmware/config.txt", "dtparam=i2c_arm=on\n")
    contacts = ContactsConfig(kind="gpio", override_pin=2, passage_pin=24)
    config = msgspec.structs.replace(patient.known, contacts=contacts)
    found = list(pins.pins(dataclasses.replace(patient, config=config)))
    assert [finding.values["lamp"] for finding in found if finding.code == "pin-clash"] == ["override"]


def test_who_may_open_a_device_is_told_by_owner_group_and_mode(tmp_path: Path) -> None:
    chip = tmp_path / "gpiochip0"
    chip.touch()
    chip.chmod(0o600)
    me = chip.owner()
    assert pins.may_open(chip, me)
    chip.chmod(stat.S_IRUSR)
    assert pins.may_open(chip, me) is False
    assert pins.may_open(chip, "no-such-user-here") is None
    chip.chmod(0o600)
    if me != "nobody":
        assert pins.may_open(chip, "nobody") is False
        chip.chmod(0o606)
        assert pins.may_open(chip, "nobody") is True
