"""The pins that lamps, buzzer and heartbeat hang on: does anything else take them, and may the gate open them?"""

import grp
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from drivers.signal.lines import header_chip, line
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

GATE_USER = "greengate-gate"
ALWAYS = {0: "ID EEPROM", 1: "ID EEPROM"}  # the HAT's identification, read at boot
OWNERS = {  # config.txt: what enables it, and the pins that it then takes (Raspberry Pi's overlays README)
    r"dtparam=(?:i2c|i2c_arm|i2c1)(?:=on)?": ("I2C", (2, 3)),
    r"dtoverlay=i2c-rtc(?:,.*)?": ("I2C", (2, 3)),
    r"dtparam=spi(?:=on)?": ("SPI", (7, 8, 9, 10, 11)),
    r"enable_uart=1": ("UART", (14, 15)),
    r"dtparam=uart0(?:=on)?": ("UART", (14, 15)),
    r"dtparam=i2s(?:=on)?": ("I2S", (18, 19, 20, 21)),
}
ONE_WIRE = re.compile(r"dtoverlay=w1-gpio(?:-pullup)?(?:,(?P<options>.*))?")
ONE_WIRE_PIN = 4


def pins(patient: Patient) -> Iterator[Finding]:
    """Look for what else takes the lamps' pins, and whether the gate may open the chip."""
    signal = patient.known.signal
    if signal.kind != "gpio":
        yield skipped("pins-simulated")
        return
    named = ("red", signal.red_pin), ("green", signal.green_pin), ("buzzer", signal.buzzer_pin)
    used = {pin: name for name, pin in (*named, ("heartbeat", signal.heartbeat_pin)) if pin is not None}
    taken = taken_by(patient.machine.boot_config())
    clashes = [(name, pin, taken[pin]) for pin, name in used.items() if pin in taken]
    for name, pin, owner in clashes:
        yield fault("pin-clash", lamp=name, pin=pin, owner=owner)
    if not clashes:
        yield ok("pins-free", pins=", ".join(str(pin) for pin in used))
    yield from _chip(patient, used)


def taken_by(boot_config: str) -> dict[int, str]:
    """Return which pins a Raspberry Pi's config.txt gives to somebody, and to whom (pure)."""
    taken = dict(ALWAYS)
    for row in boot_config.splitlines():
        setting = "".join(row.partition("#")[0].split())
        for pattern, (owner, numbers) in OWNERS.items():
            if re.fullmatch(pattern, setting):
                taken |= dict.fromkeys(numbers, owner)
        if match := ONE_WIRE.fullmatch(setting):
            options = dict(option.partition("=")[::2] for option in (match["options"] or "").split(","))
            pin = options.get("gpiopin", "")
            taken[int(pin) if pin.isdecimal() else ONE_WIRE_PIN] = "1-Wire"
    return taken


def _chip(patient: Patient, used: dict[int, str]) -> Iterator[Finding]:
    chip = header_chip(patient.machine.root / "dev")
    if chip is None:
        yield fault("gpio-missing") if patient.root else skipped("skip-root")
        return
    allowed = may_open(chip, GATE_USER)
    if allowed is None:
        yield skipped("gpio-no-user", user=GATE_USER)
    else:
        code = "gpio-allowed" if allowed else "gpio-forbidden"
        yield (ok if allowed else fault)(code, user=GATE_USER, chip=str(chip))
    if patient.units.known() and patient.units.properties(GATE_USER, ["ActiveState"]).get("ActiveState") == "active":
        return  # the gate itself holds them
    for pin, name in used.items():
        state = line(chip, pin)
        if state is None:
            yield warning("pin-unknown", lamp=name, pin=pin)
        elif state.used_by is not None:
            yield fault("pin-in-use", lamp=name, pin=pin, owner=state.used_by)


def may_open(path: Path, user: str) -> bool | None:
    """Tell whether a user may read and write a device, by its owner, group and mode; None: there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    found = path.stat()
    if found.st_uid == entry.pw_uid:
        wanted = stat.S_IRUSR | stat.S_IWUSR
    elif found.st_gid in groups:
        wanted = stat.S_IRGRP | stat.S_IWGRP
    else:
        wanted = stat.S_IROTH | stat.S_IWOTH
    return found.st_mode & wanted == wanted
