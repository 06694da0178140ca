"""The keys that journals on sticks need: the device's own, and what it has of its centre's."""

from datetime import datetime
from pathlib import Path

from drivers.clock import open_clock
from firmware.config import Config
from firmware.envelope import Authority, Signer, SigningError
from firmware.export_files import Keys
from firmware.sealing import Recipient
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.talk import Talk


def seen_from_here(path: Path, layout: Layout) -> Path:
    """Return where a path of the configuration lies, seen from here: below the root, where it is not there already."""
    if layout.here or path.is_relative_to(layout.root):
        return path
    return layout.root / path.relative_to("/")


def load_authority(config: Config, layout: Layout, talk: Talk) -> Authority:
    """Return the centre's authority, or leave, saying in one line what is missing and the cure."""
    path = _there(config.centre_files.ca, layout, talk, "not-enrolled")
    try:
        return Authority.load(path)
    except SigningError as error:
        talk.fail(Exit.CONFIG, "keys-unusable", why=str(error))


def load_keys(config: Config, layout: Layout, talk: Talk) -> Keys:
    """Return all keys, or leave, saying in one line what is missing and the cure."""
    files = config.centre_files
    authority = load_authority(config, layout, talk)
    certificate = _there(files.certificate, layout, talk, "not-enrolled")
    key = _there(files.key, layout, talk, "not-enrolled")
    centre = _there(files.keys, layout, talk, "no-centre-keys")
    try:
        signer = Signer.load(certificate, key)
        recipient = Recipient.load(centre, "batches", authority)
    except SigningError as error:
        talk.fail(Exit.CONFIG, "keys-unusable", why=str(error))
    if signer.name != config.device.name:
        talk.fail(Exit.CONFIG, "keys-of-another", device=config.device.name, holder=signer.name)
    return Keys(signer, recipient, authority)


def answers_valid_at(config: Config) -> datetime | None:
    """Return when the certificate of an answer has to be in force.

    None, so that it may be over, where nothing vouches for the clock: a device that no network reaches may
    never know the time, and its journal would fill for ever.
    """
    clock = open_clock(config.clock.kind)
    return clock.now() if clock.synchronised() else None


def _there(path: Path | None, layout: Layout, talk: Talk, missing: str) -> Path:
    """Return where a file lies seen from here, or leave where there is none."""
    if path is None:
        talk.fail(Exit.UNAVAILABLE, missing)
    found = seen_from_here(path, layout)
    try:
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        talk.fail(Exit.UNAVAILABLE, missing)
    except OSError as error:
        talk.fail(Exit.NO_PERMISSION, "keys-unusable", why=f"{found}: {error.strerror}")
    return found
