"""Each arm reads what it is there for, gives places in the frame, and raises for no pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols.arms import (
    ALWAYS,
    IN_TURN,
    NOTHING_SEEN,
    PIXELS_MAX,
    WAYS,
    read_by,
    work_pixels,
)
from drivers.symbols.frame import MARGIN_PX, part_of
from drivers.symbols.region import Region
from tests.drivers.symbol_pictures import aztec, qr

if TYPE_CHECKING:
    from drivers.symbols import Arm

TEXT = "HC1:6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE"
PICTURES: dict[Arm, np.ndarray] = {
    "sharpened": cv2.GaussianBlur(qr(TEXT, scale=3), (0, 0), 1.2),
    "inverted": 255 - qr(TEXT),
    "region": qr(TEXT, scale=3),
    "smoothed": cv2.GaussianBlur(qr(TEXT, scale=3), (0, 0), 1.2),
    "threshold": (qr(TEXT, scale=3) // 8 + 100).astype(np.uint8),
    "enlarged": qr(TEXT, scale=2),
    "downscaled": qr("HC1:LARGE", scale=40),
    "aztec": aztec(TEXT),
    "zbar": qr(TEXT),
}


@pytest.mark.parametrize("arm", WAYS)
def test_an_arm_reads_what_it_is_for_and_says_where_it_is(arm: Arm) -> None:
    picture = PICTURES[arm]
    (symbol,) = read_by(arm, picture, 1000, 500)
    assert symbol.text in (TEXT, "HC1:LARGE")
    xs, ys = np.array(symbol.corners).T
    assert ((xs >= 995) & (xs <= 1005 + picture.shape[1])).all()
    assert ((ys >= 495) & (ys <= 505 + picture.shape[0])).all()
    assert np.ptp(xs) > picture.shape[1] / 2


def test_every_arm_has_its_turn() -> None:
    assert {*ALWAYS, *IN_TURN, *NOTHING_SEEN} == set(WAYS) == set(PICTURES)


@pytest.mark.parametrize("arm", WAYS)
def test_a_large_part_is_reduced_before_it_is_worked_on(arm: Arm) -> None:
    assert work_pixels(arm, 48_000_000) <= PIXELS_MAX * 1.001
    assert read_by(arm, np.zeros((3000, 2000), np.uint8)) == []


def test_a_part_has_a_margin_within_the_frame() -> None:
    frame = np.arange(100 * 200, dtype=np.uint32).reshape(100, 200).astype(np.uint8)
    part, left, top = part_of(frame, Region(50, 40, 20, 10, 1.0))
    assert (left, top, part.shape) == (50 - MARGIN_PX, 40 - MARGIN_PX, (10 + 2 * MARGIN_PX, 20 + 2 * MARGIN_PX))
    assert np.array_equal(part, frame[top : top + part.shape[0], left : left + part.shape[1]])
    part, left, top = part_of(frame, Region(0, 0, 200, 100, 1.0))
    assert (left, top, part.shape) == (0, 0, frame.shape)


@settings(max_examples=60, deadline=None)
@given(arm=st.sampled_from(sorted(WAYS)), width=st.integers(1, 60), data=st.binary(min_size=1, max_size=1500))
def test_no_pixels_raise_anything(arm: Arm, width: int, data: bytes) -> None:
    pixels = np.frombuffer(data * width, np.uint8).reshape(-1, width)
    assert isinstance(read_by(arm, pixels), list)
