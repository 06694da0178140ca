"""Light and sharpness, of frames whose blur is known."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.camera.quality import quality_of

Luma = NDArray[np.uint8]


def code(scale: int, *, ink: int = 25, paper: int = 225, seed: int = 1) -> Luma:
    """Draw a pattern of modules, as a code has them, in a frame of paper."""
    modules = np.random.default_rng(seed).integers(0, 2, (57, 57)).astype(np.uint8) * (paper - ink) + ink
    frame = np.full((720, 1280), paper, np.uint8)
    drawn = np.kron(modules, np.ones((scale, scale), np.uint8)).astype(np.uint8)
    frame[50 : 50 + drawn.shape[0], 300 : 300 + drawn.shape[1]] = drawn
    return frame


def seen(frame: Luma, blur_px: float, noise: float = 4.0) -> Luma:
    """Return the frame as a camera with this blur and noise would see it."""
    blurred = cv2.GaussianBlur(frame, (0, 0), blur_px).astype(np.float64)
    noisy = blurred + np.random.default_rng(2).normal(0, noise, blurred.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("scale", [3, 5, 8])
@pytest.mark.parametrize("blur_px", [2.0, 3.0, 4.0])
def test_the_blur_is_measured_in_pixels(scale: int, blur_px: float) -> None:
    assert quality_of(seen(code(scale), blur_px)).blur_px == pytest.approx(blur_px, rel=0.2)


def test_the_blur_does_not_depend_on_light_or_print() -> None:
    bright, dim = (quality_of(seen(code(5, ink=ink, paper=paper), 2.0)).blur_px for ink, paper in ((5, 250), (40, 140)))
    assert bright == pytest.approx(dim, rel=0.15)


def test_a_sharp_picture_is_sharp() -> None:
    blur_px = quality_of(seen(code(4), 0.3)).blur_px
    assert blur_px is not None
    assert blur_px < 1.2


def test_a_wall_and_noise_tell_nothing_of_focus() -> None:
    wall = np.broadcast_to(np.linspace(90, 140, 720).astype(np.uint8)[:, None], (720, 1280))
    assert quality_of(seen(np.ascontiguousarray(wall), 1.0, noise=6.0)).blur_px is None


def test_light_is_mean_and_shares() -> None:
    dark, bright = quality_of(np.zeros((64, 64), np.uint8)), quality_of(np.full((64, 64), 255, np.uint8))
    assert (dark.mean, dark.black, dark.white, dark.blur_px) == (0, 1, 0, None)
    assert (bright.mean, bright.black, bright.white) == (255, 0, 1)


@pytest.mark.parametrize("shape", [(0, 0), (4, 4, 3), (16,)])
def test_what_is_no_frame_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no frame"):
        quality_of(np.zeros(shape, np.uint8))


def test_a_frame_of_a_single_pixel_is_measured() -> None:
    assert quality_of(np.full((1, 1), 7, np.uint8)).black == 1
