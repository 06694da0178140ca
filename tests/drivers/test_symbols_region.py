"""Where a code seems to be: found wherever it is, and not in what only has edges."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols.region import CANDIDATES_MAX, Region, code_regions
from tests.drivers.symbol_pictures import luma_of, qr

PASS = "HC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE" * 8


def shown(angle: float = 0, at: tuple[int, int] = (640, 360), size: tuple[int, int] = (1280, 720)) -> np.ndarray:
    """Hold a pass of 3 px modules before a grey, slightly noisy wall."""
    code = qr(PASS, scale=3)
    half = code.shape[0] / 2
    turn = cv2.getRotationMatrix2D((half, half), angle, 1)
    turn[:, 2] += at[0] - half, at[1] - half
    room = cv2.warpAffine(code, turn, size, borderValue=120)
    noise = np.random.default_rng(1).normal(0, 4, room.shape)
    return np.clip(cv2.GaussianBlur(room, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def share_within(region: Region, at: tuple[int, int], side: float) -> float:
    """Return what share of a square code's box lies in the region."""
    overlap = 1.0
    for start, length, centre in ((region.x, region.width, at[0]), (region.y, region.height, at[1])):
        overlap *= max(0, min(start + length, centre + side / 2) - max(start, centre - side / 2)) / side
    return overlap


@pytest.mark.parametrize("angle", [0, 20, 45, 70])
@pytest.mark.parametrize("at", [(640, 360), (180, 180), (1090, 540)], ids=str)
def test_a_code_is_found_wherever_it_is_and_however_it_is_turned(angle: float, at: tuple[int, int]) -> None:
    (region,) = code_regions(shown(angle, at))
    assert share_within(region, at, qr(PASS, scale=3).shape[0] - 24) > 0.8


def test_a_code_is_found_in_light_on_dark_too() -> None:
    assert code_regions(255 - shown())


def test_a_code_that_fills_the_frame_is_found() -> None:
    assert code_regions(qr(PASS, scale=4)[30:-30, 30:-30])


def test_of_two_codes_the_larger_comes_first_and_as_many_as_asked_for() -> None:
    two = shown(at=(400, 360))
    small = qr(PASS[:150], scale=3)
    two[300 : 300 + small.shape[0], 900 : 900 + small.shape[1]] = small
    first, second = code_regions(two)
    assert first.x < 640 < second.x
    assert first.score > second.score
    assert code_regions(two, 1) == [first]
    assert code_regions(two, 0) == []


@pytest.mark.parametrize("version", [1, 2, 4, 6])
@pytest.mark.parametrize("size", [(1280, 720), (640, 480)], ids=str)
def test_a_small_code_is_found_too(version: int, size: tuple[int, int]) -> None:
    code = luma_of(segno.make("HC1:6BF", version=version, micro=False), scale=3)
    room = np.random.default_rng(1).normal(110, 3, size[::-1]).clip(0, 255).astype(np.uint8)
    side = len(code)
    room[200 : 200 + side, 300 : 300 + side] = cv2.GaussianBlur(code, (0, 0), 0.7) // 2 + 60
    assert any(
        share_within(region, (300 + side // 2, 200 + side // 2), side - 24) > 0.6 for region in code_regions(room)
    )


def test_a_code_of_which_the_frame_shows_half_is_found() -> None:
    half = shown(at=(640, 0))
    assert code_regions(half)


def stripes() -> np.ndarray:
    return np.tile(np.repeat(np.array([0, 255], np.uint8), 4), (720, 160))


def lettering() -> np.ndarray:
    wall = np.full((720, 1280), 130, np.uint8)
    for line in range(6):
        cv2.putText(wall, "LAN DUONG 4 - LANE 4", (60, 90 + 110 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 3)
    return wall


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((720, 1280), np.uint8),
        np.full((720, 1280), 255, np.uint8),
        np.tile(np.arange(1280, dtype=np.uint16) // 5, (720, 1)).astype(np.uint8),
        stripes(),
        stripes().T.copy(),
        lettering(),
        np.random.default_rng(2).normal(128, 12, (720, 1280)).clip(0, 255).astype(np.uint8),
    ],
    ids=["black", "white", "ramp", "upright", "level", "lettering", "noise"],
)
def test_what_is_no_code_is_no_region(picture: np.ndarray) -> None:
    assert code_regions(picture) == []


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (1, 65_535), (65_535, 1), (43, 43), (44, 44), (45, 2000)])
def test_pictures_of_every_shape_are_looked_at(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    for region in code_regions(noise):
        assert region.x + region.width <= shape[1]
        assert region.y + region.height <= shape[0]


def test_a_hundred_patches_take_no_time() -> None:
    patch = np.kron(np.random.default_rng(4).integers(0, 2, (24, 24), dtype=np.uint8) * 255, np.ones((3, 3), np.uint8))
    tile = np.pad(patch, 24, constant_values=128)
    started = time.thread_time()
    regions = code_regions(np.tile(tile, (8, 12)), 100)
    assert len(regions) <= CANDIDATES_MAX
    assert time.thread_time() - started < 0.1


@settings(max_examples=80, deadline=None)
@given(width=st.integers(1, 300), data=st.binary(min_size=1, max_size=3000))
def test_no_pixels_raise_anything(width: int, data: bytes) -> None:
    pixels = np.frombuffer(data * width, np.uint8).reshape(-1, width)
    assert isinstance(code_regions(pixels), list)
