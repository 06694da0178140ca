"""The disk: room, whether it can be written, and how worn the card is."""

from collections.abc import Iterator

from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

MIB = 1024 * 1024
LITTLE_BYTES, TIGHT_BYTES = 64 * MIB, 256 * MIB  # a busy year of check-ins that nobody fetches takes about 200 MiB
WORN_PERCENT = 80


def room(patient: Patient) -> Iterator[Finding]:
    """Look at the file systems of the journal and of the root."""
    journal = patient.at(patient.known.journal.path).parent
    for code, folder in (("journal", journal), ("root", patient.layout.root)):
        found = patient.machine.room(folder)
        if found is None:
            if code == "journal":
                yield fault("folder-missing", folder=str(folder)) if patient.root else skipped("skip-root")
            continue
        values = {"folder": str(folder), "mib": found.free_bytes // MIB}
        if code == "journal" and found.read_only:
            yield fault("disk-read-only", **values)
        elif found.free_bytes < LITTLE_BYTES and not found.read_only:
            yield fault("disk-full", **values)
        elif found.free_bytes < TIGHT_BYTES and not found.read_only:
            yield warning("disk-tight", **values)
        else:
            yield ok("disk-good", **values)


def root_rights(patient: Patient) -> Iterator[Finding]:
    """Tell whether the root can be written: read-only, a power cut harms nothing of it."""
    found = patient.machine.room(patient.layout.root)
    yield ok("root-read-only") if found is not None and found.read_only else ok("root-writable")


def wear(patient: Patient) -> Iterator[Finding]:
    """Ask cards how worn they are; most SD cards say nothing."""
    told = [found for found in patient.machine.wear() if found.used_percent is not None or found.pre_eol is not None]
    if not told:
        yield skipped("wear-unknown")
    for found in told:
        used = "?" if found.used_percent is None else str(found.used_percent)
        values = {"device": found.device, "percent": used}
        if found.pre_eol == "urgent" or (found.used_percent or 0) > 100:  # noqa: PLR2004 - percent
            yield fault("wear-out", **values)
        elif found.pre_eol == "warning" or (found.used_percent or 0) >= WORN_PERCENT:
            yield warning("wear-high", **values)
        else:
            yield ok("wear-good", **values)
