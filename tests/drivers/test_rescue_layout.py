from __future__ import annotations

import numpy as np
import pytest
from segno import consts

from drivers.symbols.rescue.layout import (
    LEVELS,
    VERSION_WORDS_FROM,
    VERSIONS,
    alignment_lines,
    blocks_of,
    format_words,
    layout_of,
    masks,
    version_words,
)
from drivers.symbols.rescue.reed_solomon import solve
from tests.drivers.rescue_pictures import matrix_of

SEGNO_LEVELS = {
    "L": consts.ERROR_LEVEL_L,
    "M": consts.ERROR_LEVEL_M,
    "Q": consts.ERROR_LEVEL_Q,
    "H": consts.ERROR_LEVEL_H,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_printed_code_is_laid_out_as_expected(version: int) -> None:
    level = LEVELS[version % 4]
    code = matrix_of("GREEN", version, level)
    dark = np.array([list(row) for row in code.matrix], np.bool_)
    layout = layout_of(version)
    assert dark.shape == (layout.side, layout.side)
    fixed = layout.known != 0
    assert ((layout.known < 0) == dark)[fixed].all()

    modules = np.where(dark, -1, 1).ravel()
    formats = [int(np.argmax(format_words() @ modules[copy])) for copy in layout.formats_at]
    assert formats == [LEVELS.index(level) * 8 + code.mask] * 2

    words = np.packbits((modules[layout.data_at] < 0) ^ masks(layout)[code.mask])
    blocks = blocks_of(version, level)
    padded = blocks.codewords_at < 0
    dealt = np.where(padded, 0, words[blocks.codewords_at])
    found = solve(dealt, np.ones(dealt.shape, np.float32), blocks.correction, padded)
    assert found.solved.all()
    assert (found.words == dealt).all()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_blocks_are_those_of_the_standard(version: int, level: str) -> None:
    blocks = blocks_of(version, level)
    lengths = sorted((blocks.codewords_at >= 0).sum(axis=1))
    rows = consts.ECC[version][SEGNO_LEVELS[level]]
    assert lengths == sorted(row.num_total for row in rows for _ in range(row.num_blocks))
    assert {row.num_total - row.num_data for row in rows} == {blocks.correction}
    at = blocks.codewords_at[blocks.codewords_at >= 0]
    assert sorted(at) == list(range(layout_of(version).data_at.size // 8))


@pytest.mark.parametrize("version", VERSIONS)
def test_alignment_patterns_are_where_the_standard_has_them(version: int) -> None:
    expected = list(consts.ALIGNMENT_POS[version - 2]) if version > 1 else []
    assert alignment_lines(version) == expected
    count = len(expected)
    assert len(layout_of(version).alignment) == max(0, count * count - 3)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_module_is_one_thing(version: int) -> None:
    layout = layout_of(version)
    uses = (layout.known.ravel() != 0).astype(int)
    np.add.at(uses, layout.formats_at.ravel(), 1)
    np.add.at(uses, layout.data_at, 1)
    assert uses.max() == 1
    assert (uses == 0).sum() < 8  # the remainder bits


def test_words_of_formats_and_versions_are_far_apart() -> None:
    for words, least in ((format_words(), 7), (version_words(), 8)):
        apart = (words[:, None] != words[None]).sum(axis=2)
        assert apart[~np.eye(len(words), dtype=bool)].min() == least
    assert len(version_words()) == VERSIONS.stop - VERSION_WORDS_FROM
