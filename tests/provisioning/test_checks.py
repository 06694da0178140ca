"""Doctor's checks, each on appliances that are well and on ones that are not."""

import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from drivers.clock.simulated import SimulatedClock
from drivers.machine import Machine, Room
from firmware.journal import Journal
from firmware.journal_schema import migrate
from provisioning.checks import (
    Patient,
    clock,
    configuration,
    machine,
    storage,
    trust,
)
from provisioning.checks import journal as journal_check
from provisioning.issuer import DemoIssuer
from tests.firmware.checkins import checkin
from tests.firmware.stores import make_store, use
from tests.provisioning.patients import NOW, at_site, put, results, with_signal


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


def at(patient: Patient, **past: float) -> Patient:
    return dataclasses.replace(patient, clock=SimulatedClock(NOW + timedelta(**past)))


# configuration


def test_a_configuration_is_good_simulated_or_writable_by_all(patient: Patient) -> None:
    assert results(configuration.configuration, patient) == {"config-good": "ok", "config-simulation": "warning"}
    patient.config_path.chmod(0o666)
    assert results(configuration.configuration, patient)["config-world-writable"] == "fault"
    unusable = dataclasses.replace(patient, config=None, config_fault="no")
    assert results(configuration.configuration, unusable) == {"config-unusable": "fault"}


# clock


def test_a_clock_must_be_vouched_for_and_within_its_bounds(patient: Patient) -> None:
    assert results(clock.synchronised, patient) == {"clock-assumed": "warning", "clock-in-bounds": "ok"}
    real = dataclasses.replace(
        patient, config=msgspec.structs.replace(patient.known, clock=type(patient.known.clock)(kind="system"))
    )
    assert results(clock.synchronised, real) == {"clock-synchronised": "ok", "clock-in-bounds": "ok"}
    assert results(clock.synchronised, at(real, days=-400))["clock-before-floor"] == "fault"
    assert results(clock.synchronised, at(real, days=4000))["clock-after-ceiling"] == "fault"
    lost = SimulatedClock(NOW)
    lost.lose_sync()
    found = results(clock.synchronised, dataclasses.replace(real, clock=lost))
    assert found == {"clock-not-synchronised": "fault", "clock-in-bounds": "ok"}


def test_the_clock_s_bounds_are_the_trust_data_s_where_there_is_a_store(patient: Patient) -> None:
    real = dataclasses.replace(
        patient, config=msgspec.structs.replace(patient.known, clock=type(patient.known.clock)(kind="system"))
    )
    folder = patient.known.trust.folder
    make_store(folder, "1-a", NOW - timedelta(days=2), [DemoIssuer(NOW)])
    use(folder, "1-a")
    assert results(clock.synchronised, real)["clock-in-bounds"] == "ok"
    assert results(clock.synchronised, at(real, days=-3))["clock-before-floor"] == "fault"
    assert results(clock.synchronised, at(real, days=40))["clock-after-ceiling"] == "fault"
    use(folder, "9-gone")
    assert results(clock.synchronised, at(real, days=40))["clock-in-bounds"] == "ok"


def test_rtc_and_time_zone(patient: Patient) -> None:
    assert results(clock.rtc, patient) == {"rtc-missing": "warning"}
    put(patient, "sys/class/rtc/rtc0/since_epoch", "1795000000")
    assert results(clock.rtc, patient) == {"rtc-there": "ok"}
    assert results(clock.time_zone, patient) == {"time-zone-unknown": "warning"}
    put(patient, "etc/timezone", "Asia/Ho_Chi_Minh\n")
    assert results(clock.time_zone, patient) == {"time-zone-good": "ok"}
    (patient.machine.root / "etc/localtime").symlink_to("../usr/share/zoneinfo/Europe/Berlin")
    assert results(clock.time_zone, patient) == {"time-zone-other": "warning"}


# machine


@pytest.mark.parametrize(
    ("milli", "code"), [("40000", "temperature-good"), ("76000", "temperature-warm"), ("85000", "temperature-hot")]
)
def test_heat(patient: Patient, milli: str, code: str) -> None:
    assert results(machine.temperature, patient) == {"temperature-unknown": "skipped"}
    put(patient, "sys/class/thermal/thermal_zone0/temp", milli)
    assert list(results(machine.temperature, patient)) == [code]


