"""The units: running, started at boot, restarted, hardened; and service state."""

from collections.abc import Iterator

from provisioning.checks import Finding, Patient, fault, ok, skipped, warning
from provisioning.units import PROGRAMS

RUN = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "NRestarts",
    "Result",
    "ConditionResult",
    "WatchdogUSec",
)
UPLINK = "greengate-uplink"
RENEWAL = "greengate-renew.timer"  # without it the certificate ends one day
TARGET = "greengate.target"  # wants all the others, and is the one that is enabled
AT_BOOT = frozenset({"enabled", "static", "indirect", "generated", "alias"})
NEVER = frozenset({"", "0", "infinity"})  # of a time span: no watchdog
HARD: dict[str, frozenset[str]] = {  # systemd.exec(5), systemd.resource-control(5): what each program's unit must say
    "NoNewPrivileges": frozenset({"yes"}),
    "ProtectSystem": frozenset({"strict"}),
    "DevicePolicy": frozenset({"closed", "strict"}),
    "RestrictSUIDSGID": frozenset({"yes"}),
    "CapabilityBoundingSet": frozenset({""}),
}
ALONE = frozenset(
    {"greengate-reader", "greengate-gate", "greengate-panel"}
)  # no network: the panel is handed its socket


def running(patient: Patient) -> Iterator[Finding]:
    """Ask for each program whether it runs and how often it was started again."""
    if not patient.units.known():
        yield skipped("units-none")
        return
    target = patient.units.properties(TARGET, ("UnitFileState",)).get("UnitFileState") or "-"
    yield ok("boot-good") if target in AT_BOOT else fault("boot-off", unit=TARGET, state=target)
    for unit in PROGRAMS:
        yield from _running(unit, patient.units.properties(unit, RUN), enrolled_later=unit == UPLINK)
    timer = patient.units.properties(RENEWAL, ("LoadState", "ActiveState"))
    if timer.get("LoadState") == "loaded" and timer.get("ActiveState") != "active":
        yield warning("renewal-off", unit=RENEWAL)


def _running(unit: str, found: dict[str, str], *, enrolled_later: bool) -> Iterator[Finding]:
    if found.get("LoadState") != "loaded":
        yield fault("unit-missing", unit=unit, state=found.get("LoadState") or "-")
        return
    state = found.get("ActiveState", "")
    if state == "active":
        yield ok("unit-runs", unit=unit)
    elif enrolled_later and found.get("ConditionResult") == "no":
        yield warning("unit-waits-for-enrolment", unit=unit)
    else:
        yield fault("unit-stands", unit=unit, state=state or "-", why=found.get("Result") or "-")
    if found.get("UnitFileState") not in AT_BOOT:
        yield fault("unit-not-at-boot", unit=unit, state=found.get("UnitFileState") or "-")
    restarts = found.get("NRestarts", "0")
    if restarts.isdecimal() and int(restarts):
        yield warning("unit-restarted", unit=unit, times=int(restarts))
    if found.get("WatchdogUSec", "") in NEVER:
        yield fault("unit-unwatched", unit=unit)


def hardened(patient: Patient) -> Iterator[Finding]:
    """Compare each unit's rights with the least that it needs: a drop-in may have loosened them."""
    if not patient.units.known():
        yield skipped("units-none")
        return
    for unit in PROGRAMS:
        found = patient.units.properties(unit, ("LoadState", *HARD, "PrivateNetwork", "User"))
        if found.get("LoadState") != "loaded":
            continue  # told by `running`
        wanted = HARD | ({"PrivateNetwork": frozenset({"yes"})} if unit in ALONE else {})
        loose = [f"{name}={found.get(name, '')}" for name, values in wanted.items() if found.get(name) not in values]
        if found.get("User") in {None, "", "root"}:
            loose.append("User=root")
        yield fault("unit-loose", unit=unit, settings=", ".join(loose)) if loose else ok("unit-hardened", unit=unit)


def service_state(patient: Patient) -> Iterator[Finding]:
    """Remind of service state: the gate lets nobody through meanwhile."""
    yield warning("service-state-on") if patient.service else ok("service-state-off")
