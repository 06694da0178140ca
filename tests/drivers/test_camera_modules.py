"""How large a code's modules are, of rendered codes whose modules are known."""

import cv2
import numpy as np
import pytest
import segno
from numpy.typing import NDArray

from drivers.camera.modules import about_module_px, module_px_of
from drivers.symbols import open_symbol_reader

Luma = NDArray[np.uint8]


def seen(version: int, module_px: float, turn_deg: float = 0.0, blur_px: float = 0.5) -> Luma:
    """Draw a code in the middle of a white square, as a camera sees it."""
    rows = segno.make("HC1:ABC", version=version, error="l", boost_error=False).matrix
    large = np.kron(
        np.where(np.array([list(row) for row in rows]), 30, 220).astype(np.uint8), np.ones((12, 12), np.uint8)
    )
    large = cv2.GaussianBlur(large, (0, 0), 12 / module_px * blur_px)
    side, middle = round(len(rows) * module_px * 1.5), large.shape[0] / 2
    turn = cv2.getRotationMatrix2D((middle, middle), turn_deg, module_px / 12)
    turn[:, 2] += side / 2 - middle
    drawn = cv2.warpAffine(large, turn, (side, side), flags=cv2.INTER_AREA, borderValue=220)
    noise = np.random.default_rng(3).normal(0, 4, drawn.shape)
    return np.clip(drawn + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("turn_deg", [0, 17, 180])
@pytest.mark.parametrize("version", [1, 7, 10, 20])
@pytest.mark.parametrize("module_px", [2.6, 4.0, 7.5])
def test_a_read_code_s_module_is_exact(version: int, module_px: float, turn_deg: float) -> None:
    luma = seen(version, module_px, turn_deg)
    (symbol,) = open_symbol_reader("zxing").read(luma)
    assert module_px_of(luma, symbol.corners) == pytest.approx(module_px, rel=0.05)


@pytest.mark.parametrize("turn_deg", [0, 17, 45])
@pytest.mark.parametrize("version", [4, 10, 20])
@pytest.mark.parametrize("module_px", [3.0, 4.5, 8.0])
def test_an_unread_code_s_module_is_about_right(version: int, module_px: float, turn_deg: float) -> None:
    luma = seen(version, module_px, turn_deg)
    half, inside = luma.shape[0] // 2, round((17 + 4 * version) * module_px * 0.48)
    crop = np.ascontiguousarray(luma[half - inside : half + inside, half - inside : half + inside])
    assert about_module_px(crop) == pytest.approx(module_px, rel=0.3)


@pytest.mark.parametrize("corners", [(), ((0, 0),) * 4, ((0, 0), (9, 0), (9, 9)), ((0, 0), (50, 0), (50, 50), (0, 50))])
def test_corners_of_no_code_have_no_module(corners: tuple[tuple[int, int], ...]) -> None:
    assert module_px_of(np.full((60, 60), 90, np.uint8), corners) is None


def test_corners_outside_the_picture_are_no_error() -> None:
    corners = ((-500, -500), (900, -200), (800, 700), (-100, 900))
    assert module_px_of(np.full((60, 60), 90, np.uint8), corners) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64)])
def test_a_wall_has_no_modules(shape: tuple[int, int]) -> None:
    assert about_module_px(np.full(shape, 90, np.uint8)) is None
