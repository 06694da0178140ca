"""A webcam's exposure, gain and focus by V4L2, as OpenCV sets them; for the thread that grabs alone.

The units are V4L2's (linux/v4l2-controls.h): a time is counted in 100 us; gain and focus are steps of the device's own,
which OpenCV maps to 0 to 1 while its `CAP_PROP_MODE` is set. Webcams lack some of these, and lie about others: what is
not taken is remembered for `abilities`, and the exposure's controller looks at the frames, not at what was told.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from drivers._opencv import cv2
from drivers.camera import Abilities, Taken, Tuning
from drivers.camera.exposure import Exposure, Limits

if TYPE_CHECKING:
    from drivers.camera.opencv import Capture

UNIT_US = 100  # of V4L2_CID_EXPOSURE_ABSOLUTE
MANUAL = 1  # V4L2_EXPOSURE_MANUAL
AUTOMATICS = (3, 0)  # V4L2_EXPOSURE_APERTURE_PRIORITY, which webcams have, or V4L2_EXPOSURE_AUTO
GAIN_FULL = 16.0  # ours: what a device's largest gain is taken for; the controller mends the difference
LENS_NEAREST = 10.0  # dioptres, ours: what a device's nearest focus is taken for, 10 cm
FILE_WITHOUT = ("focus", "lens_position", "exposure_max_us", "gain_max", "fps")


def limits_of(tuning: Tuning) -> Limits:
    """Return within what a webcam's exposure is set."""
    return Limits(UNIT_US, max(tuning.exposure_max_us, UNIT_US), min(tuning.gain_max, GAIN_FULL))


class V4l2Controls:
    """Tell a device, and only what is new."""

    def __init__(self, capture: Capture, tuning: Tuning) -> None:
        """Take a device that is open; nothing is told before `start`."""
        self._capture, self._tuning = capture, tuning
        self._told: Exposure | None = None
        self._lens: float | None = None  # where it is held
        self._lens_asked = tuning.lens_position if tuning.focus == "manual" else None
        self._has_lens = False
        self._exposable = True
        self._gain: float | None = None  # in the device's own steps, as it was before any was told
        self._without: set[str] = set()

    @property
    def abilities(self) -> Abilities:
        """Tell what the device can, as far as it was asked to."""
        return Abilities((0.0, LENS_NEAREST) if self._has_lens else None, tuple(sorted(self._without.copy())))

    @property
    def taken(self) -> Taken:
        """Tell what the device was told last: it does not tell itself what its automatic does."""
        time_us, gain = self._told or (None, None)
        return Taken(time_us, gain, self._lens)

    def focus_at(self, lens_position: float) -> None:
        """Hold the lens there from the next frame on; from any thread."""
        self._lens_asked = lens_position

    def start(self) -> None:
        """Set focus, frame rate and automatic exposure."""
        self._has_lens = self._set(cv2.CAP_PROP_AUTOFOCUS, 1, "focus")
        if self._tuning.fps is not None:
            self._set(cv2.CAP_PROP_FPS, self._tuning.fps, "fps")
        self._expose_by_itself()

    def adjust(self, told: Exposure | None) -> None:
        """Set what is new: the exposure (None: automatic), and where the lens is held."""
        if told != self._told:
            self._expose(told)
        if self._lens_asked is not None and self._lens_asked != self._lens:
            self._lens = self._lens_asked
            self._set(cv2.CAP_PROP_AUTOFOCUS, 0, "focus")
            self._set_share(cv2.CAP_PROP_FOCUS, self._lens / LENS_NEAREST, "lens_position")

    def _expose(self, told: Exposure | None) -> None:
        by_hand, self._told = self._told is not None, told
        if told is None:
            self._expose_by_itself()
            return
        if not by_hand:
            with suppress(cv2.error):
                self._gain = self._capture.get(cv2.CAP_PROP_GAIN)
            self._exposable = self._set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL, "exposure_max_us")
        if self._exposable:  # else its automatic goes on, and a gain would only be in its way
            self._set(cv2.CAP_PROP_EXPOSURE, max(1, round(told.time_us / UNIT_US)), "exposure_max_us")
            self._set_share(cv2.CAP_PROP_GAIN, math.log(told.gain) / math.log(GAIN_FULL), "gain_max")

    def _expose_by_itself(self) -> None:
        """Give exposure back to the device's automatic, and the gain that it had, which some leave alone."""
        if self._exposable and self._gain is not None and self._gain >= 0:  # OpenCV's -1: it has none
            self._set(cv2.CAP_PROP_GAIN, self._gain, "gain_max")
        if not any(self._taken_up(cv2.CAP_PROP_AUTO_EXPOSURE, mode) for mode in AUTOMATICS):
            self._without.add("exposure_max_us")

    def _set(self, setting: int, value: float, key: str) -> bool:
        """Set one property; remember the key of what the device does not have."""
        taken = self._taken_up(setting, value)
        if not taken:
            self._without.add(key)
        return taken

    def _taken_up(self, setting: int, value: float) -> bool:
        """Set one property; a device that does not have it says so, or OpenCV does."""
        with suppress(cv2.error):
            return bool(self._capture.set(setting, value))
        return False

    def _set_share(self, setting: int, share: float, key: str) -> None:
        """Set a property to a share, 0 to 1, of what the device can."""
        with suppress(cv2.error):
            self._capture.set(cv2.CAP_PROP_MODE, 1)
            self._set(setting, min(max(share, 0.0), 1.0), key)
            self._capture.set(cv2.CAP_PROP_MODE, 0)
