from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.symbols.rescue.reed_solomon import CHANCE_MOST, SHORT, SPARE_LEAST, errors_most, solve

# length, correction
CODES = [
    (26, 7),
    (26, 10),
    (44, 10),
    (44, 16),
    (100, 20),
    (50, 24),
    (146, 30),
    (33, 18),
    (153, 30),
]  # length, correction


def times(left: int, right: int) -> int:
    """Multiply in GF(256), bit by bit."""
    product = 0
    while right:
        product ^= left * (right & 1)
        left = left << 1 ^ (0x11D if left & 0x80 else 0)
        right >>= 1
    return product


def codeword(data: list[int], correction: int) -> list[int]:
    """Append the remainder by the generator, whose roots are the powers of 2 from 1 on."""
    generator, root = [1], 1
    for _ in range(correction):
        shifted = [*generator, 0]
        for place, factor in enumerate(generator):
            shifted[place + 1] ^= times(factor, root)
        generator, root = shifted, times(root, 2)
    rest = [*data, *[0] * correction]
    for place in range(len(data)):
        lead = rest[place]
        for step, factor in enumerate(generator):
            rest[place + step] ^= times(factor, lead)
    return [*data, *rest[len(data) :]]


def blocks(seed: int, length: int, correction: int, count: int = 3) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.array(
        [codeword(rng.integers(0, 256, length - correction).tolist(), correction) for _ in range(count)], np.uint8
    )


def damaged(words: NDArray[np.uint8], errors: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    wrong = np.argsort(rng.random(words.shape), axis=1) < errors
    change = rng.integers(1, 256, words.shape).astype(np.uint8)
    return np.where(wrong, words ^ change, words).astype(np.uint8), wrong


def nothing_padded(words: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.zeros(words.shape, np.bool_)


@settings(max_examples=60, deadline=None)
@given(code=st.sampled_from(CODES), seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_errors_within_the_bound_are_corrected(code: tuple[int, int], seed: int, share: float) -> None:
    length, correction = code
    words = blocks(seed, length, correction)
    broken, _ = damaged(words, round(share * errors_most(length, correction, 0)), seed)
    reliable = np.random.default_rng(seed).random(words.shape).astype(np.float32)
    found = solve(broken, reliable, correction, nothing_padded(words))
    assert found.solved.all()
    assert (found.words == words).all()


@settings(max_examples=40, deadline=None)
@given(code=st.sampled_from([code for code in CODES if code[1] >= SHORT]), seed=st.integers(0, 2**32 - 1))
def test_unreliable_words_are_erased(code: tuple[int, int], seed: int) -> None:
    length, correction = code
    words = blocks(seed, length, correction)
    broken, wrong = damaged(words, correction - SPARE_LEAST - correction // 6, seed)
    found = solve(broken, np.where(wrong, 0.1, 0.9).astype(np.float32), correction, nothing_padded(words))
    assert found.solved.all()
    assert (found.words == words).all()


@settings(max_examples=60, deadline=None)
@given(code=st.sampled_from(CODES), seed=st.integers(0, 2**32 - 1), errors=st.integers(0, 40))
def test_what_is_solved_is_right(code: tuple[int, int], seed: int, errors: int) -> None:
    length, correction = code
    words = blocks(seed, length, correction)
    broken, _ = damaged(words, min(errors, length), seed)
    reliable = np.random.default_rng(seed).random(words.shape).astype(np.float32)
    found = solve(broken, reliable, correction, nothing_padded(words))
    assert (found.words[found.solved] == words[found.solved]).all() or errors > correction
    assert (found.words[~found.solved] == broken[~found.solved]).all()


@pytest.mark.parametrize(("length", "correction"), CODES)
def test_noise_is_not_solved(length: int, correction: int) -> None:
    rng = np.random.default_rng(length)
    words = rng.integers(0, 256, (300, length)).astype(np.uint8)
    reliable = rng.random(words.shape).astype(np.float32)
    assert not solve(words, reliable, correction, nothing_padded(words)).solved.any()


def test_short_blocks_have_leading_zeros_that_stay() -> None:
    words = np.concatenate([np.zeros((3, 1), np.uint8), blocks(5, 49, 24)], axis=1)
    padded = np.zeros(words.shape, np.bool_)
    padded[:, 0] = True
    broken, wrong = damaged(words[:, 1:], 9, 5)
    reliable = np.where(wrong, 0.1, 0.9).astype(np.float32)
    found = solve(
        np.concatenate([words[:, :1], broken], axis=1),
        np.concatenate([np.zeros((3, 1), np.float32), reliable], axis=1),  # as if unreliable, and never erased
        24,
        padded,
    )
    assert found.solved.all()
    assert (found.words == words).all()


def test_a_correction_of_padding_is_none() -> None:
    words = blocks(6, 50, 24)
    words[:, 0] ^= 1
    padded = np.zeros(words.shape, np.bool_)
    padded[:, 0] = True
    assert not solve(words, np.ones(words.shape, np.float32), 24, padded).solved.any()


@pytest.mark.parametrize(("length", "correction"), CODES)
def test_a_bound_leaves_words_to_speak_against_chance(length: int, correction: int) -> None:
    for erased in range(correction - SPARE_LEAST + 1):
        errors = errors_most(length, correction, erased)
        assert 0 <= errors <= (correction - erased) // 2
        assert (length**errors) * 256.0 ** (errors - correction + erased) < CHANCE_MOST * 10**6
    assert errors_most(146, 30, 0) == 15
    assert errors_most(26, 10, 0) == 4
