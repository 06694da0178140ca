"""Pictures full of finder patterns: only so many of them are looked at."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols.crowd import FINDERS_MAX, PIXELS_MIN, bearable, finders_about
from drivers.symbols.zxing import codes_of
from tests.drivers.symbol_pictures import qr

SHAPE = (720, 1280)


def finders(module_px: float, apart: int = 2) -> np.ndarray:
    """Fill a frame with finder patterns, so many modules apart."""
    dark = np.ones((7, 7), np.uint8)
    dark[1:6, 1:6] = 0
    dark[2:5, 2:5] = 1
    tile = np.pad(255 * (1 - dark), ((0, apart), (0, apart)), constant_values=255)
    side = [round(length / module_px) for length in SHAPE]
    wall = np.tile(tile, (side[0] // len(tile) + 1, side[1] // len(tile) + 1))[: side[0], : side[1]]
    return cv2.resize(wall, SHAPE[::-1], interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize(("module_px", "apart"), [(1, 2), (1, 1), (1.3, 2), (2, 1)])
def test_finder_patterns_are_counted_about_rightly_and_only_the_middle_is_taken(module_px: float, apart: int) -> None:
    wall = finders(module_px, apart)
    there = wall.size / (module_px * (7 + apart)) ** 2
    assert there / 2 < finders_about(wall) < 2 * there
    middle, left, top = bearable(wall)
    height, width = middle.shape
    assert (2 * left + width, 2 * top + height) == pytest.approx((1280, 720), abs=1)
    assert there * middle.size / wall.size < 2 * FINDERS_MAX


def test_the_time_that_they_take_is_bounded() -> None:
    wall = finders(1)
    started = time.thread_time()
    codes_of(wall)
    assert time.thread_time() - started < 0.1, "160 ms where all are looked at"


def test_a_code_in_their_middle_is_read_where_it_is() -> None:
    wall, code = finders(1), qr("HC1:PLAIN", scale=4)
    wall[110:610, 190:1090] = 255
    wall[300 : 300 + len(code), 560 : 560 + len(code)] = code
    assert bearable(wall)[0].size < wall.size
    assert [symbol.corners[0] for symbol in codes_of(wall)] == [(576, 316)]


def test_a_sheet_of_a_hundred_codes_is_looked_at_whole() -> None:
    sheet = np.tile(qr("HC1:PLAIN", scale=3), (10, 10))
    assert bearable(sheet) == (sheet, 0, 0)


@pytest.mark.parametrize("shape", [(3, 65_535), (65_535, 3), (14, 50_000), (400, 400)])
def test_pictures_of_every_shape_are_counted(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    assert noise.size >= PIXELS_MIN
    assert 0 < bearable(noise)[0].size <= noise.size


@settings(max_examples=50, deadline=None)
@given(height=st.integers(2, 200), data=st.binary(min_size=3, max_size=400))
def test_no_rows_raise_anything(height: int, data: bytes) -> None:
    assert finders_about(np.tile(np.frombuffer(data * 40, np.uint8), (height, 1))) >= 0
