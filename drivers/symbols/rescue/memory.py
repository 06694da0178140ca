"""What the frames of one presentation say together of each module.

A frame that cannot be read leaves its judgements, weighed by how well they fit what is known; the next frame's are
added. Codes must not be mixed: a frame is only added to earlier ones that say the same of most modules, and what is
read from several frames must be in each of its blocks what the last frame itself shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.symbols.rescue.codewords import Content, known_modules
from drivers.symbols.rescue.equaliser import Judged
from drivers.symbols.rescue.layout import LEVELS, Layout, Modules, blocks_of
from drivers.symbols.rescue.locate import Hypothesis

JUDGEMENT_MOST: Final = 1.2  # beyond it a judgement is no surer
ERROR_LEAST: Final = 0.05  # mean square: a sharp frame does not outweigh all others
KEPT_SHARE: Final = 0.8  # of earlier frames' say, with each further frame
AGREE_LEAST: Final = 0.5  # correlation of what frames say: 0.69 and more for one code, 0 for two
AGAINST_MOST: Final = 0.08  # of a frame's say on a block; 0.06 at most where it showed it, 0.09 and more where not
EXCESS_MOST: Final = 1.2  # by which that differs from block to block, for blocks of one bit; 0.9 where it showed it
TYPICAL: Final = 0.8  # mean of judgements, which the equaliser learns from


@dataclass(frozen=True, slots=True)
class Memory:
    """A code that the last frame held, and what the frames so far say of it."""

    hypothesis: Hypothesis  # where it was; its version alone
    evidence: Modules  # (side, side): light positive, dark negative


def weighed(first: Judged, soft: Modules, content: Content, layout: Layout) -> Modules:
    """Weigh a frame's judgements by its first error on what is known beforehand; solved blocks are sure."""
    known = known_modules(content, layout)
    sure = np.where(known != 0, JUDGEMENT_MOST * known, np.clip(soft, -JUDGEMENT_MOST, JUDGEMENT_MOST))
    return (sure / max(first.error, ERROR_LEAST)).astype(np.float32)


def joined(earlier: Modules, own: Modules, layout: Layout) -> Modules | None:
    """Add a frame to earlier ones; None where they say something else."""
    open_ = layout.known == 0
    product = (earlier * own)[open_]
    if product.sum() < AGREE_LEAST * np.abs(product).sum():
        return None
    return (KEPT_SHARE * earlier + own).astype(np.float32)


def levelled(evidence: Modules) -> Modules:
    """Scale evidence to what judgements of one frame are."""
    return np.asarray(evidence * (TYPICAL / np.abs(evidence).mean()), np.float32)


def shown(content: Content, own: Modules, layout: Layout) -> bool:
    """Tell whether a frame shows all blocks of what was read from it and others alike."""
    says = own.ravel()[layout.data_at]
    said = known_modules(content, layout).ravel()[layout.data_at]
    against = _by_codeword(np.where(says * said < 0, np.abs(says), 0))
    weight = _by_codeword(np.abs(says))
    at = blocks_of(layout.version, LEVELS[content.format >> 3]).codewords_at
    real = at >= 0
    share = np.where(real, against[at], 0).sum(axis=1) / np.where(real, weight[at], 1e-6).sum(axis=1)
    chance = np.sqrt(8 * at.shape[1])  # shares of longer blocks scatter less
    return bool(share.max() <= AGAINST_MOST and np.ptp(share) * chance <= EXCESS_MOST)


def _by_codeword(bits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(bits.reshape(-1, 8).sum(axis=1), np.float32)
