"""The pins of lamps, buzzer, heartbeat and contacts: does anything else take them, and may the gate open them?"""

import grp
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from drivers.signal.lines import header_chip, line
from firmware.config import Config
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

GATE_USER = "greengate-gate"
ALWAYS = {0: "ID EEPROM", 1: "ID EEPROM"}  # the HAT's identification, read at boot
PARAMETERS = {  # config.txt: dtparam=NAME, and the pins that it then takes (Raspberry Pi's overlays README)
    **dict.fromkeys(("i2c", "i2c_arm", "i2c1"), ("I2C", (2, 3))),
    "spi": ("SPI", (7, 8, 9, 10, 11)),
    "uart0": ("UART", (14, 15)),
    "i2s": ("I2S", (18, 19, 20, 21)),
}
OVERLAYS = {  # dtoverlay=NAME, and the pins where none of its options names another
    "i2c-rtc": ("I2C", (2, 3)),
    "w1-gpio": ("1-Wire", (4,)),
    "w1-gpio-pullup": ("1-Wire", (4,)),
    "gpio-shutdown": ("gpio-shutdown", (3,)),
    "gpio-poweroff": ("gpio-poweroff", (26,)),
    "gpio-fan": ("gpio-fan", (12,)),
    "gpio-ir": ("gpio-ir", (18,)),
    "pwm": ("PWM", (18,)),
    **{f"uart{n}": (f"UART {n}", pins) for n, pins in {2: (0, 1), 3: (4, 5), 4: (8, 9), 5: (12, 13)}.items()},
}
PIN_OPTION = re.compile(r"(?:gpiopin|gpio_pin|pin)=([0-9]{1,3})")


def pins(patient: Patient) -> Iterator[Finding]:
    """Look for what else takes the configured pins, and whether the gate may open the chip."""
    used = _used(patient.known)
    if not used:
        yield skipped("pins-simulated")
        return
    taken = taken_by(patient.machine.boot_config())
    clashes = [(name, pin, taken[pin]) for pin, name in used.items() if pin in taken]
    for name, pin, owner in clashes:
        yield fault("pin-clash", lamp=name, pin=pin, owner=owner)
    if not clashes:
        yield ok("pins-free", pins=", ".join(str(pin) for pin in used))
    yield from _chip(patient, used)


def _used(config: Config) -> dict[int, str]:
    """Return the pins of the 40 that this device drives or listens to, and what hangs on each."""
    signal, contacts = config.signal, config.contacts
    named: dict[str, int | None] = {}
    if signal.kind == "gpio":
        named |= {"red": signal.red_pin, "green": signal.green_pin, "amber": signal.amber_pin}
        named |= {"buzzer": signal.buzzer_pin, "heartbeat": signal.heartbeat_pin}
    if contacts.kind == "gpio":
        named |= {"override": contacts.override_pin, "passage": contacts.passage_pin}
    return {pin: name for name, pin in named.items() if pin is not None}


def taken_by(boot_config: str) -> dict[int, str]:
    """Return which pins a Raspberry Pi's config.txt gives to somebody, and to whom (pure)."""
    taken = dict(ALWAYS)
    for row in boot_config.splitlines():
        key, _, value = "".join(row.partition("#")[0].split()).partition("=")
        names = value.split(",")
        if key == "dtparam":
            found = [PARAMETERS[name] for name in (text.removesuffix("=on") for text in names) if name in PARAMETERS]
        elif key == "dtoverlay":
            found = [_of_overlay(names[0], names[1:])]
        else:
            found = [PARAMETERS["uart0"]] if (key, value) == ("enable_uart", "1") else []
        for owner, numbers in found:
            taken |= dict.fromkeys(numbers, owner)
    return taken


def _of_overlay(name: str, options: list[str]) -> tuple[str, tuple[int, ...]]:
    owner, usual = OVERLAYS.get(name, (name, ()))
    named = tuple(int(match[1]) for option in options if (match := PIN_OPTION.fullmatch(option)))
    return owner, named or usual


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
