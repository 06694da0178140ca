"""Where a QR code keeps what: ISO/IEC 18004, versions 1 to 40 (model 2). Modules are numbered row by row.

segno, which prints codes, has most of it in tables that it does not document; the tests compare ours with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Modules = NDArray[np.float32]  # (side, side): what each module seems to be, light positive, dark negative

VERSIONS: Final = range(1, 41)
VERSION_WORDS_FROM: Final = 7  # smaller codes do not say their version
FINDER_SIDE: Final = 7
TIMING: Final = 6  # row and column of the timing patterns
LIGHT: Final = 1
DARK: Final = -1
LEVELS: Final = "MLHQ"  # as the two bits of a format number them (table 12)
FORMATS: Final = 32  # level * 8 + mask

# Table 9, versions 1 to 40: error correction codewords of each block, and blocks
_CORRECTION: Final = {
    "L": "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28 28 28 30 30 26 28" + " 30" * 14,
    "M": "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26 26" + " 28" * 19,
    "Q": "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30 28 30 30 30 30 28" + " 30" * 14,
    "H": "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28 30 24" + " 30" * 18,
}
_BLOCKS: Final = {
    "L": "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12 12 12 13 14 15 16 17 18 19 19 20 21 22 24 25",
    "M": "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21 23 25 26 28 29 31 33 35 37 38 40 43 45 47 49",
    "Q": "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29 34 34 35 38 40 43 45 48 51 53 56 59 62 65 68",
    "H": "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25"
    " 25 34 30 32 35 37 40 42 45 48 51 54 57 60 63 66 70 74 77 81",
}
_FORMAT_GENERATOR, _FORMAT_DEGREE, _FORMAT_MASK = 0x537, 10, 0x5412  # annex C
_VERSION_GENERATOR, _VERSION_DEGREE = 0x1F25, 12  # annex D


@dataclass(frozen=True, slots=True)
class Layout:
    """A version's modules."""

    version: int
    side: int  # modules along an edge
    known: NDArray[np.int8]  # (side, side): LIGHT or DARK as the version fixes it, else 0
    alignment: NDArray[np.float64]  # (patterns, 2): x and y of their centres in modules from the outer corner
    formats_at: NDArray[np.intp]  # (2, 15): modules of both format words, the lowest bit first
    data_at: NDArray[np.intp]  # (8 * codewords,): modules of the data in their order, the highest bit first


@dataclass(frozen=True, slots=True)
class Blocks:
    """How codewords are dealt out to blocks of error correction."""

    codewords_at: NDArray[np.intp]  # (blocks, longest): their places in the order of the data; -1 before a short block
    correction: int  # codewords of error correction in each block


def side_of(version: int) -> int:
    """Give how many modules an edge has."""
    return 17 + 4 * version


