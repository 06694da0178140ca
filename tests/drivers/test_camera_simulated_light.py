"""The simulated camera's sensor and lens: a telephone in the dark, the cap against motion, focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.camera import Tuning
from drivers.symbols import open_symbol_reader
from tests.drivers.camera_desk import Desk
from tests.drivers.camera_scenes import bright

if TYPE_CHECKING:
    from pathlib import Path

MIDDLE = (260, 200, 120, 80)  # of the frame, in px: within the code that is held


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_telephone_in_the_dark_is_overexposed_until_it_is_attended(desk: Desk) -> None:
    camera, reader = desk.camera(), open_symbol_reader("zxing")
    camera.glow(desk.put("pass.png", "HC1:GLOWS"))
    first = camera.read(1.0)
    assert bright(first, MIDDLE) >= 240
    assert reader.read(first.luma) == []
    assert first.taken.exposure_us is not None
    assert first.taken.exposure_us > 8000, "by the mean of a dark picture"
    camera.attend((200, 140, 240, 200))
    frames = [camera.read(1.0) for _ in range(20)]
    assert [symbol.text for symbol in reader.read(frames[-1].luma)] == ["HC1:GLOWS"]
    assert 150 < bright(frames[-1], MIDDLE) < 230
    assert frames[-1].taken.exposure_us is not None
    assert frames[-1].taken.exposure_us <= 8000
    assert frames[1].taken == first.taken, "a sensor takes some frames to follow"


def test_what_glows_is_looked_at_without_being_told(desk: Desk) -> None:
    camera, reader = desk.camera(), open_symbol_reader("zxing")
    camera.glow(desk.put("pass.png", "HC1:GLOWS"))
    found = [bool(reader.read(camera.read(1.0).luma)) for _ in range(15)]
    assert found.index(True) <= 12, "within a second, so that it can be attended then"


def test_the_cap_against_motion_costs_gain_and_then_light(desk: Desk) -> None:
    camera = desk.camera(seed=0, tuning=Tuning(exposure_max_us=500, gain_max=4.0))
    camera.hold(desk.put("pass.png"))
    camera.attend((200, 140, 240, 200))
    frame = [camera.read(1.0) for _ in range(30)][-1]
    assert (frame.taken.exposure_us, frame.taken.gain) == (500, 4)
    assert bright(frame, MIDDLE) < 90


def test_a_lens_beside_its_sharp_place_blurs(desk: Desk) -> None:
    camera = desk.camera(width_px=1280, height_px=720)
    camera.hold(desk.put("pass.png"))
    reader = open_symbol_reader("zxing")
    for place, read in ((5.0, True), (0.0, False), (99.0, False), (5.5, True)):
        camera.focus_at(place)
        frame = camera.read(1.0)
        assert bool(reader.read(frame.luma)) is read, place
        assert frame.taken.lens_position == min(place, 15.0)
