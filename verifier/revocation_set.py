"""A set of revoked hashes as a file: exact, any number of them, one page read for a look-up.

    header   one page: magic, version, kind, kid, count, pages; then zeros
    pages    256 ascending hashes of 16 bytes each, the last one padded with ff
    index    for each page its first hash and its CRC-32, 20 bytes
    digest   SHA-256 of header and index

The same kind, kid and hashes make the same file, byte for byte. Numbers are big-endian. The digest guards header and
index, which are read at once; the CRC guards a page whenever it is read. So a file that rotted is found out, and does
not say that a pass was never revoked. It guards against no attacker: the signed metadata has the whole file's hash.
"""

import hashlib
import operator
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise
from mmap import mmap
from typing import Literal, TypeAlias, get_args

HASH_BYTES = 16  # the lists carry the first 128 bits of a SHA-256
PAGE_BYTES = 4096  # what a kernel reads from a disk at least
PAGE_HASHES = PAGE_BYTES // HASH_BYTES
KID_MAX_BYTES = 32  # a JWK's thumbprint (RFC 7638); a certificate's kid has 8
DIGEST_BYTES = hashlib.sha256().digest_size
BLOCK_BYTES = 64 * PAGE_BYTES  # ours: what is copied in one go, and what a writer holds back
TURN_ROWS = 4096  # ours: rows looked at in one go, within which no other thread of the interpreter gets a turn

Kind: TypeAlias = Literal["uci", "country-uci", "signature", "lx1", "shc-rid"]
"""What the hashes of a set are of: the first three are the gateway's UCI, COUNTRYCODEUCI and SIGNATURE."""

_MAGIC, _VERSION = b"GGREV1\0\0", 1
_HEADER = struct.Struct(f">8sIBB{KID_MAX_BYTES}sQQ")
_ENTRY = struct.Struct(f">{HASH_BYTES}sI")
_TOP_BYTES = 8  # of a page's first hash: as a number, compared at once
_TOP = f">Q{_ENTRY.size - _TOP_BYTES}x"
_FIRST = f"{HASH_BYTES}s{_ENTRY.size - HASH_BYTES}x"
_KINDS: tuple[Kind, ...] = get_args(Kind)  # in the file by number, from 1
_ANEW = "; fetch the revocations anew"

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap
Write: TypeAlias = Callable[[bytes], object]


class RevocationSetError(Exception):
    """A set cannot be used: it is none, was cut off, or rotted on its disk."""


def header(kind: Kind, kid: bytes, count: int) -> bytes:
    """Return the first page of a set; an empty kid stands for any signer.

    Raises:
        ValueError: The kid is longer than `KID_MAX_BYTES`.
    """
    if len(kid) > KID_MAX_BYTES:
        raise ValueError(f"a kid of {len(kid)} bytes; a revocation set's has at most {KID_MAX_BYTES}")
    said = _HEADER.pack(_MAGIC, _VERSION, _KINDS.index(kind) + 1, len(kid), kid, count, _pages(count))
    return said.ljust(PAGE_BYTES, b"\0")


def size_of(count: int) -> int:
    """Return how many bytes the file of so many hashes has."""
    return PAGE_BYTES + _pages(count) * (PAGE_BYTES + _ENTRY.size) + DIGEST_BYTES


