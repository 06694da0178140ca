from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.symbols.rescue.codewords import Content, known_modules, solved
from drivers.symbols.rescue.equaliser import Judged
from drivers.symbols.rescue.layout import LEVELS, blocks_of, layout_of
from drivers.symbols.rescue.memory import ERROR_LEAST, JUDGEMENT_MOST, KEPT_SHARE, joined, levelled, shown, weighed
from tests.drivers.rescue_pictures import TEXT, matrix_of
from tests.drivers.test_rescue_codewords import data, modules_of, noisy

VERSION = 14
LAYOUT = layout_of(VERSION)
MODULES = modules_of(matrix_of(TEXT * 13, VERSION, "l", 2))
BLOCKS = blocks_of(VERSION, "L").codewords_at


def evidence(modules: NDArray[np.float32], amount: float, seed: int) -> NDArray[np.float32]:
    soft = noisy(modules, amount, seed)
    return weighed(Judged(soft, 0.1, amount**2), soft, solved(soft, LAYOUT, None), LAYOUT)


def complete(modules: NDArray[np.float32]) -> Content:
    return solved(modules, LAYOUT, None)


def another(blocks: list[int], words: int) -> NDArray[np.float32]:
    """Give a code of which some blocks differ in so many words (which need not be a codeword: these are modules)."""
    content = complete(MODULES)
    changed = content.words.copy()
    changed[blocks, -words:] ^= 0x5A
    other = Content(VERSION, content.format, changed, content.solved)
    return np.where(LAYOUT.known != 0, MODULES, known_modules(other, LAYOUT)).astype(np.float32)


def test_two_frames_tell_what_neither_does() -> None:
    frames = [noisy(MODULES, 0.6, seed) for seed in (1, 2, 3)]
    together: NDArray[np.float32] | None = None
    for frame in frames:
        content = complete(frame)
        assert not content.complete
        own = weighed(Judged(frame, 0.05, 0.36), frame, content, LAYOUT)
        together = own if together is None else joined(together, own, LAYOUT)
        assert together is not None
    content = solved(levelled(together), LAYOUT, None)
    assert content.complete
    assert (data(known_modules(content, LAYOUT), LAYOUT) == data(MODULES, LAYOUT)).all()
    assert shown(content, own, LAYOUT)


@pytest.mark.parametrize("seed", range(5))
def test_another_code_is_not_added(seed: int) -> None:
    other = modules_of(matrix_of(TEXT[::-1] * 13, VERSION, "l", seed))
    assert joined(evidence(MODULES, 0.8, seed), evidence(other, 0.8, seed), LAYOUT) is None
    assert joined(evidence(MODULES, 0.8, seed), evidence(MODULES, 0.8, seed + 10), LAYOUT) is not None


@pytest.mark.parametrize("noise", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("block", range(len(BLOCKS)))
def test_a_block_of_an_earlier_code_is_refused(block: int, noise: float) -> None:
    correction = blocks_of(VERSION, "L").correction
    other = another([block], correction + 1)  # no two codewords are nearer
    assert not shown(complete(MODULES), evidence(other, noise, block), LAYOUT)
    assert shown(complete(MODULES), evidence(MODULES, noise, block), LAYOUT)


def test_a_block_that_differs_is_never_mixed_in() -> None:
    """Show one code in poor frames, then another that differs in one block: what is read is one of the two."""
    first = matrix_of(TEXT * 13, VERSION, "l", 2)
    second = matrix_of(TEXT * 12 + TEXT[:-1] + "A", VERSION, "l", 2)
    ours, theirs = modules_of(first), modules_of(second)
    words = [complete(modules).words for modules in (ours, theirs)]
    assert (words[0] != words[1]).any(axis=1).sum() == 1
    together = evidence(ours, 0.6, 1)
    for seed in range(2, 30):
        own = evidence(theirs, 0.6, seed)
        together = joined(together, own, LAYOUT) if together is not None else own
        together = own if together is None else together
        content = solved(levelled(together), LAYOUT, None)
        if content.complete and shown(content, own, LAYOUT):
            assert (content.words == words[1]).all()
            break
    else:
        pytest.fail("the second code was never read")


def test_evidence_stays_bounded_and_forgets() -> None:
    own = evidence(MODULES, 0.0, 1)
    assert np.abs(own).max() <= JUDGEMENT_MOST / ERROR_LEAST + 1e-3
    together = own
    for _ in range(100):
        added = joined(together, own, LAYOUT)
        assert added is not None
        together = added
    assert np.abs(together).max() <= JUDGEMENT_MOST / ERROR_LEAST / (1 - KEPT_SHARE) + 1e-2
    assert np.abs(levelled(together)).mean() == pytest.approx(0.8, abs=1e-3)


def test_levels_of_the_test_code() -> None:
    assert LEVELS[complete(MODULES).format >> 3] == "L"
