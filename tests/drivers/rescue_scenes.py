"""Pictures of codes whose finders' places are known: turned, tilted, bent, blurred, noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import segno
from numpy.typing import NDArray

from drivers._opencv import cv2
from drivers.symbols.region import Region
from drivers.symbols.rescue.deadline import Deadline

NEVER = Deadline(1, lambda: 0)
PASSED = Deadline(0, lambda: 1)
QUIET_MODULES = 4
FINE = 2  # samples for each pixel, along and across


@dataclass(frozen=True)
class Scene:
    """A picture with one code."""

    luma: NDArray[np.uint8]
    centres: NDArray[np.float64]  # (3, 2) px of the finders: top left, top right, bottom left
    module_px: float
    version: int
    region: Region


@dataclass(frozen=True)
class Pose:
    """How a code is held."""

    module_px: float = 3.0
    turn: float = 0.0  # radians
    tilt: float = 0.0  # radians
    bend: float = 0.0  # radians that half of the code turns by, about its own y
    mirrored: bool = False
    at: tuple[float, float] = (320.0, 240.0)  # px of the code's centre

    def pixels(self, modules: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Give pixels (n, 2) of places in modules from the code's corner."""
        x, y = (modules - side / 2).T
        if self.bend:
            x = side / 2 / self.bend * np.sin(x * self.bend / (side / 2))
        plane = np.stack([-x if self.mirrored else x, y, np.ones_like(x)])
        mapped = self._plane_to_pixels(side) @ plane
        return np.asarray((mapped[:2] / mapped[2]).T)

    def modules(self, pixels: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Give places in modules from the code's corner, of pixels (2, n); far away where the paper ends."""
        plane = np.linalg.inv(self._plane_to_pixels(side)) @ np.vstack([pixels, np.ones(pixels.shape[1])])
        x, y = plane[:2] / plane[2]
        x = -x if self.mirrored else x
        if self.bend:
            radius = side / 2 / self.bend
            x = np.where(np.abs(x) < radius, radius * np.arcsin(np.clip(x / radius, -1, 1)), 1e4)
        return np.stack([x, y]) + side / 2

    def _plane_to_pixels(self, side: int) -> NDArray[np.float64]:
        sine, cosine = np.sin(self.turn), np.cos(self.turn)
        rotation = np.array([[cosine, -sine], [sine, cosine]])
        matrix = np.eye(3)
        matrix[:2, :2] = self.module_px * rotation @ np.diag([np.cos(self.tilt), 1])
        matrix[2, :2] = [np.sin(self.tilt) / (5 * side), 0]
        return np.array([[1, 0, self.at[0]], [0, 1, self.at[1]], [0, 0, 1]]) @ matrix


def scene_of(
    version: int,
    pose: Pose,
    *,
    blur_px: float = 0.7,
    noise: float = 4.0,
    inverted: bool = False,
    size: tuple[int, int] = (480, 640),
    behind: NDArray[np.uint8] | None = None,
) -> Scene:
    """Render a code of a version; `behind` is another picture to lay it over."""
    dark = np.array([list(row) for row in segno.make("HELLO", version=version, error="m").matrix], np.uint8)
    side = len(dark)
    paper = np.pad(np.where(dark > 0, 50, 200).astype(np.float32), QUIET_MODULES, constant_values=200)
    if inverted:
        paper = 250 - paper
    height, width = size
    steps = [(np.arange(length * FINE) + 0.5) / FINE - 0.5 for length in (width, height)]
    pixels = np.stack(np.meshgrid(*steps)).reshape(2, -1)
    at = np.floor(pose.modules(pixels, side) + QUIET_MODULES)
    on = ((at >= 0) & (at < len(paper))).all(axis=0)
    column, row = np.where(on, at, 0).astype(int)
    around = np.full((height, width), 110.0) if behind is None else behind.astype(np.float64)
    seen = np.where(on, paper[row, column], np.kron(around, np.ones((FINE, FINE))).ravel())
    picture = cv2.resize(seen.reshape(height * FINE, -1), (width, height), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (0, 0), blur_px) + np.random.default_rng(1).normal(0, noise, size)
    luma = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    centres = pose.pixels(np.array([[3.5, 3.5], [side - 3.5, 3.5], [3.5, side - 3.5]]), side)
    return Scene(luma, centres, pose.module_px, version, region_of(pose, side))


def region_of(pose: Pose, side: int) -> Region:
    """Give the box about a code."""
    corners = pose.pixels(np.array([[0.0, 0], [side, 0], [side, side], [0, side]]), side)
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    return Region(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]), 100.0)
