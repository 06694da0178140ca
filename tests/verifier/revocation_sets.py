"""Revocation sets written the slow and plain way, as the format is described."""

import hashlib
import struct
import zlib
from collections.abc import Iterable

from hypothesis import strategies as st

from verifier.revocation_set import Kind

HIGHEST = b"\xff" * 16
NUMBERS: dict[Kind, int] = {"uci": 1, "country-uci": 2, "signature": 3, "lx1": 4, "shc-rid": 5}


def set_bytes(hashes: Iterable[bytes], kind: Kind = "uci", kid: bytes = b"") -> bytes:
    """Return the file of a set."""
    ordered = sorted(set(hashes))
    pages = [b"".join(ordered[at : at + 256]).ljust(4096, b"\xff") for at in range(0, len(ordered), 256)]
    head = b"GGREV1\0\0" + struct.pack(">IBB", 1, NUMBERS[kind], len(kid)) + kid.ljust(32, b"\0")
    header = (head + struct.pack(">QQ", len(ordered), len(pages))).ljust(4096, b"\0")
    index = b"".join(page[:16] + struct.pack(">I", zlib.crc32(page)) for page in pages)
    return header + b"".join(pages) + index + hashlib.sha256(header + index).digest()


def numbered(count: int) -> list[bytes]:
    """Return so many hashes, in order, spread over all there are; the last is the highest of all."""
    return [HIGHEST if number == count else (number * 2**128 // count).to_bytes(16) for number in range(1, count + 1)]


def alike(count: int) -> list[bytes]:
    """Return so many hashes, in order, that have their first 8 bytes in common."""
    return [b"as these" + number.to_bytes(8) for number in range(1, 2 * count, 2)]


def hash_lists() -> st.SearchStrategy[list[bytes]]:
    """Return lists of hashes that lie close, so that they meet; sometimes over more pages than one."""
    few = st.integers(0, 40).map(lambda number: number.to_bytes(16))
    apart = st.sampled_from([HIGHEST, bytes(16), b"\x80" + bytes(15), bytes(15) + b"\xff"])
    pages = st.sampled_from([255, 256, 257, 512]).map(numbered)
    some = st.lists(few | apart | st.binary(min_size=16, max_size=16), max_size=30)
    return some | pages | st.sampled_from([256, 600]).map(alike)
