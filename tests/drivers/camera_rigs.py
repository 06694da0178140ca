"""Every camera with a cable to pull: the simulator, a video, and drivers on strict stand-ins of their devices."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import cv2
import pytest
import segno

from drivers.camera import Box, Camera, Tuning, open_camera
from drivers.camera.opencv import OpenCvCamera
from drivers.camera.picamera import Picamera
from drivers.camera.simulated import SimulatedCamera
from tests.drivers.camera_scenes import CODE, FakeSensor, lit_wall, moving, telephone_in_the_dark
from tests.drivers.capture_fakes import FakeCapture
from tests.drivers.picamera_fakes import FakePicamera2, fake_picamera2
from tests.made_files import video

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 320, 240  # no multiple of the Pi's alignment: rows have padding


class Rig(Protocol):
    """A camera with a cable to pull."""

    def open(self) -> Camera: ...
    def unplug(self) -> None: ...
    def plug_in(self) -> None: ...
    def stall(self) -> None: ...
    def telephone(self) -> Box:
        """Hold a telephone before the camera, in the dark; give where its code is."""
        ...

    def lamp(self) -> None:
        """Take it away, and switch the light on."""
        ...


class SimulatedRig:
    def __init__(self, folder: Path, _: pytest.MonkeyPatch) -> None:
        self._folder, self._drawer = folder / "pictures", folder / "drawer"
        self._folder.mkdir()
        cv2.imwrite(str(self._folder / "1.png"), moving(1, 100, 100))

    def open(self) -> Camera:
        opened = open_camera(
            "simulated", source=str(self._folder), width_px=WIDTH, height_px=HEIGHT, tuning=Tuning(fps=60)
        )
        assert isinstance(opened, SimulatedCamera)
        self._camera = opened
        return opened

    def unplug(self) -> None:
        self._folder.rename(self._drawer)

    def plug_in(self) -> None:
        self._drawer.rename(self._folder)

    def stall(self) -> None:
        self._camera.freeze()

    def telephone(self) -> Box:
        picture = self._folder.parent / "code.png"
        segno.make(CODE, error="l", micro=False).save(str(picture), scale=4)
        self._camera.glow(picture)
        return 110, 70, 100, 100

    def lamp(self) -> None:
        self._camera.take_away()


class VideoRig:
    """A real OpenCV camera: a file that its own codec wrote."""

    def __init__(self, folder: Path, _: pytest.MonkeyPatch) -> None:
        self._file, self._drawer = folder / "lane.avi", folder / "drawer.avi"
        video(self._file, [moving(number, WIDTH, HEIGHT) for number in range(6)], (WIDTH, HEIGHT), fps=30)

    def open(self) -> Camera:
        return open_camera("opencv", source=str(self._file), width_px=WIDTH, height_px=HEIGHT)

    def unplug(self) -> None:
        self._file.rename(self._drawer)  # noticed at the end of the round

    def plug_in(self) -> None:
        self._drawer.rename(self._file)

    def stall(self) -> None:
        pytest.skip("a file does not stall")

    def telephone(self) -> Box:
        pytest.skip("a file's exposure is over")

    def lamp(self) -> None: ...


class SceneRig:
    """A camera with a sensor of the tests'."""

    sensor: FakeSensor

    def telephone(self) -> Box:
        self.sensor.scene = telephone_in_the_dark(WIDTH, HEIGHT)
        return self.sensor.scene.box

    def lamp(self) -> None:
        self.sensor.scene = lit_wall(WIDTH, HEIGHT)


class WebcamRig(SceneRig):
    """The driver of a live device, on a capture that only looks like one."""

    def __init__(self, _: Path, __: pytest.MonkeyPatch) -> None:
        self._plugged = True

    def open(self) -> Camera:
        self._capture = FakeCapture()
        self._capture.plugged = self._plugged
        self.sensor = self._capture.sensor
        return OpenCvCamera(self._capture)

    def unplug(self) -> None:
        self._plugged = self._capture.plugged = False

    def plug_in(self) -> None:
        self._plugged = True

    def stall(self) -> None:
        self._capture.running.clear()


class PicameraRig(SceneRig):
    def __init__(self, _: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module, self._devices = fake_picamera2()
        monkeypatch.setitem(sys.modules, "picamera2", module)

    def open(self) -> Camera:
        camera = open_camera("picamera2", source="", width_px=WIDTH, height_px=HEIGHT)
        assert isinstance(camera, Picamera)
        device: FakePicamera2 = camera._device
        self.sensor = device.sensor
        return camera

    def unplug(self) -> None:
        self._devices.plugged = False

    def plug_in(self) -> None:
        self._devices.plugged = True

    def stall(self) -> None:
        self._devices.plugged = False  # libcamera tells neither from the other: frames stop