@pytest.mark.parametrize(("alarm", "told"), [("0", {"power-good": "ok"}), ("1", {"power-low": "fault"})])
def test_power(patient: Patient, alarm: str, told: dict[str, str]) -> None:
    assert results(machine.power, patient) == {"power-unknown": "skipped"}
    put(patient, "sys/class/hwmon/hwmon0/name", "rpi_volt")
    put(patient, "sys/class/hwmon/hwmon0/in0_lcrit_alarm", alarm)
    assert results(machine.power, patient) == told


def test_the_watchdog_has_to_be_fed(patient: Patient) -> None:
    assert results(machine.watchdog, patient) == {"watchdog-missing": "warning"}
    put(patient, "sys/class/watchdog/watchdog0/state", "inactive")
    assert results(machine.watchdog, patient) == {"watchdog-idle": "fault"}
    put(patient, "sys/class/watchdog/watchdog0/state", "active")
    assert results(machine.watchdog, patient) == {"watchdog-armed": "ok"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kiosk-1", {"host-name-good": "ok"}),
        ("gate7", {"host-name-own": "ok"}),
        ("raspberrypi", {"host-name-usual": "warning"}),
        ("", {"host-name-usual": "warning"}),
    ],
)
def test_a_host_has_a_name_of_its_own(patient: Patient, name: str, told: dict[str, str]) -> None:
    put(patient, "etc/hostname", name + "\n")
    assert results(machine.host_name, patient) == told


# storage


@dataclasses.dataclass(frozen=True)
class Rooms(Machine):
    found: Room | None = None

    def room(self, folder: Path) -> Room | None:  # noqa: ARG002 - as Machine has it
        return self.found


@pytest.mark.parametrize(
    ("room", "codes"),
    [
        (Room(10**10, 10**11, read_only=False), {"disk-good"}),
        (Room(260 * storage.MIB, 10**11, read_only=False), {"disk-under-journal", "disk-good"}),  # 256, and its log
        (Room(200 * storage.MIB, 10**11, read_only=False), {"disk-tight"}),
        (Room(1 * storage.MIB, 10**11, read_only=False), {"disk-full"}),
        (Room(10**10, 10**11, read_only=True), {"disk-read-only", "disk-good"}),
        (Room(0, 10**9, read_only=True), {"disk-read-only", "disk-good"}),
        (None, {"folder-missing"}),
    ],
)
def test_room_is_asked_of_journal_and_root(patient: Patient, room: Room | None, codes: set[str]) -> None:
    with_room = dataclasses.replace(patient, machine=Rooms(patient.machine.root, room))
    assert set(results(storage.room, with_room)) == codes
    told = results(storage.root_rights, with_room)
    assert told == ({"root-read-only": "ok"} if room is not None and room.read_only else {"root-writable": "ok"})


def test_what_the_journal_has_already_is_room_it_does_not_need(patient: Patient) -> None:
    path = patient.known.journal.path
    with path.open("wb") as file:
        file.truncate(10 * storage.MIB)
    with_room = dataclasses.replace(
        patient, machine=Rooms(patient.machine.root, Room(260 * storage.MIB, 10**11, read_only=False))
    )
    assert set(results(storage.room, with_room)) == {"disk-good"}


@pytest.mark.parametrize(
    ("life", "eol", "told"),
    [
        ("0x01 0x02", "0x01", {"wear-good": "ok"}),
        ("0x01 0x08", "0x01", {"wear-high": "warning"}),
        ("0x01 0x01", "0x02", {"wear-high": "warning"}),
        ("0x0b 0x01", "0x01", {"wear-out": "fault"}),
        ("", "0x03", {"wear-out": "fault"}),
        ("", "", {"wear-unknown": "skipped"}),
    ],
)
def test_wear(patient: Patient, life: str, eol: str, told: dict[str, str]) -> None:
    put(patient, "sys/block/mmcblk0/device/life_time", life)
    put(patient, "sys/block/mmcblk0/device/pre_eol_info", eol)
    assert results(storage.wear, patient) == told


# trust


