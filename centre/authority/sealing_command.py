"""`greengate-centre ca sealing`: the keys that devices seal to, shown and rotated."""

from typing import Annotated, Any

import typer

from centre.authority.ca import Authority
from centre.authority.sealing import PURPOSE_CODES, SealingKey, ensure_keys, rotate
from centre.devices.registry import Registry
from centre.output import EX_USAGE, HOME, Home, Json, iso, out, refuse, there, told
from drivers.clock import open_clock

Rotate = Annotated[
    str | None, typer.Option("--rotate", metavar="batches|details", help="Replace this key; the one before is kept.")
]


def sealing(rotate_: Rotate = None, home: Home = HOME, *, json: Json = False) -> None:
    """Show the keys that devices seal to, `batches` and `details`; make what is missing.

    Certificates are renewed as the other own ones are. After --rotate, devices take the new key within two days
    (`greengate renew`), and keys before are kept for what was sealed to them. Collectors on this machine have it at
    once; bring it to others by `ca issue --collector NAME --to DIR` again: until then, batches wait at their devices.

    Example: greengate-centre ca sealing --rotate batches

    Exit codes: 0 done; 2 wrong usage; 78 CA, registry or keys cannot be used.
    """
    if rotate_ is not None and rotate_ not in PURPOSE_CODES:
        refuse("--rotate: batches or details", EX_USAGE, json=json)
    with told(json=json), Registry.open(there(home)) as registry:
        authority, now = Authority.open(home), open_clock("system").now()
        if rotate_ is None:
            keys = ensure_keys(authority, registry, now)
        else:
            keys = rotate(authority, registry, PURPOSE_CODES[rotate_], now)
    for key in keys:
        out(_shown(key), json=json)


def _shown(key: SealingKey) -> dict[str, Any]:
    return {
        "purpose": key.purpose,
        "key-id": key.key_id.hex(),
        "file": str(key.file),
        "older": key.older,
        "until": iso(key.certificate.not_after),
    }
