"""What every camera promises, on the simulator and on the real ones' drivers (on real ones: `test_camera_hardware`)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.camera import Box, Camera, CameraKind, open_camera
from drivers.errors import CameraLostError, CameraStalledError, DeviceError, DeviceMissingError
from drivers.symbols import open_symbol_reader
from tests.drivers.camera_rigs import HEIGHT, WIDTH, PicameraRig, Rig, SimulatedRig, VideoRig, WebcamRig
from tests.drivers.camera_scenes import CODE, bright

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 3.0  # far longer than any frame takes


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
