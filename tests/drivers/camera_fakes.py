"""Strict stand-ins for the devices behind the camera drivers: what the real ones refuse, they refuse."""

from __future__ import annotations

import time
from threading import Event, Thread, get_ident
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np
import segno

ALIGNMENT = 64  # of rows, as the Pi's ISP has it


def moving(number: int, width_px: int, height_px: int) -> np.ndarray:
    """Draw a frame that differs from its neighbours: a bright bar on grey."""
    luma = np.full((height_px, width_px), 90, np.uint8)
    left = number * 16 % width_px
    luma[:, left : left + 16] = 220
    return luma


CODE = "HC1:GLOWS"


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


class FakeCapture:
    """A `cv2.VideoCapture` of a live device of 100 frames/s: blocks while it is stalled, as V4L2 does.

    `lacks` are properties that it does not have. All of it is for one thread: the first that grabs or sets.
    """

    RANGES = {cv2.CAP_PROP_EXPOSURE: (3, 2047), cv2.CAP_PROP_GAIN: (0, 255), cv2.CAP_PROP_FOCUS: (0, 250)}  # noqa: RUF012 - never changed
    SWITCHES = {cv2.CAP_PROP_AUTO_EXPOSURE: (1, 3), cv2.CAP_PROP_AUTOFOCUS: (0, 1)}  # noqa: RUF012 - never changed

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


class FakeRequest:
    """A `CompletedRequest`: its buffer is valid only until it is released."""

    def __init__(self, luma: np.ndarray, config: dict[str, Any], metadata: dict[str, Any]) -> None:
        self.config, self._metadata = config, metadata
        (width, height), stride = config["lores"]["size"], config["lores"]["stride"]
        plane = np.full((height * 3 // 2, stride), 255, np.uint8)  # chroma and padding: not to be seen
        plane[:height, :width] = luma
        self._plane: np.ndarray | None = plane

    def make_buffer(self, name: str) -> np.ndarray:
        assert self._plane is not None, "released"
        if name not in self.config:
            raise RuntimeError(f"Stream {name!r} is not defined")
        return self._plane.reshape(-1).copy()

    def get_metadata(self) -> dict[str, Any]:
        assert self._plane is not None, "released"
        return self._metadata

    def release(self) -> None:
        self._plane = None


# As Camera Module 3 tells them (Picamera2's camera_controls): least, most, usual.
SCALER_CROP = (576, 0, 3456, 2592)  # 4:3 of a sensor of 4608 x 2592
CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "AeEnable": (False, True, True),
    "AeExposureMode": (0, 3, 0),
    "AeConstraintMode": (0, 3, 0),
    "ExposureTime": (26, 112_015_096, 20_000),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "FrameDurationLimits": (8_339, 112_015_443, 33_333),
    "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), SCALER_CROP),
}
LENS_CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "AfMode": (0, 2, 0),
    "AfRange": (0, 2, 0),
    "AfMetering": (0, 1, 0),
    "AfWindows": ((0, 0, 0, 0), (65535, 65535, 65535, 65535), (0, 0, 0, 0)),
    "LensPosition": (0.0, 32.0, 1.0),
}


