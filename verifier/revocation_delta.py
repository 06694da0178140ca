"""From one set of revoked hashes to the next, by what changed.

    magic, SHA-256 of the file before, SHA-256 of the file after, count removed, count added (32 bits, big-endian)
    removed   ascending places in the set before: how many hashes stay between one and the next, as LEB128
    added     ascending hashes of 16 bytes each

Nothing is compressed: what a delta says cannot be longer than it is.
"""

import hashlib
import heapq
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from verifier.revocation_set import HASH_BYTES, Buffer, RevocationSet, SetWriter, Write, ascending

_MAGIC = b"GGDEL1\0\0"
_HEAD = struct.Struct(">8s32s32sII")
_GAP_MAX_BITS = 35  # five bytes of LEB128; ours: a set of more hashes would have 512 GiB


class RevocationDeltaError(Exception):
    """A delta cannot be used, or does not fit the set; the whole set has to be fetched."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed, where it lies: not read into memory.

    Attributes:
        before, after: SHA-256 of the set's file that it fits, and of the file that it makes.
        removed: How many hashes go.
        gaps: Which ones, as encoded.
        added: The hashes that come.
    """

    before: bytes
    after: bytes
    removed: int
    gaps: memoryview
    added: memoryview

    def places(self) -> Iterator[int]:
        """Yield the places of the hashes that go, ascending.

        Raises:
            RevocationDeltaError: They are encoded wrongly.
        """
        place, gap, shift = -1, 0, 0
        for byte in self.gaps:
            gap |= (byte & 0x7F) << shift
            if byte & 0x80:
                shift += 7
                if shift >= _GAP_MAX_BITS:
                    raise RevocationDeltaError("the delta names a place beyond any set")
                continue
            if shift and not byte:
                raise RevocationDeltaError("the delta writes a number longer than it is")
            place += gap + 1
            yield place
            gap = shift = 0
        if shift:
            raise RevocationDeltaError("the delta's last place is cut off")


def encode(before: bytes, after: bytes, places: Iterable[int], added: bytes) -> bytes:
    """Return a delta: from and to which file (SHA-256), ascending places of what goes, ascending hashes that come."""
    gaps, removed, expected = bytearray(), 0, 0
    for place in places:
        gaps += _leb128(place - expected)
        removed, expected = removed + 1, place + 1
    return _HEAD.pack(_MAGIC, before, after, removed, len(added) // HASH_BYTES) + gaps + added


def _leb128(number: int) -> bytes:
    coded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)


def decode(data: Buffer) -> Delta:
    """Read a delta; only its head is copied.

    Raises:
        RevocationDeltaError: Not a delta in its one right form.
    """
    whole = memoryview(data).cast("B").toreadonly()
    if len(whole) < _HEAD.size:
        raise RevocationDeltaError(f"{len(whole)} bytes are no delta")
    magic, before, after, removed, added = _HEAD.unpack_from(whole)
    added_at = len(whole) - added * HASH_BYTES
    if magic != _MAGIC or added_at < _HEAD.size:
        raise RevocationDeltaError("this is no delta, or it is cut off")
    delta = Delta(before, after, removed, whole[_HEAD.size : added_at], whole[added_at:])
    if sum(1 for _ in delta.places()) != removed:
        raise RevocationDeltaError("the delta does not remove as many hashes as it says")
    if not ascending(delta.added):
        raise RevocationDeltaError("the delta's hashes are not in order")
    return delta


def apply(old: Buffer, delta: Delta, write: Write) -> None:
    """Write the set's file after a delta, from its first byte to its last; memory: the indices, 20 bytes a page each.

    What was written holds only once this has returned: that its SHA-256 is right is known at the end.

    Raises:
        RevocationSetError: The set before is damaged.
        RevocationDeltaError: The delta does not fit the set, or does not make what it says.
    """
    was = RevocationSet(old)
    if delta.removed > len(was):
        raise RevocationDeltaError(f"the delta removes {delta.removed} of {len(was)} hashes")
    digest = hashlib.sha256()

    def pass_on(data: bytes) -> None:
        digest.update(data)
        write(data)

    count = len(was) - delta.removed + len(delta.added) // HASH_BYTES
    writer, hashes, done = SetWriter(pass_on, was.kind, was.kid, count), was.hashes, 0
    for place, goes, added in heapq.merge(_additions(was, delta), _removals(was, delta)):
        writer.add(hashes[done * HASH_BYTES : place * HASH_BYTES])
        writer.add(added)
        done = place + goes
    writer.add(hashes[done * HASH_BYTES :])
    writer.finish()
    if digest.digest() != delta.after:
        raise RevocationDeltaError("the set that the delta makes has another SHA-256 than it says")


def _additions(was: RevocationSet, delta: Delta) -> Iterator[tuple[int, int, bytes]]:
    """Yield before which place of the set each hash comes; no hash of the set goes for it."""
    hashes = was.hashes
    for (added,) in struct.iter_unpack(f"{HASH_BYTES}s", delta.added):
        place = was.rank(added)
        if hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES] == added:
            raise RevocationDeltaError("the delta adds a hash that the set has")
        yield place, 0, added


def _removals(was: RevocationSet, delta: Delta) -> Iterator[tuple[int, int, bytes]]:
    """Yield the place of each hash of the set that goes; none comes for it."""
    for place in delta.places():
        if place >= len(was):
            raise RevocationDeltaError(f"the delta removes hash {place} of {len(was)}")
        yield place, 1, b""
