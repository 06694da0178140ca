"""Identity details, unsealed for an export: the only place where anybody reads them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from centre.collecting.store import Entry
from centre.output import refuse
from firmware.details import unseal_details
from firmware.envelope import SigningError
from firmware.sealing import Unsealer
from firmware.wire_cbor import WireError

Details = Callable[[Entry], dict[str, Any]]
NO_DETAILS: dict[str, Any] = {}
FAULT = "details_fault"  # of a row whose details could not be unsealed: why
_FOR_ALL = 0o007


def details_of(keys: Sequence[Path], *, json: bool) -> Details | None:
    """Return what gives a check-in's details, as columns of its row; None without any key."""
    if not keys:
        return None
    try:
        for key in keys:
            if key.stat().st_mode & _FOR_ALL:
                refuse(f"{key} may be read by others, and it is a secret: run chmod 600 {key}", json=json)
        unsealer = Unsealer.load(keys)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}: name the details' key with --details-key", json=json)
    except SigningError as error:
        refuse(error, json=json)
    return lambda entry: _details(entry, unsealer)


def _details(entry: Entry, unsealer: Unsealer) -> dict[str, Any]:
    checkin = entry.checkin
    if checkin.details is None:
        return NO_DETAILS
    try:
        return {**unseal_details(checkin.details, entry.device, checkin.id, unsealer)}
    except WireError as error:
        return {FAULT: str(error)}
