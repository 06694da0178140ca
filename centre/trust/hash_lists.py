"""Many revocation hashes of 16 bytes as one byte string: sorted, joined, taken apart (pure)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from verifier.revocation_set import HASH_BYTES

BUCKETS = 256  # of a list that changes, by a hash's first byte: a day's few change little of millions

_Hashes = npt.NDArray[np.bytes_]
_HASH = f"S{HASH_BYTES}"  # numpy leaves zeros at the end out of a comparison: among equal widths that changes nothing


def unique(hashes: bytes) -> bytes:
    """Return them sorted, each once."""
    return np.unique(_array(hashes)).tobytes()


def union(first: bytes, second: bytes) -> bytes:
    """Return all of both, sorted, each once."""
    return unique(first + second)


def without(hashes: bytes, gone: bytes) -> bytes:
    """Return sorted ones, except those that are gone."""
    here = _array(hashes)
    return here[~np.isin(here, _array(gone))].tobytes()


def by_first_byte(hashes: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the hashes that begin with each byte, sorted and each once; bytes that none begins with are left out."""
    ordered = np.unique(_array(hashes))
    firsts = np.frombuffer(ordered.tobytes(), np.uint8)[::HASH_BYTES]
    ends = np.searchsorted(firsts, np.arange(BUCKETS), side="right")
    begin = 0
    for first, end in enumerate(int(end) for end in ends):
        if end > begin:
            yield first, ordered[begin:end].tobytes()
        begin = end


def _array(hashes: bytes) -> _Hashes:
    return np.frombuffer(hashes, _HASH)
