"""Compile hashes to a revocation set's file, and two such files to the delta between them.

Importing numpy takes longer than most commands: import this where there is something to compile.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from centre.files import PUBLIC, staging
from verifier.revocation_delta import encode
from verifier.revocation_set import HASH_BYTES, Kind, RevocationSet, SetWriter

Hashes: TypeAlias = NDArray[np.bytes_]

_HASH = np.dtype(f"S{HASH_BYTES}")  # ordered as bytes are; of equal length, zeros at the end are no less significant
_STEP = 1 << 20  # hashes at a time: 16 MiB, and as much again for what is found out about them


class CompilingError(Exception):
    """The hashes, or the set before, cannot be used."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A set's file: its SHA-256 in hexadecimal, its bytes, its hashes."""

    sha256: str
    size: int
    count: int


def compile_set(kind: Kind, kid: bytes, blobs: Iterable[bytes], to: Path) -> Compiled:
    """Write the set of all hashes in some runs of them, in any order, however often each is there.

    Memory: 16 bytes a hash, and some 100 MiB. The file is there whole or not at all, synced.

    Args:
        kind: What the hashes are of.
        kid: Whose passes they are about; empty: anybody's.
        blobs: Hashes of 16 bytes, any number of them behind one another.
        to: The file; one that is there is replaced.

    Raises:
        CompilingError: A run that does not consist of whole hashes.
        ValueError: A kid that is too long.
        OSError: The file cannot be written.
    """
    hashes = _gathered(blobs)
    hashes.sort()
    count, size, digest = sum(len(part) for part in _distinct(hashes)), 0, hashlib.sha256()
    with staging(to, PUBLIC) as (file, put):

        def write(data: bytes) -> None:
            nonlocal size
            size += file.write(data)
            digest.update(data)

        writer = SetWriter(write, kind, kid, count)
        for part in _distinct(hashes):
            writer.add(part.tobytes())
        writer.finish()
        put(replace=True)
    return Compiled(digest.hexdigest(), size, count)


def _gathered(blobs: Iterable[bytes]) -> Hashes:
    gathered = bytearray()
    for blob in blobs:
        if len(blob) % HASH_BYTES:
            raise CompilingError(f"{len(blob)} bytes of hashes; a revocation hash has {HASH_BYTES}")
        gathered += blob
    return np.frombuffer(gathered, _HASH)


def _distinct(ordered: Hashes) -> Iterator[Hashes]:
    """Yield what is there, each hash once, a step at a time."""
    for start in range(0, len(ordered), _STEP):
        part = ordered[start : start + _STEP]
        before = ordered[max(0, start - 1) : start + len(part) - 1]
        other = part[len(part) - len(before) :] != before
        yield part[np.concatenate([np.ones(len(part) - len(before), np.bool_), other])]


def make_delta(old: Path, new: Path) -> bytes:
    """Return what leads from one set's file to another's of the same kind and kid.

    Raises:
        CompilingError: They are not of the same kind and kid.
        RevocationSetError: One of them is no set.
        OSError: One of them cannot be read.
    """
    (before, old_sha256), (after, new_sha256) = _opened(old), _opened(new)
    if (before.kind, before.kid) != (after.kind, after.kid):
        raise CompilingError(f"{old} and {new} are sets of different kinds or signers; compile the same one again")
    was, now = np.frombuffer(before.hashes, _HASH), np.frombuffer(after.hashes, _HASH)
    places = (int(place) for places in _missing(was, now) for place in places)
    return encode(old_sha256, new_sha256, places, b"".join(now[places].tobytes() for places in _missing(now, was)))


def _opened(path: Path) -> tuple[RevocationSet, bytes]:
    """Return a set that is mapped for as long as anybody holds it, and the SHA-256 of its file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        return RevocationSet(mmap(file.fileno(), 0, access=ACCESS_READ) if file.tell() else b""), digest


def _missing(of: Hashes, within: Hashes) -> Iterator[NDArray[np.intp]]:
    """Yield the places of the hashes that the other set has not, a step at a time; both are in order."""
    for start in range(0, len(of), _STEP):
        part = of[start : start + _STEP]
        places = np.searchsorted(within, part)
        missing = np.ones(len(part), np.bool_)
        comparable = places < len(within)
        missing[comparable] = within[places[comparable]] != part[comparable]
        yield start + np.flatnonzero(missing)
