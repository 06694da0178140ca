"""[camera]: how a camera is set for reading, within bounds that a device can hold."""

from pathlib import Path

import pytest

from drivers.camera import Tuning
from firmware import wiring
from firmware.config import load_config
from tests.firmware.config_files import WHOLE, problem, written

SECTION = '[camera]\nkind = "simulated"'


def test_what_is_not_said_is_what_the_drivers_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(wiring, "open_camera", lambda *_, tuning, **__: asked.append(tuning))
    wiring.camera_of(load_config(written(tmp_path, WHOLE)))
    said = "focus = 'manual'\nlens_position = 4\nexposure_max_us = 5000\ngain_max = 8\nfps = 20"
    wiring.camera_of(load_config(written(tmp_path, WHOLE.replace(SECTION, f"{SECTION}\n{said}"))))
    assert asked == [Tuning(), Tuning("manual", 4.0, 5000, 8.0, 20.0)]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ('focus = "manual"', "key camera.lens_position is missing: a manual focus needs it: greengate camera tune"),
        ("lens_position = 4.0", 'key camera.lens_position: set camera.focus = "manual" too'),
        ('focus = "auto"', "key camera.focus: invalid enum value 'auto'"),
        ('focus = "manual"\nlens_position = -0.1', "key camera.lens_position: expected `float` >= 0"),
        ('focus = "manual"\nlens_position = 33', "key camera.lens_position: expected `float` <= 32"),
        ('focus = "manual"\nlens_position = nan', "key camera.lens_position: expected"),
        ("exposure_max_us = 99", "key camera.exposure_max_us: expected `int` >= 100"),
        ("exposure_max_us = 100001", "key camera.exposure_max_us: expected `int` <= 100000"),
        ("exposure_max_us = 8000.5", "key camera.exposure_max_us: expected `int`"),
        ("gain_max = 0.9", "key camera.gain_max: expected `float` >= 1"),
        ("gain_max = 65", "key camera.gain_max: expected `float` <= 64"),
        ("fps = 0.5", "key camera.fps: expected `float` >= 1"),
        ("fps = 121", "key camera.fps: expected `float` <= 120"),
        ("fps = 30\nexposure_max_us = 33334", "longer than a frame: with camera.fps 30 at most 33333"),
        ("exposure_us = 5", "unknown key camera.exposure_us: did you mean exposure_max_us?"),
    ],
)
def test_a_mistake_is_named_with_its_cure(tmp_path: Path, said: str, says: str) -> None:
    assert says in problem(written(tmp_path, WHOLE.replace(SECTION, f"{SECTION}\n{said}")))


@pytest.mark.parametrize(
    "said",
    [
        'focus = "manual"\nlens_position = 0',
        "fps = 30\nexposure_max_us = 33333",
        "exposure_max_us = 100000",
        "gain_max = 1",
    ],
)
def test_the_ends_of_the_bounds_are_taken(tmp_path: Path, said: str) -> None:
    load_config(written(tmp_path, WHOLE.replace(SECTION, f"{SECTION}\n{said}")))
