"""From what the technician named to a boot partition: a disk, an image file, or a mounted folder."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from provisioning.card.cloud import SEED_LABEL
from provisioning.card.disks import look_up, refuse_wrong
from provisioning.card.errors import CardError
from provisioning.card.files import CONFIG_TXT
from provisioning.card.partitions import boot_offset, label_at
from provisioning.card.volumes import FatVolume, FolderVolume, Volume
from provisioning.exits import Exit

SEED = {"user-data", "meta-data"}
SYSCONF = "sysconf.txt"  # Debian's images for the Raspberry Pi: they have no cloud-init
OWN = (Path("/"), Path("/boot"), Path("/boot/firmware"))  # of the machine that this runs on


@contextlib.contextmanager
def open_target(path: Path) -> Iterator[Volume]:
    """Give the boot partition behind a path, for this command alone.

    Raises: CardError for anything that must not or cannot be written.
    """
    volume = _volume(path)
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise CardError(Exit.NO_PERMISSION, "card-not-ours", target=path) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield volume
    except BlockingIOError:
        raise CardError(Exit.TRY_AGAIN, "card-busy", target=path) from None
    finally:
        os.close(lock)


def _volume(path: Path) -> Volume:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CardError(Exit.NO_INPUT, "target-missing", target=path, why=error.strerror) from None
    if stat.S_ISDIR(mode):
        return _folder(path)
    if stat.S_ISBLK(mode):
        refuse_wrong(look_up(path))
    elif not stat.S_ISREG(mode):
        raise CardError(Exit.USAGE, "target-strange", target=path)
    return _partition(path)


def is_raspberry_pi(volume: Volume) -> bool:
    """Tell whether it is a Raspberry Pi's boot partition, else it is one that only holds cloud-init's files."""
    return CONFIG_TXT in volume.names()


def _folder(path: Path) -> Volume:
    if path.resolve() in OWN:
        raise CardError(Exit.USAGE, "folder-of-system", target=path)
    volume = FolderVolume(path)
    _expect_system(volume, path, labelled=False)
    return volume


def _partition(path: Path) -> Volume:
    offset = boot_offset(path)
    volume = FatVolume(path, offset)
    _expect_system(volume, path, labelled=label_at(path, offset).upper() == SEED_LABEL)
    return volume


def _expect_system(volume: Volume, path: Path, *, labelled: bool) -> None:
    names = volume.names()
    if SYSCONF in names:
        raise CardError(Exit.DATA, "no-cloud-init", target=path)
    if not (CONFIG_TXT in names or names >= SEED or labelled):
        raise CardError(Exit.DATA, "no-boot-partition", target=path)
