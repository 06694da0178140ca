"""Strict stand-ins for the devices behind the camera drivers: what the real ones refuse, they refuse."""

from __future__ import annotations

import time
from threading import Event, Thread
from types import ModuleType
from typing import Any

import numpy as np

ALIGNMENT = 64  # of rows, as the Pi's ISP has it


def moving(number: int, width_px: int, height_px: int) -> np.ndarray:
    """Draw a frame that differs from its neighbours: a bright bar on grey."""
    luma = np.full((height_px, width_px), 90, np.uint8)
    left = number * 16 % width_px
    luma[:, left : left + 16] = 220
    return luma


class FakeCapture:
    """A `cv2.VideoCapture` of a live device of 100 frames/s: blocks while it is stalled, as V4L2 does."""

    def __init__(self, frames: list[Any] | None = None) -> None:
        self.frames = frames
        self.running, self.plugged = Event(), True
        self.running.set()
        self.grabbed, self.released = 0, 0

    def grab(self) -> bool:
        assert not self.released, "grab after release crashes OpenCV"
        self.running.wait(10)
        time.sleep(0.01)
        self.grabbed += 1
        return self.plugged

    def retrieve(self) -> tuple[bool, Any]:
        if self.frames is not None:
            frame = self.frames[self.grabbed % len(self.frames)]
            return frame is not None, frame
        return True, np.repeat(moving(self.grabbed, 320, 240)[:, :, None], 3, axis=2)

    def release(self) -> None:
        self.released += 1


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


class FakePicamera2:
    """A `picamera2.Picamera2` with one camera of 50 frames/s."""

    plugged = True
    opened = 0  # cameras held now: a second one is refused, as libcamera does
    focuses = True  # its lens has a motor

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
        self.camera_controls = {"AfMode": (0, 2, 0), "AfRange": (0, 2, 0)} if cls.focuses else {}
        self.controls: dict[str, int] = {}

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

    def set_controls(self, controls: dict[str, int]) -> None:
        for name, value in controls.items():
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            low, high, _ = self.camera_controls[name]
            assert low <= value <= high
        self.controls |= controls

    def start(self) -> None:
        if self._config is None:
            raise RuntimeError("not configured")
        self._thread.start()

    def deliver(self, config: dict[str, Any] | None = None) -> None:
        """Complete one request, in the event loop's own way."""
        assert self._config is not None
        width, height = self._config["lores"]["size"]
        self.number += 1
        metadata = {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME)} if self.metadata else {}
        request = FakeRequest(moving(self.number, width, height), self._config, metadata)
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
