"""A strict stand-in for OpenCV's captures: what a live device refuses, it refuses."""

from __future__ import annotations

import time
from threading import Event, get_ident
from typing import Any, ClassVar

import cv2
import numpy as np

from tests.drivers.camera_scenes import FakeSensor, moving


class FakeCapture:
    """A `cv2.VideoCapture` of a live device of 100 frames/s: blocks while it is stalled, as V4L2 does.

    `lacks` are properties that it does not have. All of it is for one thread: the first that grabs or sets.
    """

    RANGES: ClassVar = {cv2.CAP_PROP_EXPOSURE: (3, 2047), cv2.CAP_PROP_GAIN: (0, 255), cv2.CAP_PROP_FOCUS: (0, 250)}
    SWITCHES: ClassVar[dict[int, tuple[int, ...]]] = {
        cv2.CAP_PROP_AUTO_EXPOSURE: (1, 3),
        cv2.CAP_PROP_AUTOFOCUS: (0, 1),
    }

    def __init__(self, frames: list[Any] | None = None, lacks: tuple[int, ...] = ()) -> None:
        self.frames, self.lacks = frames, lacks
        self.sensor = FakeSensor()
        self.values: dict[int, float] = {cv2.CAP_PROP_GAIN: 0, cv2.CAP_PROP_EXPOSURE: 157, cv2.CAP_PROP_MODE: 0}
        self._thread: int | None = None
        self.running, self.plugged = Event(), True
        self.running.set()
        self.grabbed, self.released = 0, 0

    def grab(self) -> bool:
        assert not self.released, "grab after release crashes OpenCV"
        self._check_thread()
        self.running.wait(10)
        time.sleep(0.01)
        self.grabbed += 1
        return self.plugged

    def retrieve(self) -> tuple[bool, Any]:
        if self.frames is not None:
            frame = self.frames[self.grabbed % len(self.frames)]
            return frame is not None, frame
        if self.sensor.scene is not None:
            return True, self.sensor.next()[0]
        return True, np.repeat(moving(self.grabbed, 320, 240)[:, :, None], 3, axis=2)

    def release(self) -> None:
        self.released += 1

    def set(self, setting: int, value: float) -> bool:
        """Refuse what V4L2 refuses: unknown controls, values out of the range, exposure while it is automatic."""
        self._check_thread()
        if setting == cv2.CAP_PROP_MODE:
            self.values[setting] = value
            return True
        if setting in self.lacks or setting not in {*self.RANGES, *self.SWITCHES, cv2.CAP_PROP_FPS}:
            return False
        if setting in self.SWITCHES and value not in self.SWITCHES[setting]:
            return False
        if setting in self.RANGES:
            low, high = self.RANGES[setting]
            value = round(low + value * (high - low) if self.values[cv2.CAP_PROP_MODE] else value)
            if setting == cv2.CAP_PROP_EXPOSURE and self.values.get(cv2.CAP_PROP_AUTO_EXPOSURE) != 1:
                return False
            value = min(max(value, low), high)
        self.values[setting] = value
        manual = self.values.get(cv2.CAP_PROP_AUTO_EXPOSURE) == 1
        gain = 1 + self.values[cv2.CAP_PROP_GAIN] / 16
        self.sensor.tell((self.values[cv2.CAP_PROP_EXPOSURE] * 100, gain) if manual else None)
        return True

    def get(self, setting: int) -> float:
        self._check_thread()
        return -1.0 if setting in self.lacks else self.values.get(setting, -1.0)

    def _check_thread(self) -> None:
        self._thread = self._thread or get_ident()
        assert self._thread == get_ident(), "OpenCV's captures are not to be shared between threads"
