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
import segno

from drivers.camera import AS_USUAL, Box, Camera, CameraKind, Frame, Tuning, open_camera
from drivers.camera.opencv import OpenCvCamera
from drivers.errors import CameraLostError, CameraStalledError, DeviceError, DeviceMissingError
from drivers.symbols import open_symbol_reader
from tests.drivers.camera_fakes import (
    CODE,
    FakeCapture,
    FakePicamera2,
    FakeSensor,
    fake_picamera2,
    lit_wall,
    moving,
    telephone_in_the_dark,
)

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
        self._camera = open_camera(
            "simulated", source=str(self._folder), width_px=WIDTH, height_px=HEIGHT, tuning=Tuning(fps=60)
        )
        return self._camera

    def unplug(self) -> None:
        self._folder.rename(self._drawer)

    def plug_in(self) -> None:
        self._drawer.rename(self._folder)

    def stall(self) -> None:
        self._camera.freeze()  # type: ignore[attr-defined] # the simulator's own verb

    def telephone(self) -> Box:
        picture = self._folder.parent / "code.png"
        segno.make(CODE, error="l", micro=False).save(str(picture), scale=4)
        self._camera.glow(picture)  # type: ignore[attr-defined] # as above
        return 110, 70, 100, 100

    def lamp(self) -> None:
        self._camera.take_away()  # type: ignore[attr-defined] # as above


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
        device: FakePicamera2 = camera._device  # type: ignore[attr-defined] # the fake's own
        self.sensor = device.sensor
        return camera

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


def bright(frame: Frame, box: Box) -> float:
    left, top, width, height = box
    return float(np.percentile(frame.luma[top : top + height, left : left + width], 90))


def test_exposure_follows_the_code_that_is_attended_and_not_the_dark_around_it(rig: Rig, camera: Camera) -> None:
    reader = open_symbol_reader("zxing")
    box = rig.telephone()
    while bright(first := camera.read(LONG_S), box) < 230:
        pass
    assert reader.read(first.luma) == [], "the automatic exposes for the room"
    camera.attend(box)
    frames = [camera.read(LONG_S) for _ in range(60)]
    found = [[symbol.text for symbol in reader.read(frame.luma)] for frame in frames]
    assert found.index([CODE]) < 40
    assert found[-20:] == [[CODE]] * 20
    light = [bright(frame, box) for frame in frames[-20:]]
    assert min(light) > 150
    assert max(light) < 230
    assert max(light) - min(light) < 20, "it does not swing"


def test_after_a_code_the_whole_picture_is_exposed_for_again(
    rig: Rig, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.metering.KEPT_NS", 100_000_000)
    box = rig.telephone()
    camera.attend(box)
    [camera.read(LONG_S) for _ in range(25)]
    rig.lamp()
    camera.attend(None)
    ends_ns = camera.read(LONG_S).captured_ns + 500_000_000
    frame = camera.read(LONG_S)
    while frame.captured_ns < ends_ns:
        frame = camera.read(LONG_S)
    assert 90 < frame.luma.mean() < 160


@pytest.mark.parametrize(
    "box", [(-50, -50, 60, 60), (300, 200, 500, 500), (5000, 5000, 10, 10), (0, 0, 0, 0), (9, 9, -5, 2)]
)
def test_any_box_may_be_attended(camera: Camera, box: Box) -> None:
    for _ in range(2):
        camera.attend(box)
        camera.focus_at(3.0)
        assert camera.read(LONG_S).luma.shape == (HEIGHT, WIDTH)
        camera.attend(None)


def test_a_lens_with_a_motor_tells_its_reach(camera: Camera) -> None:
    camera.read(LONG_S)
    lens, without = camera.abilities
    assert (lens is None) == ("focus" in without)
    assert lens is None or lens[0] < lens[1]


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


def real_camera(kind: CameraKind, source: str, tuning: Tuning = AS_USUAL) -> Camera:
    here = shutil.which("rpicam-hello") is not None if kind == "picamera2" else Path("/dev/video0").exists()
    if not here:
        pytest.skip(f"no camera for {kind} here")
    return open_camera(kind, source=source, width_px=1280, height_px=720, tuning=tuning)


@pytest.mark.hardware
@pytest.mark.parametrize(("kind", "source"), [("picamera2", "0"), ("opencv", "0")])
def test_a_real_camera_exposes_for_what_is_attended_within_the_cap(kind: CameraKind, source: str) -> None:
    box = (480, 200, 320, 320)
    with real_camera(kind, source, Tuning(exposure_max_us=4000)) as camera:
        camera.attend(box)
        frames = [camera.read(5.0) for _ in range(60)]
    taken = frames[-1].taken
    assert taken.exposure_us is None or taken.exposure_us < 4100
    light = [bright(frame, box) for frame in frames[-15:]]
    assert max(light) < 250
    assert max(light) - min(light) < 30


@pytest.mark.hardware
def test_a_real_lens_is_held_where_it_is_told() -> None:
    with real_camera("picamera2", "0", Tuning("manual", 5.0)) as camera:
        frames = [camera.read(5.0) for _ in range(30)]
        if camera.abilities.lens is None:
            pytest.skip("its lens has no motor")
    assert frames[-1].taken.lens_position == pytest.approx(5.0, abs=0.2)


@pytest.mark.hardware
@pytest.mark.parametrize(("kind", "source"), [("picamera2", "0"), ("opencv", "0")])
def test_a_real_camera_gives_30_frames_in_time(kind: CameraKind, source: str) -> None:
    with real_camera(kind, source) as camera:
        frames = [camera.read(5.0) for _ in range(30)]
    assert frames[-1].captured_ns - frames[0].captured_ns < 5_000_000_000
    assert all(frame.luma.ndim == 2 for frame in frames)
