"""Pictures of codes whose every module's place is known: bent, tilted, turned, blurred, noisy."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from drivers.symbols.rescue.finders import Fitted, fitted
from drivers.symbols.rescue.layout import FINDER_SIDE
from drivers.symbols.rescue.view import View, view_of

TEXT = "HC1:6BFOXN%TS3DHPVO13J /G-/2YRVA.Q/R8 -OL+FIY1T7"  # begins as a pass does
FINE = 8  # texture pixels of a module
QUIET_MODULES = 4
COARSE = 4  # pixels between which places are interpolated
STEP = 0.01  # modules


@dataclass(frozen=True)
class Shown:
    """How a code is held."""

    module_px: float = 3.0
    turned: float = 0.2  # radians
    tilted: float = 0.2  # radians
    bent: float = 0.0  # half the code's angle on a cylinder, radians
    blur_px: float = 0.6
    noise: float = 4.0
    seed: int = 1


@dataclass(frozen=True)
class Scene:
    """A picture, and what is where in it."""

    luma: NDArray[np.uint8]
    matrix: NDArray[np.bool_]  # (side, side): dark modules
    centres: NDArray[np.float64]  # (3, 2) px: of the finders
    frames: NDArray[np.float64]  # (3, 2, 2) px for each module
    places: NDArray[np.float64]  # (side, side, 2) px: middles of modules


def matrix_of(text: str = TEXT, version: int | None = None, error: str = "m", mask: int | None = None) -> segno.QRCode:
    return segno.make(text, version=version, error=error, mask=mask, boost_error=False, micro=False)


def scene_of(code: segno.QRCode, shown: Shown = Shown()) -> Scene:
    """Draw a code as a camera sees it."""
    matrix = np.array([list(row) for row in code.matrix], np.bool_)
    side = len(matrix)
    extent = (round(1.7 * side * shown.module_px) + 40) // COARSE * COARSE
    backward = _texture_places(side, extent, shown)
    page = np.pad(np.where(matrix, 40.0, 200.0), QUIET_MODULES, constant_values=200.0).astype(np.float32)
    fine = np.kron(page, np.ones((FINE, FINE), np.float32))
    picture = cv2.remap(fine, *backward, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=110)
    picture = cv2.resize(picture, (extent, extent), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (0, 0), shown.blur_px)
    picture = picture + np.random.default_rng(shown.seed).normal(0, shown.noise, picture.shape)
    line = np.arange(side) + 0.5
    places = places_of(np.stack(np.meshgrid(line, line), axis=-1), side, extent, shown)
    middle = FINDER_SIDE / 2
    finders = np.array([[middle, middle], [side - middle, middle], [middle, side - middle]])
    half = np.array([[0.5, 0], [0, 0.5]])
    frames = np.stack(
        [places_of(finders + h, side, extent, shown) - places_of(finders - h, side, extent, shown) for h in half],
        axis=-1,
    )
    luma = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return Scene(luma, matrix, places_of(finders, side, extent, shown), frames, places)


def places_of(modules: NDArray[np.float64], side: int, extent: int, shown: Shown) -> NDArray[np.float64]:
    """Project module coordinates: onto a cylinder, tilted about x, turned about the camera's axis."""
    x, y = modules[..., 0] - side / 2, modules[..., 1] - side / 2
    depth = np.zeros_like(x)
    if shown.bent:
        radius = side / 2 / shown.bent
        x, depth = radius * np.sin(x / radius), radius * (1 - np.cos(x / radius))
    y, depth = y * cos(shown.tilted) - depth * sin(shown.tilted), y * sin(shown.tilted) + depth * cos(shown.tilted)
    away = 4.0 * side
    scale = shown.module_px * away / (away + depth)
    x, y = x * scale, y * scale
    c, s = cos(shown.turned), sin(shown.turned)
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + extent / 2 - 0.5


def _texture_places(side: int, extent: int, shown: Shown) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Invert `places_of` for each pixel of a picture of twice the extent: by Newton's steps for one in 64."""
    line = (np.arange(extent // COARSE) + 0.5) * COARSE - 0.5
    wanted = np.stack(np.meshgrid(line, line), axis=-1)
    modules = (wanted - extent / 2 + 0.5) / shown.module_px
    c, s = cos(shown.turned), sin(shown.turned)
    modules = modules @ np.array([[c, -s], [s, c]]) + side / 2
    limit = (-QUIET_MODULES - 1.0, side + QUIET_MODULES + 1.0)
    for _ in range(12):
        modules = np.clip(modules, *limit)
        off = wanted - places_of(modules, side, extent, shown)
        along = [
            (places_of(modules + h, side, extent, shown) - places_of(modules - h, side, extent, shown)) / (2 * STEP)
            for h in (np.array([STEP, 0]), np.array([0, STEP]))
        ]
        modules = modules + np.linalg.solve(np.stack(along, axis=-1), off[..., None])[..., 0]
    texture = ((modules + QUIET_MODULES) * FINE - 0.5).astype(np.float32)
    wide = cv2.resize(texture, (2 * extent, 2 * extent), interpolation=cv2.INTER_CUBIC)
    return wide[..., 0], wide[..., 1]


def seen(scene: Scene, off_modules: float = 0.0, seed: int = 1, *, inverted: bool = False) -> tuple[View, Fitted]:
    """Cut a code out by its finders, supposed so far from where they are and then fitted."""
    noise = np.random.default_rng(seed).normal(0, off_modules, (3, 2, 1))
    start = Fitted(scene.centres + (scene.frames @ noise)[..., 0], scene.frames, np.zeros(3))
    luma = 255 - scene.luma if inverted else scene.luma
    found = fitted(luma, start, np.full(3, -1.0 if inverted else 1.0), 4)
    module_px = float(np.sqrt(np.abs(np.linalg.det(found.frames))).mean())
    view = view_of(luma, found.centres, module_px, inverted=inverted)
    assert view is not None
    return view, Fitted(view.from_frame(found.centres), found.frames * view.scale, found.likeness)
