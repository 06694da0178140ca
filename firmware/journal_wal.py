"""Tell a damaged write-ahead log from one that a power cut tore.

SQLite silently takes a log up to the first frame whose checksum is wrong. After a power cut that is right:
what follows was never promised to anybody. Where a flipped bit stands in the middle of a log, whole
transactions that were promised would vanish. The difference shows: every commit is synced before the next
frame is written, so a commit *behind* the broken frame, with yet another frame of the same log behind it, was
on the disk. Damage within the last transaction looks like a torn one, and cannot be told from it.

Source: https://www.sqlite.org/fileformat2.html, section 4 (the WAL format).
"""

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
_LITTLE_ENDIAN_MAGIC = 0x377F0682
_BIG_ENDIAN_MAGIC = 0x377F0683
_PAGE_SIZES = {2**power for power in range(9, 17)}

Checksum = tuple[int, int]


class _Header(NamedTuple):
    order: str  # of the words that are summed, as struct names it
    page_bytes: int
    salts: bytes
    checksum: Checksum


class _Frame(NamedTuple):
    commits: bool
    salts: bytes
    checksum: Checksum


def lost_frames(wal: Path, valid: int) -> bool:
    """Tell whether a log holds synced transactions behind the `valid` frames that SQLite takes.

    Raises: OSError.
    """
    try:
        # not waiting: another user of the folder may have left a FIFO there
        file = os.fdopen(os.open(wal, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except FileNotFoundError:
        return False
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return True
        head = file.read(HEADER_BYTES + FRAME_HEADER_BYTES)
        if len(head) < HEADER_BYTES + FRAME_HEADER_BYTES:
            return False
        header = _header(head[:HEADER_BYTES])
        if header is None:  # a log that was written has a first frame; a torn one is still all zeros there
            return any(head[HEADER_BYTES:])
        return _lost_behind(file, header, valid)


def _lost_behind(file: BinaryIO, header: _Header, valid: int) -> bool:
    broken = valid
    while _continues(file, header, broken):
        broken += 1  # whole, but of a transaction that is not, or whose writer was killed in committing it
    committed = False
    for frame in _frames(file, header, broken):
        ours = frame.salts == header.salts  # others are left over from before the log was begun anew
        if committed and ours:
            return True
        committed = ours and frame.commits
    return False


def _header(data: bytes) -> _Header | None:
    magic, _, page_bytes, _ = struct.unpack(">IIII", data[:16])
    checksum = struct.unpack(">II", data[24:])
    if magic not in (_LITTLE_ENDIAN_MAGIC, _BIG_ENDIAN_MAGIC) or page_bytes not in _PAGE_SIZES:
        return None
    order = "<" if magic == _LITTLE_ENDIAN_MAGIC else ">"
    if _summed(data[:24], order, (0, 0)) != checksum:
        return None
    return _Header(order, page_bytes, data[16:24], (checksum[0], checksum[1]))


def _frames(file: BinaryIO, header: _Header, start: int) -> Iterator[_Frame]:
    """Yield the frames from number `start` (from 0) to the end of the file."""
    for number in range(start, 2**32):
        file.seek(HEADER_BYTES + number * (FRAME_HEADER_BYTES + header.page_bytes))
        data = file.read(FRAME_HEADER_BYTES)
        if len(data) < FRAME_HEADER_BYTES:
            return
        _, pages, salts, first, second = struct.unpack(">II8sII", data)
        yield _Frame(pages != 0, salts, (first, second))


def _continues(file: BinaryIO, header: _Header, number: int) -> bool:
    """Tell whether the checksum of a frame is right, seen from the frame before."""
    before = next(_frames(file, header, number - 1)).checksum if number else header.checksum
    frame = next(_frames(file, header, number), None)
    if frame is None or frame.salts != header.salts:
        return False
    file.seek(HEADER_BYTES + number * (FRAME_HEADER_BYTES + header.page_bytes))
    data = file.read(FRAME_HEADER_BYTES + header.page_bytes)
    if len(data) < FRAME_HEADER_BYTES + header.page_bytes:
        return False
    return _summed(data[:8] + data[FRAME_HEADER_BYTES:], header.order, before) == frame.checksum


def _summed(data: bytes, order: str, start: Checksum) -> Checksum:
    first, second = start
    for even, odd in struct.iter_unpack(order + "II", data):
        first = first + even + second & 0xFFFFFFFF
        second = second + odd + first & 0xFFFFFFFF
    return first, second
