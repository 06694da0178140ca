"""Where on a disk or image the boot partition is: the first FAT one of its partition table."""

from pathlib import Path

import msgspec

from provisioning.card.errors import CardError
from provisioning.card.tools import ToolError, run
from provisioning.exits import Exit

# MBR's FAT types (hexadecimal), GPT's EFI system and basic data partitions (UEFI 2.10, section 5.3.3)
_FAT_TYPES = {"1", "4", "6", "b", "c", "e"} | {
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
}


class _Partition(msgspec.Struct, frozen=True):
    start: int
    size: int
    type: str


class _Table(msgspec.Struct, frozen=True):
    partitions: tuple[_Partition, ...] = ()
    sectorsize: int = 512


class _Report(msgspec.Struct, frozen=True):
    partitiontable: _Table


def parse_table(report: bytes) -> int | None:
    """Return the first FAT partition's offset in bytes in a report of `sfdisk --json`, None where there is none."""
    try:
        table = msgspec.json.decode(report, type=_Report).partitiontable
    except msgspec.MsgspecError:
        return None
    return next((part.start * table.sectorsize for part in table.partitions if part.type in _FAT_TYPES), None)


def boot_offset(path: Path) -> int:
    """Return where the boot partition begins on a disk or in an image, in bytes. Raises: CardError."""
    try:
        offset = parse_table(run("sfdisk", "--json", str(path)))
    except ToolError:
        offset = None
    if offset is None:
        raise CardError(Exit.DATA, "no-boot-partition", target=path)
    return offset


def label_at(path: Path, offset: int) -> str:
    """Return the label of the file system at an offset in bytes, empty where it has none."""
    try:
        return (
            run("blkid", "--probe", "--offset", str(offset), "-s", "LABEL", "-o", "value", str(path)).decode().strip()
        )
    except (ToolError, UnicodeDecodeError):
        return ""
