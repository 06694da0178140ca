"""What every camera promises, on the simulator and on the real ones."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import pytest

from drivers.camera import Camera, CameraKind, open_camera
from drivers.camera.opencv import OpenCvCamera
from drivers.errors import CameraLostError, CameraStalledError, DeviceError, DeviceMissingError
from tests.drivers.camera_fakes import FakeCapture, fake_picamera2, moving

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 320, 240  # no multiple of the Pi's alignment: rows have padding
LONG_S = 3.0  # far longer than any frame takes


class Rig(Protocol):
    """A camera with a cable to pull."""

    def open(self) -> Camera: ...
    def unplug(self) -> None: ...
    def plug_in(self) -> None: ...
    def stall(self) -> None: ...


class SimulatedRig:
    def __init__(self, folder: Path, _: pytest.MonkeyPatch) -> None:
        self._folder, self._drawer = folder / "pictures", folder / "drawer"
        self._folder.mkdir()
        cv2.imwrite(str(self._folder / "1.png"), moving(1, 100, 100))

    def open(self) -> Camera:
        self._camera = open_camera("simulated", source=str(self._folder), width_px=WIDTH, height_px=HEIGHT)
        return self._camera

    def unplug(self) -> None:
        self._folder.rename(self._drawer)

    def plug_in(self) -> None:
        self._drawer.rename(self._folder)

    def stall(self) -> None:
        self._camera.freeze()  # type: ignore[attr-defined] # the simulator's own verb


class VideoRig:
    """A real OpenCV camera: a file that its own codec wrote."""

    def __init__(self, folder: Path, _: pytest.MonkeyPatch) -> None:
        self._file, self._drawer = folder / "lane.avi", folder / "drawer.avi"
        writer = cv2.VideoWriter(str(self._file), cv2.VideoWriter.fourcc(*"MJPG"), 30, (WIDTH, HEIGHT), isColor=True)
        for number in range(6):
            writer.write(cv2.cvtColor(moving(number, WIDTH, HEIGHT), cv2.COLOR_GRAY2BGR))
        writer.release()

    def open(self) -> Camera:
        return open_camera("opencv", source=str(self._file), width_px=WIDTH, height_px=HEIGHT)

    def unplug(self) -> None:
        self._file.rename(self._drawer)  # noticed at the end of the round

    def plug_in(self) -> None:
        self._drawer.rename(self._file)

    def stall(self) -> None:
        pytest.skip("a file does not stall")


class WebcamRig:
    """The driver of a live device, on a capture that only looks like one."""

    def __init__(self, _: Path, __: pytest.MonkeyPatch) -> None:
        self._plugged = True

    def open(self) -> Camera:
        self._capture = FakeCapture()
        self._capture.plugged = self._plugged
        return OpenCvCamera(self._capture)

    def unplug(self) -> None:
        self._plugged = self._capture.plugged = False

    def plug_in(self) -> None:
        self._plugged = True

    def stall(self) -> None:
        self._capture.running.clear()


class PicameraRig:
    def __init__(self, _: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module, self._devices = fake_picamera2()
        monkeypatch.setitem(sys.modules, "picamera2", module)

    def open(self) -> Camera:
        return open_camera("picamera2", source="", width_px=WIDTH, height_px=HEIGHT)

    def unplug(self) -> None:
        self._devices.plugged = False

    def plug_in(self) -> None:
        self._devices.plugged = True

    def stall(self) -> None:
        self._devices.plugged = False  # libcamera tells neither from the other: frames stop


@pytest.fixture(params=[SimulatedRig, VideoRig, WebcamRig, PicameraRig])
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    made: Rig = request.param(tmp_path, monkeypatch)
    return made


@pytest.fixture
def camera(rig: Rig) -> Iterator[Camera]:
    with rig.open() as opened:
        yield opened


def read_until_error(camera: Camera) -> DeviceError:
    """Read on as a program does; a stalled or lost camera says so within the timeout."""
    ends = time.monotonic() + LONG_S
    while time.monotonic() < ends:
        try:
            camera.read(0.3)
        except DeviceError as error:
            return error
    pytest.fail("frames came on and on")


def test_a_frame_is_luminance_of_8_bits_and_ours_to_keep(camera: Camera) -> None:
    frame = camera.read(LONG_S)
    assert frame.luma.shape == (HEIGHT, WIDTH)
    assert frame.luma.dtype == np.uint8
    assert frame.luma.flags.c_contiguous
    kept = frame.luma.copy()
    for _ in range(3):
        camera.read(LONG_S)
    assert np.array_equal(frame.luma, kept)


def test_luminance_is_neither_padding_nor_chroma(camera: Camera) -> None:
    luma = camera.read(LONG_S).luma
    assert luma.max() < 250, "white is only where no luminance is"
    assert 50 < luma.mean() < 160


def test_each_frame_is_captured_later_than_the_one_before_and_not_in_the_future(camera: Camera) -> None:
    times_ns = [camera.read(LONG_S).captured_ns for _ in range(4)]
    assert times_ns == sorted(set(times_ns))
    assert time.monotonic_ns() - 1_000_000_000 < times_ns[-1] <= time.monotonic_ns()


def test_a_late_reader_gets_the_newest_frame(camera: Camera) -> None:
    before = camera.read(LONG_S).captured_ns
    time.sleep(0.3)  # real devices have no clock to advance
    frame = camera.read(LONG_S)
    assert frame.captured_ns - before > 200_000_000
    assert time.monotonic_ns() - frame.captured_ns < 200_000_000


def test_no_frame_within_the_timeout_is_a_stall(rig: Rig, camera: Camera) -> None:
    camera.read(LONG_S)
    rig.stall()
    started = time.monotonic()
    with pytest.raises(CameraStalledError) as caught:
        [camera.read(0.1) for _ in range(5)]
    assert time.monotonic() - started < 1
    assert caught.value.cure


def test_a_stalled_camera_closes_in_time(rig: Rig, camera: Camera) -> None:
    camera.read(LONG_S)
    rig.stall()
    started = time.monotonic()
    camera.close()
    assert time.monotonic() - started < 2.5


def test_an_unplugged_camera_says_so_and_works_when_it_is_back_and_reopened(rig: Rig) -> None:
    with rig.open() as camera:
        camera.read(LONG_S)
        rig.unplug()
        error = read_until_error(camera)
        assert isinstance(error, CameraLostError | CameraStalledError)
        assert error.cure
    rig.plug_in()
    with rig.open() as camera:
        assert camera.read(LONG_S).luma.shape == (HEIGHT, WIDTH)


def test_closing_twice_is_closing_once_and_a_closed_camera_is_lost(camera: Camera) -> None:
    camera.read(LONG_S)
    camera.close()
    camera.close()
    with pytest.raises(CameraLostError):
        camera.read(LONG_S)


def test_closing_leaves_the_device_to_the_next_one(rig: Rig) -> None:
    for _ in range(2):
        with rig.open() as camera:
            camera.read(LONG_S)


@pytest.mark.parametrize(
    ("kind", "source"), [("simulated", "no/folder"), ("opencv", "no/file.avi"), ("opencv", "77"), ("picamera2", "")]
)
def test_a_missing_device_is_named_with_its_cure(kind: CameraKind, source: str, tmp_path: Path) -> None:
    place = source if source.isdecimal() or not source else str(tmp_path / source)
    with pytest.raises(DeviceMissingError) as caught:
        open_camera(kind, source=place, width_px=WIDTH, height_px=HEIGHT)
    assert source in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(("width", "height"), [(0, 240), (320, 0), (-1, 240)])
@pytest.mark.parametrize("kind", ["simulated", "opencv", "picamera2"])
def test_a_size_that_cannot_be_is_refused(kind: CameraKind, width: int, height: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{width} x {height}"):
        open_camera(kind, source=str(tmp_path), width_px=width, height_px=height)


@pytest.mark.hardware
@pytest.mark.parametrize(("kind", "source"), [("picamera2", "0"), ("opencv", "0")])
def test_a_real_camera_gives_30_frames_in_time(kind: CameraKind, source: str) -> None:
    here = shutil.which("rpicam-hello") is not None if kind == "picamera2" else Path("/dev/video0").exists()
    if not here:
        pytest.skip(f"no camera for {kind} here")
    with open_camera(kind, source=source, width_px=1280, height_px=720) as camera:
        frames = [camera.read(5.0) for _ in range(30)]
    assert frames[-1].captured_ns - frames[0].captured_ns < 5_000_000_000
    assert all(frame.luma.ndim == 2 for frame in frames)
