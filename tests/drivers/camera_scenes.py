"""What the tests' cameras look at, and their sensor: light, frames, a telephone in the dark."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import segno

from drivers.camera import Box, Frame

CODE = "HC1:GLOWS"


def moving(number: int, width_px: int, height_px: int) -> np.ndarray:
    """Draw a frame that differs from its neighbours: a bright bar on grey."""
    luma = np.full((height_px, width_px), 90, np.uint8)
    left = number * 16 % width_px
    luma[:, left : left + 16] = 220
    return luma


class Scene(NamedTuple):
    """Light as a share of white at 8 ms and gain 1, and where a code is in it."""

    light: np.ndarray
    box: tuple[int, int, int, int]


def telephone_in_the_dark(width_px: int, height_px: int) -> Scene:
    """Light of a small code on a screen, whose black leaks and whose glass scatters, in a room almost without light."""
    modules = 1.0 - np.array([list(row) for row in segno.make(CODE, error="l", micro=False).matrix], np.float32)
    shown = np.kron(np.pad(modules, 2, constant_values=1.0), np.ones((3, 3), np.float32)) * 0.9 + 0.1
    light = np.full((height_px, width_px), 0.002, np.float32)
    side, left, top = shown.shape[0], width_px // 3, height_px // 4
    light[top : top + side, left : left + side] = shown
    scattered = 0.85 * cv2.GaussianBlur(light, (0, 0), 0.7) + 0.15 * cv2.GaussianBlur(light, (0, 0), 6.0)
    return Scene(scattered, (left, top, side, side))


def lit_wall(width_px: int, height_px: int) -> Scene:
    return Scene(np.full((height_px, width_px), 0.25, np.float32), (0, 0, 0, 0))


class FakeSensor:
    """A sensor with a curve (gamma 2.2) that shows what it is told frames later; its automatic goes by the mean."""

    def __init__(self, delay_frames: int = 3) -> None:
        self.scene: Scene | None = None
        self.delay_frames = delay_frames
        self._told: list[tuple[float, float] | None] = [None] * (delay_frames + 1)

    def tell(self, told: tuple[float, float] | None) -> None:
        """Time in us and gain; None: automatic."""
        self._told[-1] = told

    def next(self) -> tuple[np.ndarray, tuple[float, float]]:
        """Take a frame; give it, and what it was taken with."""
        assert self.scene is not None
        self._told = [*self._told[1:], self._told[-1]]
        light = self.scene.light
        automatic_us = 8000 * 0.25 / float(light.mean())
        taken = self._told[0] or (min(automatic_us, 33_000), min(max(1.0, automatic_us / 33_000), 16.0))
        exposed = np.clip(light * taken[0] * taken[1] / 8000, 0, 1) ** (1 / 2.2)
        return (exposed * 255).astype(np.uint8), taken


def bright(frame: Frame, box: Box) -> float:
    """Tell how bright what is white in a box comes out."""
    left, top, width, height = box
    return float(np.percentile(frame.luma[top : top + height, left : left + width], 90))
