"""Reed-Solomon codes of QR codes, all blocks of a symbol at once: errors, and erasures of the least reliable words.

ISO/IEC 18004 annex B: GF(256) by 0x11D, the generator's roots are alpha^0, alpha^1, ... Berlekamp and Massey's
algorithm started from the erasures' locator (Blahut), then Forney's. One row of each array is one block with one set
of erasures.
"""

from __future__ import annotations

from functools import cache
from math import comb
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint8]

# A block is taken only if random words would be so close to a codeword less often than this: a whole symbol is tried
# some hundred times with different erasures, and what it says then must be what is printed
CHANCE_MOST: Final = 1e-8
SPARE_LEAST: Final = 8  # codewords of correction that are never spent on erasures
SHORT: Final = 16  # codewords of correction; blocks with fewer are tried without erasures
ERASED_SHARES: Final = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)  # of the codewords of correction
_ZERO_LOG: Final = 512  # the logarithm of 0: sums with it lie where the table of powers is 0


class Solved(NamedTuple):
    """What became of each block."""

    words: Words  # (blocks, length): corrected where solved
    solved: NDArray[np.bool_]  # (blocks,)


def solve(words: Words, reliable: NDArray[np.float32], correction: int, padded: NDArray[np.bool_]) -> Solved:
    """Correct blocks of (blocks, length), with none and then with more and more of the least reliable words erased.

    `padded` words are zeros that lead a shorter block.
    """
    syndromes = _syndromes(words, correction)
    result = words.copy()
    solved: NDArray[np.bool_] = np.asarray(~syndromes.any(axis=1))
    ranks = np.argsort(np.argsort(np.where(padded, np.inf, reliable), axis=1), axis=1)
    counts = _erased_counts(correction)
    for tries in (counts[:1], counts[1:]):  # most blocks that can be solved are solved without erasures
        open_ = np.flatnonzero(~solved)
        if not (open_.size and tries):
            break
        block = np.repeat(open_, len(tries))
        erased = ranks[block] < np.tile(tries, open_.size)[:, None]
        corrected, held = _decode(words[block], syndromes[block], erased)
        held &= ~(corrected.astype(bool) & padded[block]).any(axis=1)
        for row in np.flatnonzero(held)[::-1]:  # the fewest erasures last: they leave most words to speak against it
            result[block[row]], solved[block[row]] = corrected[row], True
    return Solved(result, solved)


@cache
def errors_most(length: int, correction: int, erased: int) -> int:
    """Give how many errors a block may have beside its erasures, so that it is hardly ever another's or noise."""
    errors = (correction - erased) // 2
    while errors > 0 and comb(length - erased, errors) * 255.0**errors / 256.0 ** (correction - erased) > CHANCE_MOST:
        errors -= 1
    return errors


def _erased_counts(correction: int) -> list[int]:
    if correction < SHORT:
        return [0]
    return sorted({min(int(share * correction), correction - SPARE_LEAST) for share in ERASED_SHARES})


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Give powers of alpha (0 from `_ZERO_LOG` on), and logarithms."""
    powers, logs = np.zeros(2 * _ZERO_LOG + 1, np.uint8), np.full(256, _ZERO_LOG, np.int16)
    value = 1
    for exponent in range(255):
        powers[[exponent, exponent + 255]], logs[value] = value, exponent
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return powers, logs


@cache
def _places(length: int, degree: int) -> NDArray[np.int16]:
    """Give (degree, length): logarithms of each word's place to the power of each degree."""
    return (np.arange(degree)[:, None] * (length - 1 - np.arange(length))[None] % 255).astype(np.int16)


def _times(left: Words, right: Words) -> Words:
    powers, logs = _tables()
    return np.asarray(powers[logs[left] + logs[right]], np.uint8)


def _syndromes(words: Words, correction: int) -> Words:
    powers, logs = _tables()
    terms = powers[logs[words][:, None] + _places(words.shape[1], correction)[None]]
    return np.asarray(np.bitwise_xor.reduce(terms, axis=2), np.uint8)


