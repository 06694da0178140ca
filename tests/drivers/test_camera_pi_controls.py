"""libcamera's controls, where a camera has few of them, and windows at the frame's edges."""

from __future__ import annotations

import pytest

from drivers.camera import AS_USUAL, Box, Tuning
from drivers.camera.exposure import Exposure
from drivers.camera.pi_controls import exposure_controls, first_controls, lens_controls, limits_of, window_controls
from tests.drivers.picamera_fakes import CONTROLS, LENS_CONTROLS

ALL = CONTROLS | LENS_CONTROLS
CROP = (0, 0, 1280, 720)


def test_a_camera_without_controls_is_told_nothing() -> None:
    assert first_controls(Tuning("manual", 4.0), {}) == {}
    assert lens_controls(4.0, {}) == {}
    assert window_controls((0, 0, 9, 9), (1280, 720), CROP, {}) == {}
    assert limits_of(AS_USUAL, {}) == limits_of(AS_USUAL, {"ExposureTime": (0, 66_666, None)})


def test_limits_are_the_sensor_s_and_the_configuration_s() -> None:
    limits = limits_of(
        Tuning(exposure_max_us=200, gain_max=64), {"ExposureTime": (300, 9, 0), "AnalogueGain": (1.0, 10.6, 1.0)}
    )
    assert (limits.time_min_us, limits.time_max_us, limits.gain_max) == (300, 300, 10.6)


def test_before_libcamera_0_5_zero_is_the_automatic() -> None:
    assert exposure_controls(None, ALL) == {"ExposureTime": 0, "AnalogueGain": 0.0}
    assert exposure_controls(Exposure(1234.6, 2.00049), ALL) == {"ExposureTime": 1235, "AnalogueGain": 2.0}


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((100, 100, 200, 200), (50, 50, 300, 300)),
        ((0, 0, 100, 100), (0, 0, 125, 125)),
        ((1200, 700, 200, 200), (1150, 650, 130, 70)),
        ((2000, 100, 50, 50), None),
        ((-500, 100, 50, 50), None),
        ((100, 100, 0, 50), None),
        (None, None),
    ],
)
def test_a_window_is_a_quarter_larger_and_within_the_frame(box: Box | None, window: Box | None) -> None:
    found = window_controls(box, (1280, 720), CROP, ALL)
    assert found == ({"AfMetering": 0} if window is None else {"AfMetering": 1, "AfWindows": [window]})


def test_without_the_sensor_s_crop_there_is_no_window() -> None:
    assert window_controls((100, 100, 200, 200), (1280, 720), None, ALL) == {"AfMetering": 0}
