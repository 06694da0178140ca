"""The sensor and the lens of the simulated camera: what a scene's light becomes, by exposure and focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drivers._opencv import cv2
from drivers.camera import Taken, Tuning
from drivers.camera.exposure import Exposure, Limits
from drivers.camera.scene import NOISE_SPAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

USUAL_US = 8000.0  # in a lit room the automatic takes this at gain 1; a scene is drawn as it looks then
DELAY_FRAMES = 3  # from being told an exposure to the first frame taken with it, as libcamera's pipeline has it
AUTO_MEAN = 118.0  # of 255: what an automatic makes of the whole picture, wherever in it the light is
AUTO_LONGEST_US = 33_000.0
GAIN_FULL = 16.0
TIME_MIN_US = 100.0
LENS = (0.0, 15.0)  # dioptres
LENS_SHARP = 5.0  # visitors hold their passes at 20 cm
BLUR_PX = 1.0 / 1280  # of the picture's width, a dioptre beside the sharp one
SATURATED = 255 - NOISE_SPAN  # noise is added later


class View(NamedTuple):
    """What is before the lens: its light as it looks at the usual exposure, and what the automatic makes of it."""

    light: NDArray[np.uint8]
    automatic: Exposure = Exposure(USUAL_US, 1.0)


def in_the_dark(light: NDArray[np.uint8]) -> View:
    """Return a scene that the automatic exposes by the mean of the whole picture."""
    product = USUAL_US * AUTO_MEAN / max(float(light.mean()), 1.0)
    return View(light, Limits(TIME_MIN_US, AUTO_LONGEST_US, GAIN_FULL).split(product))


class Sensor:
    """Expose scenes: by the automatic, or as told some frames ago."""

    def __init__(self, tuning: Tuning) -> None:
        """Start with the automatic; where the focus is manual, the lens stands where it says."""
        self.lens = tuning.lens_position if tuning.focus == "manual" and tuning.lens_position is not None else None
        self._told: list[tuple[int, Exposure | None]] = [(0, None)]  # from which frame on, the latest last
        self._made: tuple[View, Exposure, float | None] | None = None
        self._picture: NDArray[np.uint8] | None = None

    def tell(self, told: Exposure | None, number: int) -> None:
        """Set what is exposed after frame `number`, as soon as the sensor can; None: by the automatic."""
        if told != self._told[-1][1]:
            self._told = [*self._told[-DELAY_FRAMES:], (number + DELAY_FRAMES, told)]

    def taken(self, view: View, number: int) -> Taken:
        """Return what frame `number` is taken with."""
        told = next((told for first, told in reversed(self._told) if first <= number), None)
        exposure = told or view.automatic
        return Taken(exposure.time_us, exposure.gain, LENS_SHARP if self.lens is None else self.lens)

    def picture(self, view: View, taken: Taken) -> NDArray[np.uint8]:
        """Return the scene as it comes out, without its noise; the same array while nothing changes."""
        exposure = Exposure(taken.exposure_us or USUAL_US, taken.gain or 1.0)
        made = (view, exposure, self.lens)
        if self._made is None or self._picture is None or not _same(self._made, made):
            self._made, self._picture = made, _exposed(_focused(view.light, self.lens), exposure)
        return self._picture


def _same(one: tuple[View, Exposure, float | None], other: tuple[View, Exposure, float | None]) -> bool:
    return one[0].light is other[0].light and one[1:] == other[1:]


def _focused(light: NDArray[np.uint8], lens: float | None) -> NDArray[np.uint8]:
    blur_px = 0.0 if lens is None else abs(lens - LENS_SHARP) * BLUR_PX * light.shape[1]
    if blur_px == 0.0:
        return light
    blurred: NDArray[np.uint8] = cv2.GaussianBlur(light, (0, 0), blur_px)
    return blurred


def _exposed(light: NDArray[np.uint8], exposure: Exposure) -> NDArray[np.uint8]:
    times = exposure.product / USUAL_US
    if times == 1.0:
        return light
    table = np.minimum(np.arange(256) * times, SATURATED).astype(np.uint8)
    exposed: NDArray[np.uint8] = cv2.LUT(light, table)
    return exposed
