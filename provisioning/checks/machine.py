"""The machine: heat, power, hardware watchdog, and its name."""

from collections.abc import Iterator

from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

WARM_C, HOT_C = 75.0, 80.0  # a Raspberry Pi slows down from 80 degrees
USUAL_NAMES = frozenset({"raspberrypi", "localhost", "debian", "rpi"})


def temperature(patient: Patient) -> Iterator[Finding]:
    """Compare the hottest place with what the board bears."""
    found = patient.machine.temperature_c()
    if found is None:
        yield skipped("temperature-unknown")
        return
    values = {"degrees": f"{found:.0f}"}
    if found >= HOT_C:
        yield fault("temperature-hot", **values)
    else:
        yield warning("temperature-warm", **values) if found >= WARM_C else ok("temperature-good", **values)


def power(patient: Patient) -> Iterator[Finding]:
    """Ask whether the supply was ever too weak since the start."""
    match patient.machine.undervoltage():
        case None:
            yield skipped("power-unknown")
        case True:
            yield fault("power-low")
        case False:
            yield ok("power-good")


def watchdog(patient: Patient) -> Iterator[Finding]:
    """Ask whether a hardware watchdog is fed: only it restarts a machine whose kernel hangs."""
    found = patient.machine.watchdog()
    if found is None:
        yield warning("watchdog-missing")
    else:
        yield ok("watchdog-armed", device=found.device) if found.active else fault("watchdog-idle", device=found.device)


def host_name(patient: Patient) -> Iterator[Finding]:
    """Compare the host's name with the device's: on a network several of one name are told apart by nobody."""
    name, device = patient.machine.text("etc/hostname") or "", patient.known.device.name
    if name == device:
        yield ok("host-name-good", name=name)
    elif name.lower() in USUAL_NAMES or not name:
        yield warning("host-name-usual", name=name or "-", device=device)
    else:
        yield ok("host-name-own", name=name)
