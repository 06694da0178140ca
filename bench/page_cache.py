"""Mapped files: what of one is in the kernel's page cache, and how to get it out of there."""

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)


def mapped(path: Path) -> mmap.mmap:
    """Map a file as a kiosk does."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def drop(path: Path, file: mmap.mmap) -> None:
    """Take a file, and what is mapped of it, out of the cache; it must be on the disk."""
    file.madvise(mmap.MADV_DONTNEED)  # what is mapped stays cached
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def cached_pages(file: mmap.mmap) -> int:
    """Return how many pages of a mapped file are in the cache (mincore(2)).

    Raises:
        OSError: The kernel does not tell.
    """
    pages = np.zeros(-(-len(file) // mmap.PAGESIZE), np.uint8)
    start = np.frombuffer(file, np.uint8).ctypes.data
    found = _libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(len(file)), ctypes.c_void_p(pages.ctypes.data))
    if found:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(np.count_nonzero(pages & 1))