def _values(polynomials: Words, length: int) -> Words:
    """Evaluate (rows, degree + 1) at the inverse of each word's place: the terms, (rows, degree + 1, length)."""
    powers, logs = _tables()
    inverse = (255 - _places(length, polynomials.shape[1])) % 255
    return np.asarray(powers[logs[polynomials][:, :, None] + inverse[None]], np.uint8)


def _decode(words: Words, syndromes: Words, erased: NDArray[np.bool_]) -> tuple[Words, NDArray[np.bool_]]:
    length, correction = words.shape[1], syndromes.shape[1]
    lost = erased.sum(axis=1)
    locator, degree = _locator(syndromes, _erasure_locator(erased, correction), lost)
    most = np.array([errors_most(length, correction, int(count)) for count in lost])
    held = (degree - lost <= most) & (locator[np.arange(len(words)), np.minimum(degree, correction)] > 0)
    rows = np.flatnonzero(held)
    corrected = words.copy()
    terms = _values(locator[rows], length)
    at_fault = np.bitwise_xor.reduce(terms, axis=1) == 0
    whole = at_fault.sum(axis=1) == degree[rows]
    held[rows[~whole]] = False
    rows, terms, at_fault = rows[whole], terms[whole], at_fault[whole]
    corrected[rows] ^= _magnitudes(syndromes[rows], locator[rows], terms, at_fault)
    held[rows[_syndromes(corrected[rows], correction).any(axis=1)]] = False
    return corrected, held


def _erasure_locator(erased: NDArray[np.bool_], correction: int) -> Words:
    """Multiply (1 - place * x) of all erasures: (rows, correction + 1)."""
    powers, _ = _tables()
    length = erased.shape[1]
    order = np.argsort(~erased, axis=1, kind="stable")
    locator = np.zeros((len(erased), correction + 1), np.uint8)
    locator[:, 0] = 1
    for turn in range(int(erased.sum(axis=1).max(initial=0))):
        column = order[:, turn]
        place = np.where(np.take_along_axis(erased, column[:, None], 1)[:, 0], powers[length - 1 - column], 0)
        locator[:, 1:] ^= _times(locator[:, :-1], place[:, None].astype(np.uint8))
    return locator


def _locator(syndromes: Words, start: Words, lost: NDArray[np.intp]) -> tuple[Words, NDArray[np.intp]]:
    """Find the locators of errors and erasures, and their degrees (Berlekamp and Massey)."""
    powers, logs = _tables()
    locator, other, degree = start.copy(), start.copy(), lost.copy()
    for step in range(1, syndromes.shape[1] + 1):
        active = step > lost
        products = _times(locator[:, :step], syndromes[:, step - 1 :: -1])
        gap = np.where(active, np.bitwise_xor.reduce(products, axis=1), 0).astype(np.uint8)
        shifted = np.where(active[:, None], np.pad(other, ((0, 0), (1, 0)))[:, :-1], other)
        grows = (gap > 0) & (2 * degree <= step + lost - 1)
        inverse = powers[(255 - logs[gap]) % 255]
        other = np.where(grows[:, None], _times(locator, inverse[:, None]), shifted)
        locator = locator ^ _times(shifted, gap[:, None])
        degree = np.where(grows, step + lost - degree, degree)
    return locator, degree


def _magnitudes(syndromes: Words, locator: Words, terms: Words, at_fault: NDArray[np.bool_]) -> Words:
    """Tell what is wrong at each place of fault (Forney): the evaluator over the locator's odd terms."""
    powers, logs = _tables()
    correction, length = syndromes.shape[1], at_fault.shape[1]
    evaluator = np.zeros_like(syndromes)
    for power in range(correction):
        evaluator[:, power:] ^= _times(syndromes[:, : correction - power], locator[:, power, None])
    above = np.bitwise_xor.reduce(_values(evaluator, length), axis=1)
    below = np.bitwise_xor.reduce(terms[:, 1::2], axis=1)
    wrong = _times(above, powers[(255 - logs[below]) % 255])
    return np.where(at_fault, wrong, 0).astype(np.uint8)
