"""A strict stand-in for Picamera2: what libcamera refuses, it refuses."""

from __future__ import annotations

import time
from threading import Event, Thread
from types import ModuleType
from typing import Any

import numpy as np

from tests.drivers.camera_scenes import FakeSensor, moving

ALIGNMENT = 64  # of rows, as the Pi's ISP has it


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
