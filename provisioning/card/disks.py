"""Which disk may be written: a card of a sane size, in nobody's use, never the one this machine runs from."""

from pathlib import Path

import msgspec

from provisioning.card.errors import CardError
from provisioning.card.tools import ToolError, run
from provisioning.exits import Exit

MAX_BYTES = 256 * 1024**3  # ours: larger than any card for a kiosk, smaller than most disks that hold somebody's files
COLUMNS = "PATH,TYPE,SIZE,RM,RO,HOTPLUG,TRAN,MOUNTPOINTS"
_SYSTEM = {"/", "/boot", "/boot/efi", "/boot/firmware", "/usr", "/var", "/home", "[SWAP]"}


class Disk(msgspec.Struct, frozen=True):
    """A disk or a part of one, as lsblk(8) tells it; `size` is in bytes."""

    path: str
    type: str
    size: int
    rm: bool
    ro: bool
    hotplug: bool = False
    tran: str | None = None
    mountpoints: tuple[str | None, ...] = ()
    children: tuple["Disk", ...] = ()

    def mounts(self) -> set[str]:
        """Return where the disk and all its parts are mounted, `[SWAP]` for a swap partition."""
        return {place for place in self.mountpoints if place} | {
            place for child in self.children for place in child.mounts()
        }


class _Report(msgspec.Struct, frozen=True):
    blockdevices: tuple[Disk, ...]


def parse_report(report: bytes) -> Disk:
    """Return the disk in a report of `lsblk --json --bytes`. Raises: CardError where there is none."""
    try:
        disks = msgspec.json.decode(report, type=_Report).blockdevices
    except msgspec.MsgspecError:
        raise CardError(Exit.UNAVAILABLE, "tool-strange", tool="lsblk") from None
    if len(disks) != 1:
        raise CardError(Exit.UNAVAILABLE, "tool-strange", tool="lsblk")
    return disks[0]


def look_up(path: Path) -> Disk:
    """Return what the system knows of a block device. Raises: CardError."""
    try:
        return parse_report(run("lsblk", "--json", "--bytes", "--output", COLUMNS, str(path)))
    except ToolError:
        raise CardError(Exit.NO_INPUT, "disk-gone", disk=path) from None


def refuse_wrong(disk: Disk) -> None:
    """Raise CardError for a disk that must not be written, or cannot."""
    mounts = disk.mounts()
    rules = (
        (disk.type == "part", Exit.USAGE, "disk-is-part"),
        (bool(mounts & _SYSTEM), Exit.USAGE, "disk-of-system"),
        (bool(mounts), Exit.USAGE, "disk-mounted"),
        (disk.size == 0, Exit.NO_INPUT, "disk-empty"),
        (disk.size > MAX_BYTES, Exit.USAGE, "disk-too-large"),
        (disk.ro, Exit.CANNOT_WRITE, "disk-read-only"),
        (not _is_card(disk), Exit.USAGE, "disk-not-removable"),
    )
    for wrong, exit_, code in rules:
        if wrong:
            size_gib = round(disk.size / 1024**3)
            raise CardError(exit_, code, disk=disk.path, places=", ".join(sorted(mounts)), size_gib=size_gib)


def _is_card(disk: Disk) -> bool:
    return disk.rm or disk.hotplug or disk.tran in {"usb", "mmc"} or Path(disk.path).name.startswith("mmcblk")
