import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.symbols.region import Region
from drivers.symbols.rescue.cut import SIDE_MAX_PX, cut_around, cut_of, module_sizes, turn_of
from tests.drivers.rescue_scenes import Pose, scene_of


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.8, 1.4])
def test_a_codes_turn_is_estimated(turn: float) -> None:
    scene = scene_of(10, Pose(turn=turn))
    cut = cut_around(scene.luma, scene.region, 0.1)

    assert cut is not None
    off = (turn_of(cut) - turn) % (np.pi / 2)
    assert min(off, np.pi / 2 - off) < 0.06


def test_stripes_do_not_hide_a_codes_turn() -> None:
    scene = scene_of(10, Pose(turn=0.2))
    row, column = np.mgrid[:480, :640]
    stripes = 30 * np.sin((row * np.sin(1.0) + column * np.cos(1.0)) / 1.5)
    luma = np.clip(scene.luma + stripes, 0, 255).astype(np.uint8)
    cut = cut_around(luma, scene.region, 0.1)

    assert cut is not None
    assert turn_of(cut) == pytest.approx(0.2, abs=0.08)


def test_a_cut_says_where_its_pixels_are_in_the_frame() -> None:
    luma = np.arange(100 * 200, dtype=np.uint32).reshape(100, 200).astype(np.uint8)
    cut = cut_of(luma, np.array([20.0, 30.0]), np.array([80.0, 90.0]))

    assert cut is not None
    assert cut.unit == 1
    assert cut.levels[0][5, 7] == luma[35, 27]
    assert cut.to_frame(np.array([7.0, 5.0])).tolist() == [27, 35]


def test_a_large_part_is_made_smaller() -> None:
    cut = cut_of(np.zeros((3000, 4000), np.uint8), np.array([0.0, 0.0]), np.array([4000.0, 3000.0]))

    assert cut is not None
    assert cut.unit == 4
    assert max(cut.levels[0].shape) <= SIDE_MAX_PX
    assert cut.to_frame(np.array([10.0, 20.0])).tolist() == [40, 80]


@pytest.mark.parametrize(
    ("low", "high"),
    [((0, 0), (10, 100)), ((-90, 0), (-10, 90)), ((150, 0), (900, 90)), ((90, 90), (10, 10))],
    ids=["narrow", "outside", "hardly inside", "turned about"],
)
def test_a_part_too_small_for_a_code_is_none(low: tuple[int, int], high: tuple[int, int]) -> None:
    assert cut_of(np.zeros((100, 160), np.uint8), np.array(low, float), np.array(high, float)) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(34, 4000), st.integers(34, 4000))
def test_module_sizes_are_few_and_fall(width: int, height: int) -> None:
    cut = cut_around(np.zeros((height, width), np.uint8), Region(0, 0, width, height, 1.0), 0.1)
    if cut is None:
        assert min(width, height) < 34 * 2 * max(width, height) / SIDE_MAX_PX
        return

    sizes = module_sizes(cut)

    assert 1 <= len(sizes) <= 13
    assert sizes == sorted(sizes, reverse=True)
    assert 8 * np.prod(cut.levels[0].shape) / sizes[-1] ** 2 <= 1_200_001  # px of the largest patch