def test_demo_trust_is_a_warning_in_simulation_and_a_fault_with_real_lamps(patient: Patient) -> None:
    young = at(patient, days=-20)
    assert results(trust.trust, young)["trust-demo"] == "warning"
    real = with_signal(young, kind="gpio", red_pin=17, green_pin=27)
    assert results(trust.trust, real)["trust-demo-real"] == "fault"


def test_trust_that_is_empty_expired_or_broken_is_a_fault(patient: Patient) -> None:
    assert results(trust.trust, at(patient, days=4000))["trust-empty"] == "fault"
    folder = patient.known.trust.folder
    (folder / "bad.der").write_bytes(b"no certificate")
    assert results(trust.trust, patient) == {"trust-unusable": "fault"}
    for file in folder.iterdir():
        file.unlink()
    assert results(trust.trust, patient) == {"trust-empty": "fault"}
    folder.rmdir()
    assert results(trust.trust, patient) == {"trust-unusable": "fault"}


@pytest.mark.parametrize(("days", "told"), [(3, {"trust-age": "ok"}), (40, {"trust-age-old": "warning"})])
def test_the_age_of_a_list_is_its_files(patient: Patient, days: int, told: dict[str, str]) -> None:
    assert results(trust.trust, patient)["trust-age-unknown"] == "skipped"
    file = patient.known.trust.folder / "revoked.json"
    file.write_text("{}")
    written = (NOW - timedelta(days=days)).timestamp()
    os.utime(file, (written, written))
    assert told.items() <= results(trust.trust, patient).items()


# journal


def test_a_journal_is_whole_and_counted(patient: Patient) -> None:
    path = patient.known.journal.path
    assert results(journal_check.journal, patient) == {"journal-none": "skipped"}
    with Journal.open(path, migrate=migrate) as journal:
        for number in range(3):
            journal.append(checkin(number + 1))
    found = {finding.code: finding for finding in journal_check.journal(patient)}
    told = {"journal-whole": "ok", "journal-unsent": "ok", "journal-room": "ok"}
    assert {code: finding.result for code, finding in found.items()} == told
    assert found["journal-unsent"].values == {"rows": 3}


def test_looking_at_a_journal_changes_nothing_of_it(patient: Patient) -> None:
    path = patient.known.journal.path
    with Journal.open(path, migrate=migrate) as journal:
        journal.append(checkin(1))
        before = path.read_bytes(), path.with_name("journal.db-wal").read_bytes()
        results(journal_check.journal, patient)
        assert (path.read_bytes(), path.with_name("journal.db-wal").read_bytes()) == before


def test_a_damaged_journal_and_what_is_no_journal_are_faults(patient: Patient) -> None:
    path = patient.known.journal.path
    with Journal.open(path, migrate=migrate) as journal:
        for number in range(200):
            journal.append(checkin(number + 1))
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\xa5" * 4096 * 3
    path.write_bytes(data)
    assert results(journal_check.journal, patient) == {"journal-damaged": "fault"}
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    assert set(results(journal_check.journal, patient).values()) == {"fault"}


def test_journals_set_aside_are_counted_and_large_ones_not_checked_whole(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = patient.known.journal.path
    with Journal.open(path, migrate=migrate) as journal:
        for number in range(3):
            journal.append(checkin(number + 1))
    path.with_name("journal.db.corrupt-20261101T000000Z").touch()
    monkeypatch.setattr(journal_check, "CHECK_S", -1.0)
    monkeypatch.setattr(journal_check, "MANY", 2)
    assert results(journal_check.journal, patient) == {
        "journal-aside": "warning",
        "journal-large": "skipped",
        "journal-unsent-many": "warning",
        "journal-room": "ok",
    }


@pytest.mark.parametrize(
    ("permille", "code", "result"),
    [(799, "journal-room", "ok"), (800, "journal-filling", "warning"), (1000, "journal-full", "fault")],
)
def test_a_journal_that_fills_is_told_before_it_is_full(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, permille: int, code: str, result: str
) -> None:
    with Journal.open(patient.known.journal.path, migrate=migrate) as journal:
        journal.append(checkin(1))
    monkeypatch.setattr(journal_check, "fill_permille", lambda _db, size_mib: permille if size_mib == 256 else 0)
    assert results(journal_check.journal, patient)[code] == result
