"""How long to expose for a part of the picture, from how bright it came out (pure).

The motion of a hand is what blurs codes, so the time has a cap, and is used up before the gain is raised. Frames show
a change one to four frames after it was told; where the sensor says what each frame was taken with, that is corrected,
else the controller waits until the change must have come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

TARGET = 190.0  # of 255, for the bright modules: the steep part of a camera's curve, with room for a glare
CLIPPED = 240.0  # of 255: from here on a sensor does not tell how bright it is
CLIPPED_STEP = 1 / 3  # then: large enough for a telephone in the dark (10 times too bright) in two or three steps
STEP_MAX = 4.0  # of exposure at once, either way: what one odd frame says is not believed further
FAR, NEAR = 1.25, 1.1  # ratios to the target: further away it starts to correct, nearer it leaves it
SAME = 1.02  # ratio: sensors round to rows and steps of gain
SETTLE_FRAMES = 5  # until a change is certainly seen: four frames are the longest that libcamera and UVC take


class Exposure(NamedTuple):
    """What a sensor is told, or a frame was taken with."""

    time_us: float
    gain: float  # 1 and more

    @property
    def product(self) -> float:
        """Return time and gain as one, in us: what the brightness goes with."""
        return self.time_us * self.gain


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sensor can, and what motion and noise allow it."""

    time_min_us: float
    time_max_us: float
    gain_max: float

    def split(self, product_us: float) -> Exposure:
        """Return so much exposure as a time, as far as the cap against motion allows it, and only then a gain."""
        time_us = min(max(product_us, self.time_min_us), self.time_max_us)
        return Exposure(time_us, min(max(product_us / time_us, 1.0), self.gain_max))


@dataclass(frozen=True, slots=True)
class State:
    """What the sensor was told last; is it on the way to the target, and how many frames may still show what was?"""

    told: Exposure
    moving: bool = True
    wait_frames: int = 0


def started(used: Exposure | None, limits: Limits) -> State:
    """Return the state in which to take over from the sensor's own automatic, whose exposure it may have told."""
    if used is None:
        return State(limits.split(limits.time_max_us), wait_frames=SETTLE_FRAMES)
    return State(limits.split(used.product))


def stepped(state: State, bright: float, used: Exposure | None, limits: Limits) -> State:
    """Return the next state, from how bright (0 to 255) a frame is that was taken with `used` (None: not known)."""
    if used is None:
        if state.wait_frames:
            return replace(state, wait_frames=state.wait_frames - 1)
        used = state.told
    ratio = CLIPPED_STEP if bright >= CLIPPED else min(TARGET / max(bright, 1.0), STEP_MAX)
    if max(ratio, 1 / ratio) <= (NEAR if state.moving else FAR):
        return replace(state, moving=False)
    told = limits.split(used.product * ratio)
    if 1 / SAME <= told.product / state.told.product <= SAME:  # already told, or as far as it goes
        return replace(state, moving=True)
    return State(told, wait_frames=SETTLE_FRAMES)
