"""What is said of a camera's sights: what is wrong, what to set; and where a lens is sharpest."""

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.config_sections import CameraConfig
from provisioning.camera_advice import found_of, problems, suggestions, turning
from provisioning.camera_sight import Opened, Sight
from provisioning.camera_sweep import swept

CAMERA = CameraConfig(kind="picamera2", source="0")
OPENED = Opened(1280, 720, None, ())
GOOD = Sight(
    fps=30, mean=110, bright=190, blur_px=0.9, module_px=4.0, read=True, exposure_us=5000, gain=2, lens_position=5
)


def sights(count: int = 3, **changed: object) -> list[Sight]:
    return [msgspec.structs.replace(GOOD, **changed)] * count


def camera(**changed: object) -> CameraConfig:
    return msgspec.structs.replace(CAMERA, **changed)


def test_what_is_good_is_left_alone() -> None:
    found = found_of(sights())
    assert problems(found, CAMERA) == []
    assert suggestions(found, CAMERA, OPENED, None) == {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"bright": None, "blur_px": None, "module_px": None, "read": False}, ["no-code"]),
        ({"bright": 60.0}, ["too-dark"]),
        ({"bright": 250.0}, ["too-bright"]),
        ({"module_px": 1.7}, ["too-small"]),
        ({"blur_px": 2.2}, ["not-sharp"]),
        ({"blur_px": 2.2, "module_px": 6.0}, []),
        ({"blur_px": None}, []),
        ({"blur_px": None, "read": False}, ["not-sharp", "not-read"]),
        ({"read": False}, ["not-read"]),
        ({"fps": 12.0}, ["slow"]),
        ({"exposure_us": None, "gain": None, "lens_position": None}, []),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, object], told: list[str]) -> None:
    assert problems(found_of(sights(**changed)), camera(fps=30.0)) == told


def test_sights_without_a_code_do_not_count_for_its_light() -> None:
    found = found_of([*sights(), *sights(1, bright=None, blur_px=None, read=False, exposure_us=33_000)])
    assert (found.sights, found.code, found.read, found.bright, found.exposure_us) == (4, 0.75, 1.0, 190, 5000)


@pytest.mark.parametrize(
    ("seen", "said", "suggested"),
    [
        ({"bright": 60.0, "exposure_us": 7990, "gain": 16.0}, {}, {"exposure_max_us": 16_000}),
        ({"bright": 60.0, "exposure_us": 20_000, "gain": 16.0}, {"exposure_max_us": 20_000}, {}),
        ({"bright": 60.0, "exposure_us": 3000, "gain": 1.0}, {}, {}),
        ({"exposure_us": 7990, "gain": 1.2}, {}, {"exposure_max_us": 4000}),
        ({"exposure_us": 3990, "gain": 1.2}, {"exposure_max_us": 4000}, {}),
        ({"exposure_us": 7990, "gain": 6.0}, {}, {}),
        ({"fps": 11.7}, {"fps": 30.0}, {"fps": 11}),
        ({"module_px": 2.4}, {}, {"width_px": 1920, "height_px": 1080}),
        ({"module_px": 2.4}, {"width_px": 1920, "height_px": 1080}, {}),
        ({"module_px": 1.4}, {}, {}),
        ({"exposure_us": None}, {}, {}),
    ],
)
def test_what_would_mend_it_is_suggested(
    seen: dict[str, object], said: dict[str, object], suggested: dict[str, object]
) -> None:
    assert suggestions(found_of(sights(**seen)), camera(**said), OPENED, None) == suggested


def test_a_swept_lens_is_to_be_held_where_it_is_sharpest() -> None:
    found = found_of(sights())
    assert suggestions(found, CAMERA, OPENED, 5.2) == {"focus": "manual", "lens_position": 5.2}
    assert suggestions(found, camera(focus="manual", lens_position=5.2), OPENED, 5.2) == {}


@pytest.mark.parametrize(
    ("blur_px", "best_px", "code"),
    [
        (None, None, "ring-seek"),
        (None, 1.0, "ring-seek"),
        (3.0, 1.0, "ring-back"),
        (3.0, 3.0, "ring-good"),
        (1.3, 0.8, "ring-good"),
    ],
)
def test_a_ring_is_turned_to_where_it_was_sharpest(blur_px: float | None, best_px: float | None, code: str) -> None:
    assert turning(blur_px, best_px) == code


# the lens


@dataclasses.dataclass
class Lens:
    sharp: float
    depth: float = 0.2
    blind: float = 20.0  # dioptres beside the sharp place: from there on nothing has an edge
    tried: int = 0

    def blur_at(self, place: float) -> float | None:
        self.tried += 1
        beside = abs(place - self.sharp)
        return None if beside > self.blind else max(0.8, 0.8 + (beside - self.depth) * 1.5)


@given(sharp=st.floats(0.3, 14.5), depth=st.floats(0, 0.5), blind=st.floats(1.8, 20))
def test_a_lens_s_sharp_place_is_found(sharp: float, depth: float, blind: float) -> None:
    lens = Lens(sharp, depth, blind)
    found = swept((0.0, 32.0), lens.blur_at)
    assert found is not None
    assert abs(found - sharp) < 0.35
    assert lens.tried <= 16


def test_a_lens_before_which_nothing_is_held_has_no_sharp_place() -> None:
    assert swept((0.0, 10.0), lambda _: None) is None


def test_the_ends_of_its_reach_are_not_passed() -> None:
    places: list[float] = []

    def blur_at(place: float) -> float:
        places.append(place)
        return place

    assert swept((0.0, 10.0), blur_at) == 0.0
    assert min(places) == 0.0
    assert max(places) == 10.0
