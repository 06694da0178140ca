"""The Picamera2 driver: rows with padding, buffers that lie, cameras that are not there."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pytest

from drivers.camera.picamera import Picamera, captured_ns, luma_plane, open_picamera
from drivers.errors import CameraLostError, DeviceMissingError
from tests.drivers.camera_fakes import FakePicamera2, fake_picamera2, moving


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    module, camera = fake_picamera2()
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return camera


def started(camera: Picamera) -> FakePicamera2:
    device: FakePicamera2 = camera._device
    return device


def test_frames_are_the_luminance_without_padding(devices: type[FakePicamera2]) -> None:
    with open_picamera("0", 330, 242) as camera:
        luma = camera.read(1.0).luma
        assert luma.shape == (242, 330)
        assert any(np.array_equal(luma, moving(number, 330, 242)) for number in range(100))
    assert devices.opened == 0


@pytest.mark.parametrize("focuses", [True, False])
def test_a_lens_that_can_focus_does_so_all_the_time(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, *, focuses: bool
) -> None:
    monkeypatch.setattr(devices, "focuses", focuses)
    with open_picamera("0", 320, 240) as camera:
        assert started(camera).controls == ({"AfMode": 2, "AfRange": 2} if focuses else {})


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
    with open_picamera("", 320, 240) as camera:
        camera.read(1.0)
        device = started(camera)
        device.deliver({"lores": config})
        with pytest.raises(CameraLostError, match="of no use"):
            camera.read(1.0)
        assert device._thread.is_alive()


@pytest.mark.usefixtures("devices")
def test_a_sensor_that_tells_no_time_gives_the_time_of_delivery() -> None:
    with open_picamera("", 320, 240) as camera:
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
        open_picamera("0", 320, 240)


def test_a_size_that_the_camera_refuses_lets_go_of_it(devices: type[FakePicamera2]) -> None:
    with pytest.raises(DeviceMissingError, match="even"):
        open_picamera("0", 321, 240)
    assert devices.opened == 0


@pytest.mark.parametrize("source", ["first", "1", "-"])
@pytest.mark.usefixtures("devices")
def test_a_camera_of_another_number_is_a_missing_device(source: str) -> None:
    with pytest.raises(DeviceMissingError, match=f"camera {source}"):
        open_picamera(source, 320, 240)


def test_without_picamera2_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)  # importing it then fails
    with pytest.raises(DeviceMissingError, match="python3-picamera2"):
        open_picamera("0", 320, 240)


def test_a_device_that_hangs_does_not_hang_its_close(
    devices: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.picamera.CLOSE_S", 0.1)
    camera = open_picamera("0", 320, 240)
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