@cache  # 40 at most, 4 MB together
def layout_of(version: int) -> Layout:
    """Lay a version out."""
    side = side_of(version)
    known, alignment = _known(version)
    formats_at = _formats_at(side)
    taken = known.ravel() != 0
    taken[formats_at] = True
    path = _path(side)
    path = path[~taken[path]]
    whole = path[: path.size // 8 * 8]
    return Layout(version, side, known, alignment, formats_at, whole)


@cache  # 160 at most, 2 MB together
def blocks_of(version: int, level: str) -> Blocks:
    """Deal the codewords of a version out to the blocks of a level (one of `LEVELS`), as 7.6 interleaves them."""
    codewords = layout_of(version).data_at.size // 8
    correction = int(_CORRECTION[level].split()[version - 1])
    count = int(_BLOCKS[level].split()[version - 1])
    data = codewords - count * correction
    short, long_blocks = divmod(data, count)
    block = np.arange(count)[:, None]
    first = short * count + block - (count - long_blocks)  # the long blocks' additional data codewords
    even = np.arange(short)[None] * count + block
    check = data + np.arange(correction)[None] * count + block
    last = np.where(block >= count - long_blocks, first, -1)
    rows = np.concatenate([even, last, check], axis=1)
    is_short = np.arange(count) < count - long_blocks
    rows[is_short, : short + 1] = np.roll(rows[is_short, : short + 1], 1, axis=1)  # leading zeros change no block
    return Blocks(rows if long_blocks else rows[:, 1:], correction)


def masks(layout: Layout) -> NDArray[np.bool_]:
    """Give (8, 8 * codewords): which data modules each mask (table 10) turns over."""
    row, column = np.divmod(layout.data_at, layout.side)
    return np.stack(
        [
            (row + column) % 2 == 0,
            row % 2 == 0,
            column % 3 == 0,
            (row + column) % 3 == 0,
            (row // 2 + column // 3) % 2 == 0,
            row * column % 2 + row * column % 3 == 0,
            (row * column % 2 + row * column % 3) % 2 == 0,
            ((row + column) % 2 + row * column % 3) % 2 == 0,
        ]
    )


@cache
def format_words() -> NDArray[np.float32]:
    """Give (32, 15): both words of each format as LIGHT and DARK, the lowest bit first."""
    words = [_checked(value, _FORMAT_GENERATOR, _FORMAT_DEGREE) ^ _FORMAT_MASK for value in range(FORMATS)]
    return _as_modules(words, 15)


@cache
def version_words() -> NDArray[np.float32]:
    """Give (34, 18): the word of each version from 7 on as LIGHT and DARK, the lowest bit first."""
    values = range(VERSION_WORDS_FROM, VERSIONS.stop)
    return _as_modules([_checked(value, _VERSION_GENERATOR, _VERSION_DEGREE) for value in values], 18)


def alignment_lines(version: int) -> list[int]:
    """Give the rows, which are the columns too, of the centres of alignment patterns (annex E)."""
    if version == 1:
        return []
    lines = version // 7 + 2
    step = (version * 8 + lines * 3 + 5) // (lines * 4 - 4) * 2
    return [6, *reversed([side_of(version) - 7 - step * line for line in range(lines - 1)])]


def _known(version: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    side = side_of(version)
    known = np.zeros((side, side), np.int8)
    known[TIMING, :] = known[:, TIMING] = np.where(np.arange(side) % 2 == 0, DARK, LIGHT)
    for row, column in ((0, 0), (0, side - 8), (side - 8, 0)):
        known[row : row + 8, column : column + 8] = LIGHT  # separators
    finder = _rings(FINDER_SIDE)
    known[:7, :7] = known[:7, -7:] = known[-7:, :7] = finder
    lines = alignment_lines(version)
    corners = {(6, 6), (6, side - 7), (side - 7, 6)}
    centres = [(row, column) for row in lines for column in lines if (row, column) not in corners]
    for row, column in centres:
        known[row - 2 : row + 3, column - 2 : column + 3] = _rings(5)
    known[side - 8, 8] = DARK
    if version >= VERSION_WORDS_FROM:
        word = version_words()[version - VERSION_WORDS_FROM].reshape(6, 3)
        known[:6, side - 11 : side - 8] = word
        known[side - 11 : side - 8, :6] = word.T
    points = np.array([(column + 0.5, row + 0.5) for row, column in centres], np.float64)
    return known, points.reshape(-1, 2)


def _rings(side: int) -> NDArray[np.int8]:
    """Draw a dark ring, a light ring, and a dark middle."""
    rings = np.full((side, side), DARK, np.int8)
    rings[1:-1, 1:-1] = LIGHT
    rings[2:-2, 2:-2] = DARK
    return rings


def _formats_at(side: int) -> NDArray[np.intp]:
    """Place both format words (figure 25)."""
    first = [(row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8)] + [(8, column) for column in (7, 5, 4, 3, 2, 1, 0)]
    second = [(8, side - 1 - bit) for bit in range(8)] + [(side - 15 + bit, 8) for bit in range(8, 15)]
    return np.array([[row * side + column for row, column in copy] for copy in (first, second)], np.intp)


def _path(side: int) -> NDArray[np.intp]:
    """Go up and down in pairs of columns from the right (figure 16), leaving out the timing column."""
    rights = [column - (column <= TIMING) for column in range(side - 1, 0, -2)]
    pairs = []
    for turn, right in enumerate(rights):
        rows = np.arange(side)[:: 1 if turn % 2 else -1]
        pairs.append((rows[:, None] * side + np.array([right, right - 1])).ravel())
    return np.concatenate(pairs)


def _checked(value: int, generator: int, degree: int) -> int:
    """Append the remainder of a BCH code."""
    rest = value << degree
    while rest.bit_length() > degree:
        rest ^= generator << (rest.bit_length() - 1 - degree)
    return value << degree | rest


def _as_modules(words: list[int], bits: int) -> NDArray[np.float32]:
    return np.array([[DARK if word >> bit & 1 else LIGHT for bit in range(bits)] for word in words], np.float32)