class FakePicamera2:
    """A `picamera2.Picamera2` with one camera of 50 frames/s."""

    plugged = True
    opened = 0  # cameras held now: a second one is refused, as libcamera does
    focuses = True  # its lens has a motor
    modes = True  # libcamera 0.5 or newer
    lacks: tuple[str, ...] = ()

    def __init__(self, camera_num: int = 0) -> None:
        cls = type(self)
        if not cls.plugged or camera_num != 0:
            raise IndexError("list index out of range")
        if cls.opened:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        cls.opened += 1
        self.post_callback: Any = None
        self.stalled, self.metadata = False, True
        self._config: dict[str, Any] | None = None
        self._stop, self._thread = Event(), Thread(target=self._loop, daemon=True)
        self._is_open = True
        self.number = 0
        self.sensor = FakeSensor()
        self.camera_controls: dict[str, tuple[Any, Any, Any]] = dict(CONTROLS)
        if cls.modes:
            self.camera_controls |= {"ExposureTimeMode": (0, 1, 0), "AnalogueGainMode": (0, 1, 0)}
        if cls.focuses:
            self.camera_controls |= LENS_CONTROLS
        for name in cls.lacks:
            del self.camera_controls[name]
        self.controls: dict[str, Any] = {}

    def create_video_configuration(
        self,
        main: dict[str, Any] | None = None,
        lores: dict[str, Any] | None = None,
        buffer_count: int = 6,
        queue: bool = True,  # noqa: FBT001, FBT002 - as Picamera2 has it
    ) -> dict[str, Any]:
        for stream in (main or {}, lores or {}):
            for key in stream:
                if key not in ("format", "size"):
                    raise ValueError(f"Bad key {key!r}")
        return {"main": main, "lores": lores, "buffer_count": buffer_count, "queue": queue}

    def configure(self, config: dict[str, Any]) -> None:
        lores, main = config["lores"], config["main"]
        if lores["format"] != "YUV420":
            raise RuntimeError("lores stream must be YUV")
        if lores["size"][0] > main["size"][0] or lores["size"][1] > main["size"][1]:
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        if lores["size"][0] % 2 or lores["size"][1] % 2:
            raise RuntimeError("lores stream dimensions must be even")
        lores["stride"] = -(-lores["size"][0] // ALIGNMENT) * ALIGNMENT
        self._config = config

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name, value in controls.items():
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            self._check(name, value)
        self.controls |= controls
        self._expose(controls)

    def _check(self, name: str, value: Any) -> None:  # noqa: ANN401 - libcamera's values are of many types
        low, high, _ = self.camera_controls[name]
        if name == "AfWindows":
            _, maximum, _ = self.camera_controls["ScalerCrop"]
            for left, top, width, height in value:
                assert all(isinstance(number, int) for number in (left, top, width, height))
                assert width > 0
                assert height > 0
                assert maximum[0] <= left < left + width <= maximum[0] + maximum[2] + 1
                assert maximum[1] <= top < top + height <= maximum[1] + maximum[3] + 1
        elif name == "FrameDurationLimits":
            assert all(isinstance(number, int) and low <= number <= high for number in value)
        elif name in ("ExposureTime", "AnalogueGain") and value == 0:
            assert not type(self).modes, "since libcamera 0.5 zero does nothing"
        else:
            assert isinstance(value, type(low)), f"{name}: {value!r}"
            assert low <= value <= high, f"{name}: {value!r}"

    def _expose(self, controls: dict[str, Any]) -> None:
        """Take over an exposure by hand as libcamera does: with its modes where it has them, else where it is not 0."""
        told = {"ExposureTime", "AnalogueGain"} <= controls.keys()
        if told and controls["ExposureTime"]:
            assert not type(self).modes or self.controls["ExposureTimeMode"] == self.controls["AnalogueGainMode"] == 1
            self.sensor.tell((controls["ExposureTime"], controls["AnalogueGain"]))
        elif told or controls.get("ExposureTimeMode") == 0:
            self.sensor.tell(None)

    def start(self) -> None:
        if self._config is None:
            raise RuntimeError("not configured")
        self._thread.start()

    def deliver(self, config: dict[str, Any] | None = None) -> None:
        """Complete one request, in the event loop's own way."""
        assert self._config is not None
        width, height = self._config["lores"]["size"]
        self.number += 1
        metadata: dict[str, Any] = {}
        luma = moving(self.number, width, height)
        if self.sensor.scene is not None:
            luma, (time_us, gain) = self.sensor.next()
            metadata = {"ExposureTime": round(time_us), "AnalogueGain": gain, "ScalerCrop": SCALER_CROP}
        if self.metadata:
            metadata |= {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}
        request = FakeRequest(luma, self._config, metadata)
        request.config = config or self._config
        if self.post_callback:
            self.post_callback(request)  # what this raises ends the thread, as it does in Picamera2
        request.release()

    def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        type(self).opened -= 1

    def _loop(self) -> None:
        while not self._stop.wait(0.02):
            if type(self).plugged and not self.stalled:
                self.deliver()


def fake_picamera2() -> tuple[ModuleType, type[FakePicamera2]]:
    """Make a module `picamera2` with a class of its own, for `sys.modules`."""
    module = ModuleType("picamera2")
    camera = type("Picamera2", (FakePicamera2,), {"plugged": True, "opened": 0})
    module.__dict__["Picamera2"] = camera
    return module, camera
