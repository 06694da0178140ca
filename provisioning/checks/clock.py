"""The clock: who vouches for it, whether it lies within its bounds, and which local time screens show."""

from collections.abc import Iterator

from firmware.checkin import VIET_NAM
from firmware.timekeeping import span_of
from provisioning.checks import Finding, Patient, fault, ok, warning

ZONES = ("Asia/Ho_Chi_Minh", "Asia/Saigon")  # the second is its old name


def synchronised(patient: Patient) -> Iterator[Finding]:
    """Ask whether anybody vouches for the clock, and compare it with floor and ceiling."""
    kind = patient.known.clock.kind
    if kind == "assumed":
        yield warning("clock-assumed")
    elif patient.clock.synchronised():
        yield ok("clock-synchronised")
    else:
        yield fault("clock-not-synchronised")
    now, span = patient.clock.now(), span_of(kind)
    shown = {"now": f"{now.astimezone(VIET_NAM):%Y-%m-%d %H:%M:%S}"}
    if now < span.floor:
        yield fault("clock-before-floor", **shown, floor=f"{span.floor:%Y-%m-%d}")
    elif now > span.ceiling:
        yield fault("clock-after-ceiling", **shown, ceiling=f"{span.ceiling:%Y-%m-%d}")
    else:
        yield ok("clock-in-bounds", **shown)


def rtc(patient: Patient) -> Iterator[Finding]:
    """Look for a clock that survives a power cut."""
    found = patient.machine.rtcs()
    yield ok("rtc-there", rtc=", ".join(found)) if found else warning("rtc-missing")


def time_zone(patient: Patient) -> Iterator[Finding]:
    """Look which local time the system shows; the programs themselves know theirs."""
    zone = _zone(patient)
    if zone is None:
        yield warning("time-zone-unknown")
    else:
        yield ok("time-zone-good", zone=zone) if zone in ZONES else warning("time-zone-other", zone=zone)


def _zone(patient: Patient) -> str | None:
    try:
        target = str((patient.machine.root / "etc/localtime").readlink())
    except OSError:
        return patient.machine.text("etc/timezone")
    return target.partition("zoneinfo/")[2] or None
