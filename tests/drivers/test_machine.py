"""Readings of the machine, from trees like the kernel's."""

from pathlib import Path

import pytest

from drivers.machine import Machine, Watchdog, Wear


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def put(machine: Machine, path: str, text: str) -> None:
    file = machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_machine_that_tells_nothing_is_unknown_in_everything(machine: Machine) -> None:
    assert (machine.model(), machine.temperature_c(), machine.undervoltage()) == (None, None, None)
    assert (machine.watchdog(), machine.uptime_s()) == (None, None)
    assert (machine.rtcs(), machine.wear(), machine.cameras(), machine.memory()) == ((), (), (), {})
    assert machine.boot_config() == ""
    assert machine.room(machine.root / "nowhere") is None


def test_the_hottest_sane_zone_counts(machine: Machine) -> None:
    for number, text in enumerate(["41234", "77500", "999999", "-274000", "broken", ""]):
        put(machine, f"sys/class/thermal/thermal_zone{number}/temp", text + "\n")
    assert machine.temperature_c() == 77.5


@pytest.mark.parametrize(("alarm", "told"), [("0", False), ("1", True), ("what", None)])
def test_undervoltage_is_what_the_firmware_saw(machine: Machine, alarm: str, *, told: bool | None) -> None:
    put(machine, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    put(machine, "sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")
    put(machine, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    put(machine, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm + "\n")
    assert machine.undervoltage() is told


def test_only_clocks_that_show_a_time_count(machine: Machine) -> None:
    put(machine, "sys/class/rtc/rtc0/since_epoch", "")
    put(machine, "sys/class/rtc/rtc1/since_epoch", "1795000000\n")
    assert machine.rtcs() == ("rtc1",)


def test_a_fed_hardware_watchdog_goes_before_an_idle_one_and_software_is_none(machine: Machine) -> None:
    put(machine, "sys/class/watchdog/watchdog0/identity", "Software Watchdog\n")
    put(machine, "sys/class/watchdog/watchdog0/state", "active\n")
    assert machine.watchdog() is None
    put(machine, "sys/class/watchdog/watchdog1/identity", "Broadcom BCM2835 Watchdog timer\n")
    put(machine, "sys/class/watchdog/watchdog1/state", "inactive\n")
    assert machine.watchdog() == Watchdog("watchdog1", active=False)
    put(machine, "sys/class/watchdog/watchdog2/state", "active\n")
    assert machine.watchdog() == Watchdog("watchdog2", active=True)


@pytest.mark.parametrize(
    ("life", "eol", "told"),
    [
        ("0x02 0x01", "0x01", Wear("mmcblk0", 20, "normal")),
        ("0x01 0x0b", "0x03", Wear("mmcblk0", 110, "urgent")),
        ("0x00 0x00", "0x02", Wear("mmcblk0", None, "warning")),
        ("rubbish", "0x09", Wear("mmcblk0", None, None)),
    ],
)
def test_wear_is_what_the_card_estimates(machine: Machine, life: str, eol: str, told: Wear) -> None:
    put(machine, "sys/block/mmcblk0/device/life_time", life + "\n")
    put(machine, "sys/block/mmcblk0/device/pre_eol_info", eol + "\n")
    put(machine, "sys/block/mmcblk0boot0/device/life_time", "0x01 0x01\n")
    assert machine.wear() == (told,)


def test_memory_uptime_model_cameras_and_room(machine: Machine) -> None:
    put(machine, "proc/meminfo", "MemTotal:  948000 kB\nMemFree: 1 kB\nMemAvailable: 500000 kB\nSwapTotal: x kB\n\n")
    put(machine, "proc/uptime", "12.50 40.00\n")
    put(machine, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    put(machine, "sys/class/video4linux/video0/name", "unicam\n")
    put(machine, "sys/class/video4linux/video1/name", "unicam\n")
    put(machine, "boot/config.txt", "dtparam=spi=on\n")
    assert machine.memory() == {"MemTotal": 948000, "MemAvailable": 500000}
    assert machine.uptime_s() == 12.5
    assert machine.model() == "Raspberry Pi 4 Model B Rev 1.5"
    assert machine.cameras() == ("unicam",)
    assert machine.boot_config() == "dtparam=spi=on"
    room = machine.room(machine.root)
    assert room is not None
    assert 0 < room.free_bytes <= room.total_bytes
    assert not room.read_only


def test_bytes_that_are_no_text_and_folders_do_no_harm(machine: Machine) -> None:
    (machine.root / "proc").mkdir()
    (machine.root / "proc/uptime").write_bytes(b"\xff\xfe\0")
    (machine.root / "proc/meminfo").mkdir()
    assert machine.uptime_s() is None
    assert machine.memory() == {}
