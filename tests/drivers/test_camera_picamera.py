"""The Picamera2 driver: rows with padding, buffers that lie, cameras that are not there."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pytest

from drivers.camera import AS_USUAL, Box, Taken, Tuning
from drivers.camera.exposure import Exposure
from drivers.camera.picamera import Picamera, _used, captured_ns, luma_plane, moved, open_picamera
from drivers.errors import CameraLostError, DeviceMissingError
from tests.drivers.camera_scenes import lit_wall, moving
from tests.drivers.picamera_fakes import FakePicamera2, fake_picamera2


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    module, camera = fake_picamera2()
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return camera


def started(camera: Picamera) -> FakePicamera2:
    device: FakePicamera2 = camera._device
    return device


def test_frames_are_the_luminance_without_padding(devices: type[FakePicamera2]) -> None:
    with open_picamera("0", 330, 242, AS_USUAL) as camera:
        luma = camera.read(1.0).luma
        assert luma.shape == (242, 330)
        assert any(np.array_equal(luma, moving(number, 330, 242)) for number in range(100))
    assert devices.opened == 0


@pytest.mark.parametrize("focuses", [True, False])
def test_a_lens_that_can_focus_does_so_all_the_time(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, *, focuses: bool
) -> None:
    monkeypatch.setattr(devices, "focuses", focuses)
    with open_picamera("0", 320, 240, AS_USUAL) as camera:
        told = started(camera).controls
    assert told["FrameDurationLimits"] == (33_333, 33_333)
    assert {name: told.get(name) for name in ("AfMode", "AfRange")} == (
        {"AfMode": 2, "AfRange": 2} if focuses else {"AfMode": None, "AfRange": None}
    )


@pytest.mark.parametrize(
    ("tuning", "frame_us"),
    [
        (AS_USUAL, 33_333),
        (Tuning(fps=15.0), 66_667),
        (Tuning(fps=500.0), 8_339),
        (Tuning(exposure_max_us=50_000), 50_000),
    ],
    ids=["usual", "configured", "faster than it can", "as long as its exposure"],
)
@pytest.mark.usefixtures("devices")
def test_frames_are_as_long_as_their_rate(tuning: Tuning, frame_us: int) -> None:
    with open_picamera("0", 320, 240, tuning) as camera:
        assert started(camera).controls["FrameDurationLimits"] == (frame_us, frame_us)


@pytest.mark.parametrize("modes", [True, False])
def test_exposure_is_set_by_hand_for_a_code_and_given_back(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, *, modes: bool
) -> None:
    monkeypatch.setattr(devices, "modes", modes)
    with open_picamera("0", 320, 240, Tuning(exposure_max_us=2000)) as camera:
        device = started(camera)
        device.sensor.scene = lit_wall(320, 240)
        camera.attend((0, 0, 320, 240))
        [camera.read(1.0) for _ in range(15)]
        assert device.controls["ExposureTime"] == 2000, "the cap against motion"
        assert device.controls["AnalogueGain"] > 3
        assert device.controls.get("ExposureTimeMode", 1) == 1
        camera.attend(None)
        ends = time.monotonic() + 3
        while time.monotonic() < ends and device.controls["ExposureTime" if not modes else "ExposureTimeMode"]:
            camera.read(1.0)
        assert not device.controls["ExposureTime" if not modes else "ExposureTimeMode"]
        assert device.controls.get("AeEnable", False) is modes


def test_the_focus_window_follows_the_code_and_goes_with_it(devices: type[FakePicamera2]) -> None:
    with open_picamera("0", 320, 240, AS_USUAL) as camera:
        device = started(camera)
        device.sensor.scene = lit_wall(320, 240)
        camera.attend((160, 120, 80, 60))
        [camera.read(1.0) for _ in range(3)]
        assert device.controls["AfMetering"] == 1
        assert device.controls["AfWindows"] == [(576 + 1512, 1134, 1296, 972)], "a quarter larger on each side"
        camera.attend((165, 120, 80, 60))
        [camera.read(1.0) for _ in range(3)]
        assert device.controls["AfWindows"] == [(2088, 1134, 1296, 972)], "not for a few pixels"
    assert devices.opened == 0


def test_a_lens_that_is_held_has_no_window(devices: type[FakePicamera2]) -> None:
    with open_picamera("0", 320, 240, Tuning("manual", 40.0)) as camera:
        device = started(camera)
        device.sensor.scene = lit_wall(320, 240)
        camera.attend((160, 120, 80, 60))
        [camera.read(1.0) for _ in range(3)]
        assert (device.controls["AfMode"], device.controls["LensPosition"]) == (0, 32.0), "as near as it goes"
        assert "AfWindows" not in device.controls
        camera.focus_at(-2.0)
        assert device.controls["LensPosition"] == 0.0
        assert camera.abilities.lens == (0.0, 32.0)
    assert devices.opened == 0


@pytest.mark.parametrize(
    ("lacks", "without"),
    [
        (("ExposureTime",), ("exposure_max_us", "gain_max")),
        (("FrameDurationLimits",), ("fps",)),
        (("AfMetering",), ()),
        (("LensPosition",), ("focus",)),
    ],
)
def test_what_a_camera_lacks_is_not_asked_of_it(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, lacks: tuple[str, ...], without: tuple[str, ...]
) -> None:
    monkeypatch.setattr(devices, "lacks", lacks)
    with open_picamera("0", 320, 240, AS_USUAL) as camera:
        started(camera).sensor.scene = lit_wall(320, 240)
        camera.attend((160, 120, 80, 60))
        [camera.read(1.0) for _ in range(5)]
        assert camera.abilities.without == without


@pytest.mark.parametrize(
    ("window", "box", "far"),
    [
        (None, None, False),
        (None, (0, 0, 9, 9), True),
        ((0, 0, 9, 9), None, True),
        ((0, 0, 100, 100), (50, 50, 100, 100), False),
        ((0, 0, 100, 100), (51, 0, 100, 100), True),
        ((0, 0, 100, 100), (0, 0, 151, 100), True),
    ],
)
def test_a_window_moves_when_the_code_is_half_beside_it(window: Box | None, box: Box | None, *, far: bool) -> None:
    assert moved(window, box) is far


@pytest.mark.parametrize(
    ("size", "stride", "bytes_"),
    [((320, 240), 320, 320 * 239), ((0, 240), 320, 9999), ((320, 0), 320, 9999), ((320, 240), 300, 999_999)],
)
def test_a_buffer_that_does_not_fit_its_configuration_is_refused(
    size: tuple[int, int], stride: int, bytes_: int
) -> None:
    with pytest.raises(ValueError, match=str(bytes_)):
        luma_plane(np.zeros(bytes_, np.uint8), {"size": size, "stride": stride})


@pytest.mark.parametrize("config", [{"size": (320, 240), "stride": 9999}, {"size": (320, 240)}, {}])
@pytest.mark.usefixtures("devices")
def test_a_frame_of_no_use_is_a_lost_camera_and_leaves_picamera2s_thread_alive(config: dict[str, Any]) -> None:
    with open_picamera("", 320, 240, AS_USUAL) as camera:
        camera.read(1.0)
        device = started(camera)
        device.deliver({"lores": config})
        with pytest.raises(CameraLostError, match="of no use"):
            camera.read(1.0)
        assert device._thread.is_alive()


@pytest.mark.usefixtures("devices")
def test_a_sensor_that_tells_no_time_gives_the_time_of_delivery() -> None:
    with open_picamera("", 320, 240, AS_USUAL) as camera:
        started(camera).metadata = False
        camera.read(1.0)
        assert time.monotonic_ns() - camera.read(1.0).captured_ns < 500_000_000


@pytest.mark.parametrize("age_ns", [0, 40_000_000, 900_000_000])
def test_a_plausible_sensor_time_is_taken(age_ns: int) -> None:
    metadata = {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - age_ns}
    assert time.monotonic_ns() - captured_ns(metadata) == pytest.approx(age_ns, abs=20_000_000)


@pytest.mark.parametrize("sensor_ns", [0, 10**19, -5])
def test_an_implausible_sensor_time_is_not(sensor_ns: int) -> None:
    assert time.monotonic_ns() - captured_ns({"SensorTimestamp": sensor_ns}) < 20_000_000


def test_a_camera_that_is_not_connected_is_a_missing_device(devices: type[FakePicamera2]) -> None:
    devices.plugged = False
    with pytest.raises(DeviceMissingError, match="ribbon"):
        open_picamera("0", 320, 240, AS_USUAL)


def test_a_size_that_the_camera_refuses_lets_go_of_it(devices: type[FakePicamera2]) -> None:
    with pytest.raises(DeviceMissingError, match="even"):
        open_picamera("0", 321, 240, AS_USUAL)
    assert devices.opened == 0


@pytest.mark.parametrize("source", ["first", "1", "-"])
@pytest.mark.usefixtures("devices")
def test_a_camera_of_another_number_is_a_missing_device(source: str) -> None:
    with pytest.raises(DeviceMissingError, match=f"camera {source}"):
        open_picamera(source, 320, 240, AS_USUAL)


def test_without_picamera2_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)  # importing it then fails
    with pytest.raises(DeviceMissingError, match="python3-picamera2"):
        open_picamera("0", 320, 240, AS_USUAL)


def test_a_device_that_hangs_does_not_hang_its_close(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.picamera.CLOSE_S", 0.1)
    camera = open_picamera("0", 320, 240, AS_USUAL)
    device = started(camera)
    close, device_closes = device.close, time.monotonic() + 0.5

    def hang() -> None:
        while time.monotonic() < device_closes:
            time.sleep(0.01)
        close()

    monkeypatch.setattr(device, "close", hang)
    before = time.monotonic()
    camera.close()
    assert time.monotonic() - before < 0.4
    while devices.opened and time.monotonic() < device_closes + 2:
        time.sleep(0.01)
    assert devices.opened == 0


def test_a_camera_that_refuses_what_it_advertised_goes_on_by_its_automatics(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def refuse(_: FakePicamera2, controls: dict[str, Any]) -> None:
        told.extend(controls)
        if "ExposureTime" in controls or "AfWindows" in controls:
            raise OSError("no")

    monkeypatch.setattr(devices, "set_controls", refuse)
    with open_picamera("0", 320, 240, AS_USUAL) as camera:
        started(camera).sensor.scene = lit_wall(320, 240)
        for left in (0, 160, 0, 160):
            camera.attend((left, 0, 160, 240))
            [camera.read(1.0) for _ in range(2)]
        assert camera.abilities.without == ("exposure_max_us", "gain_max")
    assert (told.count("ExposureTime"), told.count("AfWindows")) == (1, 1), "asked once"


@pytest.mark.parametrize("lie", [float("nan"), float("inf"), -8000, 0, None, "8000"], ids=str)
def test_a_sensor_that_lies_about_a_frame_is_one_that_tells_nothing(lie: object) -> None:
    assert _used(Taken(lie, 2.0)) is None  # type: ignore[arg-type] # what libcamera's metadata may hold
    assert _used(Taken(8000, lie)) is None  # type: ignore[arg-type] # as above
    assert _used(Taken(8000, 2.0)) == Exposure(8000, 2.0)
