"""Where on a FAT file system a file's content lies, so that a secret can be overwritten there (pure).

Sources: Microsoft's FAT specification, section 3 (BIOS parameter block); mtools' mshowfat(1).
"""

import re
import struct
from typing import NamedTuple

BOOT_SECTOR_BYTES = 512
_FIRST = 2  # the data region's first cluster
_ENTRY_BYTES = 32
_RUN = re.compile(rb"<(\d{1,9})(?:-(\d{1,9}))?>")


class Place(NamedTuple):
    """A part of a file, in bytes from the file system's start."""

    offset: int
    size: int


def places(boot_sector: bytes, said: bytes, end: int) -> list[Place]:
    """Return where a file lies, by the file system's first sector and what mshowfat said; none lies beyond `end`.

    Raises: ValueError where either means nothing.
    """
    try:
        sector, per_cluster, reserved, tables, entries = struct.unpack_from("<HBHBH", boot_sector, 11)
        (short,), (long,) = struct.unpack_from("<H", boot_sector, 22), struct.unpack_from("<L", boot_sector, 36)
    except struct.error:
        raise ValueError("no FAT") from None
    if not (sector and per_cluster and reserved and tables):
        raise ValueError("no FAT")
    root = -(-entries * _ENTRY_BYTES // sector)
    begin = (reserved + tables * (short or long) + root) * sector
    cluster = per_cluster * sector
    found = []
    for first, last in _RUN.findall(said):
        count = int(last or first) - int(first) + 1
        place = Place(begin + (int(first) - _FIRST) * cluster, count * cluster)
        if int(first) < _FIRST or count < 1 or place.offset + place.size > end:
            raise ValueError("no clusters")
        found.append(place)
    return found
