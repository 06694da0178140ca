"""The disk: room, whether it can be written, how worn the card is and what each check-in writes to it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from firmware.journal_base import beside
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning
from provisioning.checks.camera import beats

MIB = 1024 * 1024
LITTLE_BYTES, TIGHT_BYTES = 64 * MIB, 256 * MIB
LOG_BYTES = 8 * MIB  # of the journal's write-ahead log, beside its own size (firmware/journal.py: WAL_MAX_PAGES)
WORN_PERCENT = 80
BUSY_DAY = 10_000  # check-ins; what the journal is sized for


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
        elif code == "journal" and not found.read_only and (more := _growth(patient)) > found.free_bytes:
            yield warning("disk-under-journal", **values, more=more // MIB)
        else:
            yield ok("disk-good", **values)


def _growth(patient: Patient) -> int:
    """Return by how many bytes the journal may still grow. Raises: PermissionError where that is root's to know."""
    journal = patient.known.journal
    path, most = patient.at(journal.path), journal.size_mib * MIB + LOG_BYTES
    return max(0, most - _size(path) - _size(beside(path, "-wal")))


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


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


def written(patient: Patient) -> Iterator[Finding]:
    """Tell what the gate writes for each check-in: what a card wears by, where it does not say how worn it is."""
    for beat in beats(patient.known.events_socket, 1):
        if beat.bytes_per_record is not None:
            megabytes = beat.bytes_per_record * BUSY_DAY / 1e6
            yield ok("written-each", bytes=beat.bytes_per_record, megabytes=f"{megabytes:.0f}", n=BUSY_DAY)
            return
    yield skipped("written-unknown")
