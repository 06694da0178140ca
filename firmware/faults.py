"""What keeps the gate out of service (pure)."""

from collections.abc import Set as AbstractSet

# The gravest first: one is shown.
FAULTS = (
    "service-state",  # what a technician does on purpose goes before what it may bring about
    "lamp-fault",
    "journal-failed",
    "journal-full",
    "starting",
    "reader-silent",
    "no-camera",
    "camera-stalled",
)
JOURNAL = {"journal-failed", "journal-full"}
WITHOUT_READER = {"service-state", "lamp-fault", *JOURNAL}  # these stay, whatever the reader says
DARKENING = {"lamp-fault", *JOURNAL}  # these end a light that was given; the others let it be


def gravest(faults: AbstractSet[str]) -> str | None:
    """Return the fault to be shown, None where there is none."""
    return next((fault for fault in FAULTS if fault in faults), None)


def changed(faults: AbstractSet[str], fault: str, *, present: bool) -> set[str]:
    """Return the faults with one of them there, or not."""
    return {*faults, fault} if present else {*faults} - {fault}


def by_journal(faults: AbstractSet[str], fault: str | None) -> set[str]:
    """Return the faults after the journal was written to: at most one is its own."""
    stay = {*faults} - JOURNAL
    return stay | {fault} if fault else stay


def by_reader(faults: AbstractSet[str], fault: str | None) -> set[str]:
    """Return the faults after the reader has said how it is: what it said before, or not yet, no longer holds."""
    stay = {*faults} & WITHOUT_READER
    return stay | {fault} if fault else stay
