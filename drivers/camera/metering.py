"""Which part of the picture a camera exposes for, frame by frame: a code's region, a glow in the dark, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers.camera.exposure import CLIPPED, Exposure, Limits, State, started, stepped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.camera import Box

KEPT_NS = 1_000_000_000  # a code that is not found for a moment (a hand moves) is exposed for so much longer
SAMPLES = 64  # of a region, each way: enough for a percentile
BRIGHT_PERCENT = 90  # of a code about half is white: well inside the white modules, and above what is around it
GLOW_STEP_PX = 8  # what glows is as large as a telephone
GLOW_SHARE = (0.01, 0.5)  # of the picture: less is a lamp, more is a bright room, which the automatic knows
DARK_MEAN = 70.0  # of 255, beside what glows
GLOW_LOOK_NS = 1_000_000_000  # how long to look at what glows: until exposed, and a frame has been read
GLOW_AGAIN_NS = (3_000_000_000, 30_000_000_000)  # first and longest wait until a lamp that holds no code is tried again


class Meter:
    """Follow what `attend` names, and decide each frame's exposure; None leaves it to the sensor's own automatic.

    A telephone in the dark may be so overexposed that nothing can be found in it, and therefore nobody attends to it.
    So what glows in an otherwise dark picture is exposed for by itself, for a second now and then.

    `attend` may be called from another thread than `exposure`.
    """

    def __init__(self, limits: Limits) -> None:
        """Leave the exposure to the automatic at first."""
        self._limits = limits
        self._asked: Box | None = None
        self._box: Box | None = None
        self._until_ns = 0
        self._state: State | None = None
        self._glow_ns, self._glow_again_ns = 0, GLOW_AGAIN_NS[0]

    @property
    def box(self) -> Box | None:
        """Return what is exposed for; None: the whole picture, as the automatic has it."""
        return self._box

    def attend(self, box: Box | None) -> None:
        """Expose for this box (x, y, width, height in px); None: for the whole picture again, in a second."""
        self._asked = box

    def exposure(self, luma: NDArray[np.uint8], at_ns: int, used: Exposure | None) -> Exposure | None:
        """Return what to tell the sensor after this frame, taken at `at_ns` with `used` (None: not known)."""
        self._choose(luma, at_ns)
        bright = None if self._box is None else brightness_of(luma, self._box)
        if bright is None:
            self._box = self._state = None
            return None
        state = self._state
        self._state = started(used, self._limits) if state is None else stepped(state, bright, used, self._limits)
        return self._state.told

    def _choose(self, luma: NDArray[np.uint8], at_ns: int) -> None:
        asked = self._asked
        if asked is not None:
            self._box, self._until_ns = asked, at_ns + KEPT_NS
            self._glow_again_ns = GLOW_AGAIN_NS[0]
        elif at_ns >= self._until_ns:
            self._box = self._glow(luma, at_ns)

    def _glow(self, luma: NDArray[np.uint8], at_ns: int) -> Box | None:
        if at_ns < self._glow_ns:
            return None
        glow = glow_of(luma)
        if glow is None:
            self._glow_again_ns = GLOW_AGAIN_NS[0]
            return None
        self._until_ns = at_ns + GLOW_LOOK_NS
        self._glow_ns = self._until_ns + self._glow_again_ns
        self._glow_again_ns = min(2 * self._glow_again_ns, GLOW_AGAIN_NS[1])
        return glow


def brightness_of(luma: NDArray[np.uint8], box: Box) -> float | None:
    """Return how bright the white of a code in a box is, 0 to 255; None where the box is not in the picture."""
    left, top, width, height = box
    inside = luma[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if inside.size == 0:
        return None
    down, across = (max(1, size // SAMPLES) for size in inside.shape)
    return float(np.percentile(inside[::down, ::across], BRIGHT_PERCENT))


def glow_of(luma: NDArray[np.uint8]) -> Box | None:
    """Find what is overexposed in a picture that is dark otherwise: its box, None where there is no such thing."""
    sample = luma[::GLOW_STEP_PX, ::GLOW_STEP_PX]
    white = sample >= CLIPPED
    if not GLOW_SHARE[0] <= float(white.mean()) <= GLOW_SHARE[1] or float(sample[~white].mean()) > DARK_MEAN:
        return None
    rows, columns = np.nonzero(white)
    (top, bottom), (left, right) = (np.percentile(places, (2, 98)) * GLOW_STEP_PX for places in (rows, columns))
    return int(left), int(top), int(right - left) + GLOW_STEP_PX, int(bottom - top) + GLOW_STEP_PX