def _pages(count: int) -> int:
    return -(-count // PAGE_HASHES)


class RevocationSet:
    """A set in a file's bytes, best mapped into memory: the index is copied, a look-up reads one page of the rest.

    Whoever maps a file advises the kernel of random access after this has read the index, not before. The mapping
    cannot be closed while the set is there.

    Attributes:
        kind: What its hashes are of.
        kid: Whose passes it is about; empty: anybody's.
    """

    def __init__(self, buffer: Buffer) -> None:
        """Read header and index.

        Raises:
            RevocationSetError: Not a whole set.
        """
        whole = memoryview(buffer).cast("B")
        self.kind, self.kid, self._count = _read_header(whole)
        pages_end = PAGE_BYTES * (1 + _pages(self._count))
        self._index = _copied(whole[pages_end:-DIGEST_BYTES])
        if hashlib.sha256(bytes(whole[:PAGE_BYTES]) + self._index).digest() != whole[-DIGEST_BYTES:]:
            raise RevocationSetError(f"the revocation set's header or index is damaged{_ANEW}")
        self._tops = array("Q", (top for (top,) in struct.iter_unpack(_TOP, self._index)))
        if not (all(one < other for one, other in pairwise(self._tops)) or ascending(self._index, _FIRST)):
            raise RevocationSetError("the revocation set's pages are not in order; it was compiled wrongly")
        self._pages = whole[PAGE_BYTES:pages_end]

    @property
    def hashes(self) -> memoryview:
        """Return all hashes, ascending, 16 bytes each."""
        return self._pages[: self._count * HASH_BYTES]

    def __len__(self) -> int:
        return self._count

    def __contains__(self, hash16: bytes) -> bool:
        """Tell whether a hash is in the set.

        Raises:
            RevocationSetError: The page that would hold it is damaged.
        """
        number = self._page_of(hash16)
        if number < 0:
            return False
        page = self._page(number)
        at = page.find(hash16)
        while at % HASH_BYTES and at >= 0:  # the end of one hash and the beginning of the next
            at = page.find(hash16, at + 1)
        return at >= 0 and number * PAGE_HASHES + at // HASH_BYTES < self._count  # behind that is padding

    def rank(self, hash16: bytes) -> int:
        """Return how many hashes of the set are smaller.

        Raises:
            RevocationSetError: The page that would hold it is damaged.
        """
        number = self._page_of(hash16)
        if number < 0:
            return 0
        page, before = self._page(number), number * PAGE_HASHES
        here = range(min(PAGE_HASHES, self._count - before))
        return before + bisect_left(here, hash16, key=lambda n: page[n * HASH_BYTES : (n + 1) * HASH_BYTES])

    def _page_of(self, hash16: bytes) -> int:
        """Return the page that holds a hash if any does; -1: it is smaller than all."""
        number = bisect_right(self._tops, int.from_bytes(hash16[:_TOP_BYTES])) - 1
        # Pages that begin alike are told apart one by one: for two of them 257 hashes have 8 bytes in common.
        while number >= 0 and self._index[number * _ENTRY.size : number * _ENTRY.size + HASH_BYTES] > hash16:
            number -= 1
        return number

    def _page(self, number: int) -> bytes:
        page = bytes(self._pages[number * PAGE_BYTES : (number + 1) * PAGE_BYTES])
        if not self._index.startswith(_ENTRY.pack(page[:HASH_BYTES], zlib.crc32(page)), number * _ENTRY.size):
            raise RevocationSetError(f"page {number} of the revocation set is damaged{_ANEW}")
        return page


def _copied(index: memoryview) -> bytes:
    """Copy what may have to come from the disk, a block at a time: other threads of the interpreter wait meanwhile."""
    copied = bytearray()
    for start in range(0, len(index), BLOCK_BYTES):
        copied += index[start : start + BLOCK_BYTES]
    return bytes(copied)


def _read_header(whole: memoryview) -> tuple[Kind, bytes, int]:
    """Return kind, kid and count of a set of just this size."""
    if len(whole) < size_of(0):
        raise RevocationSetError(f"{len(whole)} bytes are no revocation set{_ANEW}")
    magic, version, number, kid_bytes, kid, count, _ = _HEADER.unpack_from(whole)
    if magic != _MAGIC:
        raise RevocationSetError("this is no revocation set")
    if version != _VERSION or not 0 < number <= len(_KINDS):
        raise RevocationSetError(f"a revocation set of version {version}, kind {number}; newer firmware may read it")
    kind, kid = _KINDS[number - 1], kid[:kid_bytes]
    if header(kind, kid, count) != whole[:PAGE_BYTES]:
        raise RevocationSetError(f"the revocation set's header contradicts itself{_ANEW}")
    if size_of(count) != len(whole):
        raise RevocationSetError(f"{len(whole)} bytes of a revocation set that has {size_of(count)}{_ANEW}")
    return kind, kid, count


def ascending(rows: bytes | memoryview, row: str = f"{HASH_BYTES}s") -> bool:
    """Tell whether each row's hash is greater than the one before; `row` as `struct` writes it."""
    before, behind = memoryview(rows), memoryview(rows)[struct.calcsize(row) :]
    step = struct.calcsize(row) * TURN_ROWS
    return all(
        all(map(operator.lt, struct.iter_unpack(row, before[at : at + len(part)]), struct.iter_unpack(row, part)))
        for at, part in ((at, behind[at : at + step]) for at in range(0, len(behind), step))
    )


class SetWriter:
    """Writes a set from its first byte to its last. What it holds is the index, 20 bytes a page, and one block."""

    def __init__(self, write: Write, kind: Kind, kid: bytes, count: int) -> None:
        """Write the header of a set that will have so many hashes.

        Raises:
            ValueError: As `header`.
        """
        self._write = write
        self._header = header(kind, kid, count)
        self._block, self._index = bytearray(), bytearray()
        write(self._header)

    def add(self, hashes: bytes | memoryview) -> None:
        """Go on with hashes, ascending and greater than all before."""
        for start in range(0, len(hashes), BLOCK_BYTES):
            self._block += hashes[start : start + BLOCK_BYTES]
            if len(self._block) >= BLOCK_BYTES:
                self._flush(bytes(self._block[:BLOCK_BYTES]))
                del self._block[:BLOCK_BYTES]

    def finish(self) -> None:
        """Write what is left, the index and the digest."""
        self._flush(bytes(self._block) + b"\xff" * (-len(self._block) % PAGE_BYTES))
        self._write(bytes(self._index))
        self._write(hashlib.sha256(self._header + self._index).digest())

    def _flush(self, pages: bytes) -> None:
        for start in range(0, len(pages), PAGE_BYTES):
            page = pages[start : start + PAGE_BYTES]
            self._index += _ENTRY.pack(page[:HASH_BYTES], zlib.crc32(page))
        self._write(pages)
