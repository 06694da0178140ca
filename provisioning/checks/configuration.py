"""The configuration: can it be used, and who may write it?"""

import stat
from collections.abc import Iterator

from provisioning.checks import Finding, Patient, fault, ok, skipped, warning


def configuration(patient: Patient) -> Iterator[Finding]:
    """Tell whether it can be used; anybody who may write it decides what opens the gate."""
    if patient.config is None and patient.locked_away:
        yield skipped("skip-root")
        return
    if patient.config is None and not patient.config_path.exists():
        yield fault("config-missing", file=str(patient.config_path))
        return
    if patient.config is None:
        yield fault("config-unusable", why=patient.config_fault or "")
        return
    yield ok("config-good", file=str(patient.config_path))
    try:
        mode = patient.config_path.stat().st_mode
    except OSError:  # gone since it was read
        return
    if mode & stat.S_IWOTH:
        yield fault("config-world-writable", file=str(patient.config_path))
    if patient.config.signal.kind == "simulated" or patient.config.camera.kind == "simulated":
        yield warning("config-simulation")
