"""From judged modules to blocks of codewords, and back: what is solved is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.symbols.rescue import reed_solomon
from drivers.symbols.rescue.layout import (
    DARK,
    LEVELS,
    LIGHT,
    Layout,
    Modules,
    blocks_of,
    format_words,
    layout_of,
    masks,
)

DIVIDED: Final = 0b0011  # the mode in which a part of a divided code begins (structured append, 7.4.2 and 8)


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a code's data: a format, and blocks that are solved."""

    version: int
    format: int  # level * 8 + mask
    words: NDArray[np.uint8]  # (blocks, longest); zeros where not solved
    solved: NDArray[np.bool_]  # (blocks,)

    @property
    def complete(self) -> bool:
        """Tell whether all of the code is known."""
        return bool(self.solved.all())

    @property
    def divided(self) -> bool:
        """Tell whether what is complete is only a part of a text: zxing-cpp gives it as if it were all."""
        first = blocks_of(self.version, LEVELS[self.format >> 3]).codewords_at[0]
        return bool(self.words[0, np.argmin(first < 0)] >> 4 == DIVIDED)


def format_of(soft: Modules, layout: Layout) -> int:
    """Give the likeliest format by both of its words together."""
    return int(np.argmax(_formats(soft, layout)))


def format_fit(soft: Modules, layout: Layout) -> float:
    """Give how well a format's words fit, from 0 to 1."""
    return float(_formats(soft, layout).max() / (np.abs(soft.ravel()[layout.formats_at]).sum() + 1e-9))


def _formats(soft: Modules, layout: Layout) -> NDArray[np.float32]:
    return np.asarray(format_words() @ soft.ravel()[layout.formats_at].sum(axis=0), np.float32)


def words_of(soft: Modules, layout: Layout, format_: int) -> NDArray[np.uint8]:
    """Give (codewords,) as they are judged, in their order in the symbol."""
    dark = soft.ravel()[layout.data_at] < 0
    return np.packbits(dark ^ _mask(layout.version, format_ & 7))


def solved(soft: Modules, layout: Layout, before: Content | None) -> Content:
    """Solve what blocks can be; what was solved before stays, with the format that it proves."""
    content = before if before is not None and before.solved.any() else _nothing(layout, format_of(soft, layout))
    blocks = blocks_of(layout.version, LEVELS[content.format >> 3])
    reliable = np.abs(soft.ravel()[layout.data_at]).reshape(-1, 8).min(axis=1)
    rows = np.flatnonzero(~content.solved)
    at = blocks.codewords_at[rows]
    padded = at < 0
    words = np.where(padded, 0, words_of(soft, layout, content.format)[at])
    found = reed_solomon.solve(words, reliable[at], blocks.correction, padded)
    all_words, all_solved = content.words.copy(), content.solved.copy()
    all_words[rows[found.solved]] = found.words[found.solved]
    all_solved[rows] = found.solved
    return Content(content.version, content.format, all_words, all_solved)


def known_modules(content: Content, layout: Layout) -> NDArray[np.int8]:
    """Give (side, side): LIGHT or DARK where the version fixes it, or the solved blocks and the format they prove."""
    if not content.solved.any():
        return layout.known
    known = layout.known.copy().ravel()
    known[layout.formats_at] = format_words()[content.format].astype(np.int8)
    blocks = blocks_of(content.version, LEVELS[content.format >> 3])
    at = blocks.codewords_at[content.solved]
    words = np.zeros(layout.data_at.size // 8, np.uint8)
    is_solved = np.zeros(words.size, np.bool_)
    words[at[at >= 0]], is_solved[at[at >= 0]] = content.words[content.solved][at >= 0], True
    dark = np.unpackbits(words).astype(np.bool_) ^ _mask(content.version, content.format & 7)
    places = np.repeat(is_solved, 8)
    known[layout.data_at[places]] = np.where(dark[places], DARK, LIGHT)
    return known.reshape(layout.side, layout.side)


def _nothing(layout: Layout, format_: int) -> Content:
    blocks = blocks_of(layout.version, LEVELS[format_ >> 3])
    count, longest = blocks.codewords_at.shape
    return Content(layout.version, format_, np.zeros((count, longest), np.uint8), np.zeros(count, np.bool_))


@cache  # 320 at most, 5 MB together
def _mask(version: int, number: int) -> NDArray[np.bool_]:
    return np.asarray(masks(layout_of(version))[number], np.bool_)
