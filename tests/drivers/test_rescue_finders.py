import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.symbols.rescue.finders import (
    NO_FINDERS,
    PATCH_MODULE_PX,
    Fitted,
    chosen,
    distinct,
    fitted,
    inverse,
    joined,
    likeness_map,
    module_px,
    peaks_of,
)
from tests.drivers.rescue_scenes import Pose, scene_of

AS_PRINTED = np.ones(3, np.intp)


def turned(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def starts(centres: NDArray[np.float64], frame: NDArray[np.float64]) -> Fitted:
    return Fitted(centres, np.tile(frame, (len(centres), 1, 1)), np.zeros(len(centres)))


@pytest.mark.parametrize("inverted", [False, True], ids=["as printed", "inverted"])
def test_the_likeliest_places_are_the_finders(*, inverted: bool) -> None:
    scene = scene_of(7, Pose(module_px=PATCH_MODULE_PX), inverted=inverted)
    sign = np.float32(-1 if inverted else 1)

    places, values = peaks_of(likeness_map(scene.luma) * sign, 3)

    distances = np.hypot(*(places[:, None] - scene.centres).transpose(2, 0, 1))
    assert distances.min(axis=0).max() < PATCH_MODULE_PX
    assert values.min() > 0.5


@pytest.mark.parametrize("shade", [0, 77, 255])
def test_a_flat_picture_has_no_finders(shade: int) -> None:
    likeness = likeness_map(np.full((60, 70), shade, np.uint8))

    assert likeness.shape == (60, 70)
    assert len(peaks_of(likeness, 5)[0]) == 0


def test_likeness_stays_between_minus_one_and_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8)

    assert np.abs(likeness_map(noise)).max() <= 1


def test_peaks_are_bounded_and_the_highest_come_first() -> None:
    likeness = np.zeros((100, 100), np.float32)
    likeness[::10, ::10] = np.linspace(0.31, 0.9, 100, dtype=np.float32).reshape(10, 10)

    places, values = peaks_of(likeness, 7)

    assert places[0].tolist() == [89.5, 89.5]
    assert values.tolist() == sorted(values, reverse=True)
    assert len(values) == 7


@pytest.mark.parametrize("inverted", [False, True], ids=["as printed", "inverted"])
@pytest.mark.parametrize(
    "pose",
    [Pose(), Pose(turn=0.6), Pose(tilt=0.6, turn=2.0), Pose(bend=0.5), Pose(module_px=6.3), Pose(module_px=1.9)],
    ids=["upright", "turned", "tilted", "bent", "large", "small"],
)
def test_a_fit_moves_to_the_finder(pose: Pose, *, inverted: bool) -> None:
    scene = scene_of(7, pose, inverted=inverted)
    off = scene.centres + 0.8 * pose.module_px
    signs = AS_PRINTED * (-1 if inverted else 1)

    found = fitted(scene.luma, starts(off, turned(pose.turn + 0.1) * pose.module_px * 0.9), signs, 8)

    assert np.hypot(*(found.centres - scene.centres).T).max() < 0.25 * pose.module_px
    assert found.likeness.min() > 0.85


def test_a_fit_knows_what_is_no_finder() -> None:
    scene = scene_of(7, Pose())

    found = fitted(scene.luma, starts(scene.centres, np.eye(2) * 3), -AS_PRINTED, 6)

    assert found.likeness.max() < 0.3


def test_a_fit_keeps_still_without_rounds() -> None:
    scene = scene_of(7, Pose())

    found = fitted(scene.luma, starts(scene.centres, np.eye(2) * 3), AS_PRINTED, 0)

    assert np.array_equal(found.centres, scene.centres)
    assert found.likeness.min() > 0.8


def test_nothing_is_fitted_to_nothing() -> None:
    found = fitted(np.zeros((9, 9), np.uint8), NO_FINDERS, np.zeros(0, np.intp), 6)

    assert found.likeness.shape == (0,)


@given(st.integers(0, 2**32 - 1), st.floats(-1e5, 1e5), st.floats(0.01, 1e4))
def test_a_fit_bears_any_place_and_size(seed: int, place: float, size: float) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (40, 40), np.uint8)

    found = fitted(noise, starts(np.full((3, 2), place), np.eye(2) * size), AS_PRINTED, 6)

    assert np.isfinite(found.centres).all()
    assert np.abs(found.likeness).max() <= 1.001


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4).filter(lambda m: abs(m[0] * m[3] - m[1] * m[2]) > 0.1))
def test_an_inverse_times_its_matrix_is_one(entries: list[float]) -> None:
    matrix = np.array(entries).reshape(2, 2)

    assert np.allclose(inverse(matrix) @ matrix, np.eye(2), atol=1e-6)


def test_a_flat_frame_has_an_inverse_all_the_same() -> None:
    assert np.isfinite(inverse(np.array([[1.0, 2], [2, 4]]))).all()


def test_a_modules_size_is_the_root_of_its_area() -> None:
    assert module_px(np.array([[0.0, -2], [8, 0]])) == pytest.approx(4)


def test_of_finders_close_together_the_likeliest_stays() -> None:
    centres = np.array([[0.0, 0], [5, 0], [50, 0], [100, 0]])
    three = Fitted(centres, np.tile(np.eye(2) * 3, (4, 1, 1)), np.array([0.5, 0.9, 0.7, 0.6]))

    kept = distinct(three, 3, most=2)

    assert kept.centres[:, 0].tolist() == [5, 50]
    assert distinct(NO_FINDERS, 3, most=2).likeness.size == 0


def test_finders_are_joined_and_chosen() -> None:
    one = starts(np.array([[1.0, 2]]), np.eye(2))

    assert joined([]).centres.shape == (0, 2)
    assert chosen(joined([one, one]), slice(1)).centres.tolist() == [[1, 2]]
