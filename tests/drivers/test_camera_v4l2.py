"""A webcam's controls: their units, what it lacks, and one thread for all of it."""

from __future__ import annotations

from typing import ClassVar

import cv2
import pytest

from drivers.camera import Tuning
from drivers.camera.exposure import Exposure
from drivers.camera.opencv import OpenCvCamera
from drivers.camera.v4l2 import V4l2Controls, limits_of
from tests.drivers.capture_fakes import FakeCapture


def controls(capture: FakeCapture, tuning: Tuning) -> V4l2Controls:
    made = V4l2Controls(capture, tuning)
    made.start()
    return made


def test_a_webcam_starts_automatic_with_its_frame_rate() -> None:
    capture = FakeCapture()
    made = controls(capture, Tuning(fps=25.0))
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
    assert capture.values[cv2.CAP_PROP_AUTOFOCUS] == 1
    assert capture.values[cv2.CAP_PROP_FPS] == 25
    assert made.abilities == ((0.0, 10.0), ())
    assert made.taken == (None, None, None)


def test_exposure_is_in_tenths_of_a_millisecond_and_gain_a_share() -> None:
    capture = FakeCapture()
    capture.values[cv2.CAP_PROP_GAIN] = 90
    made = controls(capture, Tuning())
    made.adjust(Exposure(8000, 4.0))
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert capture.values[cv2.CAP_PROP_EXPOSURE] == 80
    assert capture.values[cv2.CAP_PROP_GAIN] == round(255 / 2), "4 is half of the way to 16"
    assert made.taken == (8000, 4.0, None)
    made.adjust(Exposure(4000, 1.0))
    made.adjust(None)
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
    assert capture.values[cv2.CAP_PROP_GAIN] == 90, "as it was"
    assert made.taken == (None, None, None)


def test_a_lens_is_held_where_it_is_configured_then_where_it_is_told() -> None:
    capture = FakeCapture()
    made = controls(capture, Tuning("manual", 5.0))
    made.adjust(None)
    assert (capture.values[cv2.CAP_PROP_AUTOFOCUS], capture.values[cv2.CAP_PROP_FOCUS]) == (0, 125)
    made.focus_at(10.0)
    made.adjust(None)
    assert capture.values[cv2.CAP_PROP_FOCUS] == 250
    assert made.taken.lens_position == 10.0


@pytest.mark.parametrize(
    ("lacks", "without"),
    [
        (cv2.CAP_PROP_AUTO_EXPOSURE, ("exposure_max_us",)),
        (cv2.CAP_PROP_GAIN, ("gain_max",)),
        (cv2.CAP_PROP_AUTOFOCUS, ("focus",)),
        (cv2.CAP_PROP_FOCUS, ("lens_position",)),
        (cv2.CAP_PROP_FPS, ("fps",)),
    ],
)
def test_what_a_webcam_lacks_is_left_out_and_told(lacks: int, without: tuple[str, ...]) -> None:
    made = controls(FakeCapture(lacks=(lacks,)), Tuning("manual", 5.0, fps=15))
    made.adjust(Exposure(8000, 4.0))
    assert made.abilities.without == without
    assert (made.abilities.lens is None) == (without == ("focus",))


class Automatic(FakeCapture):
    """A webcam whose exposure nobody can set."""

    SWITCHES: ClassVar = {cv2.CAP_PROP_AUTO_EXPOSURE: (3,)}


def test_a_webcam_that_exposes_by_itself_alone_keeps_its_gain() -> None:
    capture = Automatic()
    capture.values[cv2.CAP_PROP_GAIN] = 90
    made = controls(capture, Tuning())
    for told in (Exposure(8000, 4.0), Exposure(4000, 1.0), None, Exposure(8000, 1.0)):
        made.adjust(told)
        assert capture.values[cv2.CAP_PROP_GAIN] == 90
        assert capture.values[cv2.CAP_PROP_EXPOSURE] == 157
    assert "exposure_max_us" in made.abilities.without


class OldAutomatic(FakeCapture):
    SWITCHES: ClassVar = {cv2.CAP_PROP_AUTO_EXPOSURE: (0, 1)}


def test_a_device_without_aperture_priority_has_the_other_automatic() -> None:
    capture = OldAutomatic(lacks=(cv2.CAP_PROP_GAIN,))
    made = controls(capture, Tuning())
    made.adjust(Exposure(8000, 1.0))
    made.adjust(None)
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 0
    assert "exposure_max_us" not in made.abilities.without


class Throwing(FakeCapture):
    def set(self, setting: int, value: float) -> bool:
        raise cv2.error(f"{setting} {value}")


def test_opencv_s_exceptions_are_a_lack_too() -> None:
    with OpenCvCamera(Throwing(), tuning=Tuning("manual", 5.0)) as camera:
        camera.attend((0, 0, 320, 240))
        [camera.read(1.0) for _ in range(5)]
        assert camera.abilities.without == ("exposure_max_us", "focus")


@pytest.mark.parametrize("most_us", [1, 100, 8000])
def test_limits_are_never_shorter_than_a_unit(most_us: int) -> None:
    limits = limits_of(Tuning(exposure_max_us=most_us, gain_max=64))
    assert limits == (limits.__class__)(100, max(100, most_us), 16)


def test_a_webcam_whose_gain_cannot_be_asked_for_is_exposed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = FakeCapture()

    def fail(_: int) -> float:
        raise cv2.error("no")

    monkeypatch.setattr(capture, "get", fail)
    made = controls(capture, Tuning())
    made.adjust(Exposure(8000, 4.0))
    assert capture.values[cv2.CAP_PROP_EXPOSURE] == 80
    made.adjust(None)
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
