"""The OpenCV camera: frames that are none, devices that block, files that are no video."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from drivers.camera import open_camera
from drivers.camera.opencv import OpenCvCamera, luma_of
from drivers.errors import CameraLostError, CameraStalledError, DeviceMissingError
from tests.drivers.camera_scenes import moving
from tests.drivers.capture_fakes import FakeCapture
from tests.made_files import video

if TYPE_CHECKING:
    from pathlib import Path

GOOD = np.full((24, 32, 3), 90, np.uint8)
BAD = {
    "nothing": None,
    "size zero": np.zeros((0, 0, 3), np.uint8),
    "no height": np.zeros((0, 32, 3), np.uint8),
    "one row: compressed data": np.zeros((1, 5000), np.uint8),
    "one dimension": np.zeros(5000, np.uint8),
    "four dimensions": np.zeros((2, 2, 2, 2), np.uint8),
    "five channels": np.zeros((24, 32, 5), np.uint8),
    "floats": np.zeros((24, 32, 3), np.float32),
    "no array": "frame",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_frame_that_is_none_is_skipped(bad: object) -> None:
    with OpenCvCamera(FakeCapture([bad, GOOD])) as camera:
        for _ in range(3):
            assert camera.read(1.0).luma.shape == (24, 32)


def test_a_device_that_gives_only_such_frames_is_lost() -> None:
    with OpenCvCamera(FakeCapture([None])) as camera, pytest.raises(CameraLostError, match="no pictures"):
        camera.read(2.0)


@pytest.mark.parametrize(
    ("picture", "luma"),
    [
        (np.full((4, 6), 77, np.uint8), 77),
        (np.full((4, 6, 1), 77, np.uint8), 77),
        (np.full((4, 6, 3), (255, 0, 0), np.uint8), 29),  # blue, ITU-R BT.601
        (np.full((4, 6, 4), (0, 0, 255, 9), np.uint8), 76),  # red
        (np.full((8, 12), 77, np.uint8)[::2, ::2], 77),
    ],
)
def test_luminance_of_grey_and_colour(picture: np.ndarray, luma: int) -> None:
    grey = luma_of(picture)
    assert grey is not None
    assert grey.shape == (4, 6)
    assert grey.flags.c_contiguous
    assert set(grey.flat) == {luma}


def test_a_blocked_read_is_a_stall_and_is_released_only_when_it_returns() -> None:
    capture = FakeCapture()
    capture.running.clear()
    camera = OpenCvCamera(capture)
    with pytest.raises(CameraStalledError):
        camera.read(0.05)
    assert capture.released == 0
    capture.running.set()
    assert camera.read(1.0).luma.shape == (240, 320)
    camera.close()
    assert capture.released == 1


class ThrowingCapture(FakeCapture):
    def retrieve(self) -> tuple[bool, Any]:
        raise cv2.error("(-215:Assertion failed) !buf.empty()")


def test_an_exception_of_opencv_is_a_lost_camera_and_releases_it() -> None:
    capture = ThrowingCapture()
    with OpenCvCamera(capture) as camera, pytest.raises(CameraLostError, match="Assertion"):
        camera.read(1.0)
    assert capture.released == 1


def bars(path: Path, frames: int, fps: float = 30) -> Path:
    return video(path, [moving(number, 320, 240) for number in range(frames)], (320, 240), fps)


def bar(luma: np.ndarray) -> int:
    """Tell which frame of `moving` this is."""
    return round(int(luma[120].argmax()) / 16)


def test_a_file_plays_at_its_own_pace_and_starts_again_at_its_end(tmp_path: Path) -> None:
    with open_camera("opencv", source=str(bars(tmp_path / "a.avi", 5, 50)), width_px=1, height_px=1) as camera:
        frames = [camera.read(1.0) for _ in range(12)]
    numbers = [bar(frame.luma) for frame in frames]
    steps = [(after - before) % 5 for before, after in pairwise(numbers)]
    assert steps.count(1) >= 8, f"in order, round and round: {numbers}"
    assert frames[-1].captured_ns - frames[0].captured_ns > 11 * 15_000_000, "not faster than 50 frames/s"


@pytest.mark.parametrize("content", [b"", b"no video at all" * 1000, b"RIFF\xff\xff\xff\xffAVI LIST"])
def test_a_file_that_is_no_video_is_a_missing_device(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "not.avi"
    path.write_bytes(content)
    with pytest.raises(DeviceMissingError, match=r"not\.avi"):
        open_camera("opencv", source=str(path), width_px=320, height_px=240)
    assert capfd.readouterr().err == "", "the log is ours"


def test_a_file_without_frames_is_lost_not_an_endless_loop() -> None:
    opened = []

    def empty() -> FakeCapture:
        opened.append(FakeCapture())
        opened[-1].plugged = False
        return opened[-1]

    with OpenCvCamera(empty(), again=empty, fps=30) as camera, pytest.raises(CameraLostError, match="no more"):
        camera.read(1.0)
    assert [capture.released for capture in opened] == [1]


def test_a_program_that_forgets_to_close_still_ends_in_order(tmp_path: Path) -> None:
    path = bars(tmp_path / "a.avi", 5, 120)
    code = (
        "from drivers.camera import open_camera\n"
        f"camera = open_camera('opencv', source={str(path)!r}, width_px=1, height_px=1)\n"
        "camera.read(5.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_device_that_is_no_camera_is_a_missing_device() -> None:
    with pytest.raises(DeviceMissingError, match="/dev/null"):
        open_camera("opencv", source="/dev/null", width_px=320, height_px=240)


class FakeDevice(FakeCapture):
    """A `cv2.VideoCapture` of a V4L2 device: takes its format before its size, as V4L2 does."""

    made: list[FakeDevice]

    def __init__(self, source: str, backend: int) -> None:
        super().__init__()
        assert (source, backend) == ("/dev/null", cv2.CAP_V4L2)
        self.settings: list[tuple[int, float]] = []
        self.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, setting: int, value: float) -> bool:
        self.settings.append((setting, value))
        if setting == cv2.CAP_PROP_FRAME_HEIGHT:
            raise cv2.error("unsupported")
        return False


def test_a_webcam_is_asked_for_compressed_frames_of_the_size_and_may_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeDevice.made = []
    monkeypatch.setattr("drivers.camera.opencv.cv2.VideoCapture", FakeDevice)
    with open_camera("opencv", source="/dev/null", width_px=1280, height_px=720) as camera:
        assert camera.read(1.0).luma.shape == (240, 320), "its own size"
    (device,) = FakeDevice.made
    assert device.settings[:3] == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
    ]
    assert device.released == 1


def test_without_opencv_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("drivers._opencv", "drivers.camera.opencv"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cv2", None)  # importing it then fails
    with pytest.raises(DeviceMissingError, match="opencv-python-headless"):
        open_camera("opencv", source=str(tmp_path), width_px=320, height_px=240)
