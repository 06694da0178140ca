"""Which version a code has: its words beside the finders (from 7 on), its timing lines, and its length in modules."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2
from drivers.symbols.rescue.finders import Picture, sampled
from drivers.symbols.rescue.layout import FINDER_SIDE, VERSION_WORDS_FROM, VERSIONS, side_of, version_words
from drivers.symbols.rescue.triples import Triple

SIDES: Final = np.array([side_of(version) for version in VERSIONS], np.float64)
LENGTH_DEVIATION: Final = 0.06  # of the log of the legs' length in modules, as fitted frames have it
LENGTH_WEIGHT: Final = 0.1
LENGTH_LOSS_MOST: Final = 1.2
SHIFT_LOSS: Final = 0.05  # for each module that a word is moved
BITS: Final = 18
TIMING_SAMPLES: Final = 512  # three for each module of the largest code
TIMING_WEIGHT: Final = 0.5
TIMING_FOR_WORDS: Final = 1.5  # small codes have no words: their timing lines, which are short, count for both
FINDER_MODULES: Final = 4.5  # from a finder's centre to the end of its separator


def version_scores(luma: Picture, triple: Triple, sign: int) -> NDArray[np.float64]:
    """Give each version's score (40,); `sign` is -1 where light and dark are swapped."""
    timing = _timing(luma, triple) * sign
    words = _words(luma, triple, sign)
    stated = np.where(side_of(VERSION_WORDS_FROM) > SIDES, TIMING_FOR_WORDS * timing, words)
    return np.asarray(stated + TIMING_WEIGHT * timing + np.maximum(_length(triple), -LENGTH_LOSS_MOST), np.float64)


def _length(triple: Triple) -> NDArray[np.float64]:
    off = [np.log((modules + FINDER_SIDE) / SIDES) / LENGTH_DEVIATION for modules in triple.modules]
    return np.asarray(-LENGTH_WEIGHT * sum(np.square(part) for part in off), np.float64)


@cache
def _word_places() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Give samples in modules from the right and the lower finder (2, shifts, bits * 9, 2), and the shifts' losses."""
    bit = np.arange(BITS)
    across, along = bit % 3 - 7.0, bit // 3 - 3.0
    fine = np.array([-0.25, 0, 0.25])
    spread = np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
    shifts = np.stack(np.meshgrid([-0.9, -0.45, 0, 0.45, 0.9], [-0.4, 0, 0.4]), axis=-1).reshape(-1, 2)
    places = np.stack([across, along], axis=1)[None, :, None] + spread + shifts[:, None, None]
    flat = places.reshape(len(shifts), -1, 2)
    return np.stack([flat, flat[..., ::-1]]).astype(np.float32), SHIFT_LOSS * np.abs(shifts).sum(axis=1)


def _words(luma: Picture, triple: Triple, sign: int) -> NDArray[np.float64]:
    """Correlate both version words with those of each version (40,), over small shifts; 0 where it has none."""
    places, losses = _word_places()
    seen = sampled(luma, triple.centres[1:], triple.frames[1:], places.reshape(2, -1, 2))
    bits = sign * seen.reshape(2, len(losses), BITS, -1).mean(axis=3)
    bits -= (bits.min(axis=2, keepdims=True) + bits.max(axis=2, keepdims=True)) / 2
    bits /= np.linalg.norm(bits, axis=2, keepdims=True) + np.float32(1e-3)
    like = bits @ version_words().T / np.float32(np.sqrt(BITS)) - losses[:, None]
    score = np.zeros(len(SIDES))
    score[VERSION_WORDS_FROM - VERSIONS[0] :] = like.max(axis=1).sum(axis=0)
    return score


@cache
def _timing_lines() -> NDArray[np.float32]:
    """Give (40, samples): the timing line between two finders' centres, of mean 0 and length 1, for each version."""
    at = (np.arange(TIMING_SAMPLES) + 0.5) / TIMING_SAMPLES
    modules = at * (SIDES - FINDER_SIDE)[:, None]
    ends = modules[:, ::-1]
    line = np.where((modules > FINDER_MODULES) & (ends > FINDER_MODULES), -np.cos(np.pi * (modules + 3)), 0)
    return np.asarray(line / np.linalg.norm(line, axis=1, keepdims=True), np.float32)


def _timing(luma: Picture, triple: Triple) -> NDArray[np.float64]:
    """Correlate both timing lines with those of each version (40,), along curves that the finders' frames lead."""
    at = ((np.arange(TIMING_SAMPLES) + 0.5) / TIMING_SAMPLES)[:, None]
    lines = []
    for end, axis in ((1, 0), (2, 1)):
        beside = np.full(2, 3.0)
        beside[axis] = 0
        start, stop = (triple.centres[i] + triple.frames[i] @ beside for i in (0, end))
        leave, reach = (triple.frames[i][:, axis] * triple.modules[axis] for i in (0, end))
        curve = start + at * leave + at**2 * (3 * (stop - start) - 2 * leave - reach)
        lines.append(curve + at**3 * (2 * (start - stop) + leave + reach))
    seen = cv2.remap(luma, np.asarray(lines, np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = seen.astype(np.float32)
    window = max(3, round(4 * TIMING_SAMPLES / min(triple.modules)))
    seen -= cv2.blur(seen, (window, 1))
    seen /= np.sqrt(cv2.blur(seen * seen, (window, 1))) + 1
    seen /= np.linalg.norm(seen, axis=1, keepdims=True) + np.float32(1e-3)
    return np.asarray((seen @ _timing_lines().T).sum(axis=0), np.float64)
