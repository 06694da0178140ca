"""The plan of `prepare`: what on a boot partition is not yet as it is to be."""

from functools import partial
from pathlib import Path

from provisioning.card.errors import CardError
from provisioning.card.files import CONFIG_TXT, PASSING, SECRET, TRUST_FOLDER, Kiosk, Untaken, contents
from provisioning.card.target import is_raspberry_pi
from provisioning.card.volumes import READ_MAX_BYTES, Volume
from provisioning.durable import DRAFT
from provisioning.exits import Exit
from provisioning.plan import Step
from provisioning.words import Lang

SPARE_BYTES = 1024 * 1024  # ours: a file system that is filled to the last byte reads back badly


def steps(kiosk: Kiosk, volume: Volume, target: Path, lang: Lang, untaken: Untaken) -> list[Step]:
    """Return a step a file that is not there yet as it is to be, and one for each that must not stay.

    `untaken` as in `contents`.

    Raises: CardError for what cannot be used or has no room.
    """
    boot = (volume.read(CONFIG_TXT) or b"").decode("utf-8", "replace") if is_raspberry_pi(volume) else None
    files = contents(kiosk, lang, untaken, config_txt=boot)
    changed = {name: data for name, data in files.items() if not _holds(volume, name, data)}
    needed = sum(map(len, changed.values()))
    free = volume.free_bytes()
    if needed + SPARE_BYTES > free:
        raise CardError(Exit.CANNOT_WRITE, "card-small", target=target, needed=_mib(needed), free=_mib(free))
    writing = [
        Step(
            "write-secret" if name in SECRET else "write",
            partial(_write_secret, volume, name, data) if name in SECRET else partial(volume.write, name, data),
            {"file": name, "size": f"{-(-len(data) // 1024)} KiB"},
        )
        for name, data in changed.items()
    ]
    stale = _stale(volume, set(files))
    removing = [Step("remove", partial(volume.remove, name), {"file": name}) for name in stale]
    return [*removing, *writing, Step("flush", volume.flush)] if removing or writing else []


def _write_secret(volume: Volume, name: str, data: bytes) -> None:
    """Write a file after the one before was overwritten: written over, its clusters would keep an earlier secret."""
    for before in (name, name + DRAFT):
        volume.remove(before)
    volume.write(name, data)


def _stale(volume: Volume, wanted: set[str]) -> list[str]:
    """Return what an earlier preparation left that must not count any more: a code, a signer."""
    kept = {name.lower() for name in wanted}
    there = [name for name in PASSING if volume.read(name) is not None]
    return [name for name in (*there, *sorted(volume.tree(TRUST_FOLDER))) if name.lower() not in kept]


def _holds(volume: Volume, name: str, data: bytes) -> bool:
    """Tell whether a file is there already as it is to be; a package is too long to be read back."""
    return len(data) <= READ_MAX_BYTES and volume.read(name) == data


def _mib(size: int) -> str:
    return f"{-(-size // 1024**2)} MiB"
