from __future__ import annotations

import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.symbols.rescue.codewords import format_of, known_modules, solved
from drivers.symbols.rescue.layout import LEVELS, VERSIONS, Layout, layout_of
from drivers.symbols.rescue.redraw import symbol_of
from tests.drivers.rescue_pictures import TEXT, matrix_of

CORNERS = ((0, 0), (9, 0), (9, 9), (0, 9))


def modules_of(code: segno.QRCode) -> NDArray[np.float32]:
    return np.where(np.array([list(row) for row in code.matrix], np.bool_), -1, 1).astype(np.float32)


def noisy(modules: NDArray[np.float32], amount: float, seed: int) -> NDArray[np.float32]:
    return (modules + np.random.default_rng(seed).normal(0, amount, modules.shape)).astype(np.float32)


def data(modules: NDArray[np.float32] | NDArray[np.int8], layout: Layout) -> NDArray[np.bool_]:
    return np.asarray(modules.ravel()[layout.data_at] < 0, np.bool_)


@settings(max_examples=30, deadline=None)
@given(version=st.integers(5, 12), level=st.sampled_from(LEVELS), mask=st.integers(0, 7), seed=st.integers(0, 1000))
def test_a_noisy_code_is_solved_and_read(version: int, level: str, mask: int, seed: int) -> None:
    layout, modules = layout_of(version), modules_of(matrix_of(TEXT, version, level, mask))
    content = solved(noisy(modules, 0.3, seed), layout, None)
    assert content.complete
    assert content.format == LEVELS.index(level) * 8 + mask
    known = known_modules(content, layout)
    assert (data(known, layout) == data(modules, layout)).all()
    symbol = symbol_of(known, CORNERS)
    assert symbol is not None
    assert (symbol.text, symbol.data, symbol.corners) == (TEXT, TEXT.encode(), CORNERS)


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_the_smallest_and_the_largest_code_are_read(version: int) -> None:
    layout, modules = layout_of(version), modules_of(matrix_of("GREEN", version, "l"))
    symbol = symbol_of(known_modules(solved(modules, layout, None), layout), CORNERS)
    assert symbol is not None
    assert symbol.text == "GREEN"


def test_solved_blocks_stay_and_the_others_are_tried_again() -> None:
    layout, modules = layout_of(14), modules_of(matrix_of(TEXT, 14, "q"))
    clear = solved(modules, layout, None)
    some = next(
        content
        for seed in range(100)
        if 0 < (content := solved(noisy(modules, 0.6, seed), layout, None)).solved.sum() < len(content.solved)
    )
    known = known_modules(some, layout)
    assert (known == modules)[known != 0].all()
    assert (known != 0).sum() > (layout.known != 0).sum()
    rest = solved(modules, layout, some)
    assert rest.complete
    assert (rest.words == clear.words).all()


def test_noise_is_not_solved() -> None:
    layout = layout_of(10)
    content = solved(noisy(np.zeros((layout.side, layout.side), np.float32), 1, 3), layout, None)
    assert not content.solved.any()
    assert known_modules(content, layout) is layout.known


def test_a_format_is_told_by_either_of_its_words() -> None:
    layout, modules = layout_of(3), modules_of(matrix_of("GREEN", 3, "h"))
    modules[:9, :9] = 0
    assert LEVELS[format_of(modules, layout) >> 3] == "H"


def test_a_part_of_a_divided_text_is_told() -> None:
    whole, part = segno.make("GREEN" * 20, error="m", micro=False), segno.make_sequence("GREEN" * 20, symbol_count=2)[0]
    for code, divided in ((whole, False), (part, True)):
        content = solved(modules_of(code), layout_of(int(code.version)), None)
        assert content.complete
        assert content.divided is divided


def test_bytes_that_are_no_text_are_data() -> None:
    code = segno.make(b"\x00\x01\xff\xfe binary \x80", mode="byte", micro=False)
    layout = layout_of(int(code.version))
    symbol = symbol_of(known_modules(solved(modules_of(code), layout, None), layout), CORNERS)
    assert symbol is not None
    assert (symbol.text, symbol.data) == ("", b"\x00\x01\xff\xfe binary \x80")


def test_modules_without_sense_are_no_symbol() -> None:
    assert symbol_of(layout_of(7).known, CORNERS) is None


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_what_the_library_cannot_parse_is_no_symbol(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(zxingcpp, "read_barcodes", refuse)
    assert symbol_of(layout_of(7).known, CORNERS) is None
