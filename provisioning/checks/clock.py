"""The clock: who vouches for it, whether it lies within its bounds, and which local time screens show."""

from collections.abc import Iterator

from firmware.checkin import VIET_NAM
from firmware.timekeeping import Span, span_of
from firmware.trust_data import TrustFolderError
from firmware.trust_store import load_current
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
    now, span = patient.clock.now(), _span(patient)
    shown = {"now": f"{now.astimezone(VIET_NAM):%Y-%m-%d %H:%M:%S}"}
    if now < span.floor:
        yield fault("clock-before-floor", **shown, floor=f"{span.floor:%Y-%m-%d}")
    elif now > span.ceiling:
        yield fault("clock-after-ceiling", **shown, ceiling=f"{span.ceiling:%Y-%m-%d}")
    else:
        yield ok("clock-in-bounds", **shown)


def _span(patient: Patient) -> Span:
    """Return the bounds that the gate keeps: by the trust data, where these say when they were issued."""
    kind, folder = patient.known.clock.kind, patient.at(patient.known.trust.folder)
    try:
        store = load_current(folder)
    except TrustFolderError:  # `trust` tells of it
        store = None
    if store is None or store.knowledge is None:
        return span_of(kind)
    return span_of(kind, store.knowledge.issued, store.knowledge.offline_max)


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
