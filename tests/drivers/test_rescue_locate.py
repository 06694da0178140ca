from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.symbols.region import Region
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.locate import Hypothesis, followed, hypotheses
from tests.drivers.rescue_scenes import NEVER, PASSED, Pose, Scene, scene_of

WHOLE = Region(0, 0, 640, 480, 1.0)


def first_guess(scene: Scene) -> Hypothesis:
    return next(iter(hypotheses(scene.luma, [scene.region], NEVER)))


def off_modules(guess: Hypothesis, scene: Scene) -> float:
    centres = np.array([finder.centre for finder in guess.finders])
    return float(np.hypot(*(centres - scene.centres).T).max()) / scene.module_px


@pytest.mark.parametrize(
    ("version", "pose"),
    [
        (1, Pose()),
        (2, Pose(module_px=7.0, turn=0.5)),
        (5, Pose(module_px=2.1, turn=2.5)),
        (7, Pose(module_px=8.0, turn=-2.0)),
        (15, Pose(turn=0.9)),
        (15, Pose(tilt=0.7, turn=1.3)),
        (15, Pose(tilt=-0.5, turn=-0.4)),
        (15, Pose(bend=0.8)),
        (15, Pose(bend=0.6, turn=1.8, tilt=0.3)),
        (25, Pose(module_px=2.2, turn=4.0)),
        (40, Pose(module_px=2.4)),
        (40, Pose(module_px=2.0, turn=0.5)),
    ],
)
def test_the_first_guess_is_right(version: int, pose: Pose) -> None:
    scene = scene_of(version, pose)

    guess = first_guess(scene)

    assert off_modules(guess, scene) < 0.35
    assert version in guess.versions[:2]
    assert not guess.inverted


def test_a_frame_leads_from_finder_to_finder() -> None:
    scene = scene_of(10, Pose(turn=2.0))

    top_left, top_right, bottom_left = first_guess(scene).finders

    steps = np.stack([top_right.centre - top_left.centre, bottom_left.centre - top_left.centre], axis=1) / 50
    assert np.allclose(top_left.frame, steps, atol=0.1)


def test_noise_and_blur_are_borne() -> None:
    scene = scene_of(12, Pose(turn=0.7), blur_px=2.0, noise=18.0)

    assert off_modules(first_guess(scene), scene) < 0.5


def test_an_inverted_code_is_found_as_such() -> None:
    scene = scene_of(12, Pose(turn=0.7), inverted=True)

    guess = first_guess(scene)

    assert guess.inverted
    assert off_modules(guess, scene) < 0.35


def test_a_mirrored_code_is_guessed_as_if_it_were_not() -> None:
    scene = scene_of(12, Pose(turn=0.7, mirrored=True))
    straight = replace(scene, centres=scene.centres[[0, 2, 1]])

    guess = first_guess(scene)

    assert off_modules(guess, straight) < 0.35
    assert guess.versions[0] == 12


def test_a_settled_region_is_searched_no_further() -> None:
    scene = scene_of(12, Pose(turn=0.7))
    away = Region(0, 0, 60, 60, 1.0)

    def looks_with(*settled: Region) -> int:
        looks = count()
        list(hypotheses(scene.luma, [scene.region, away], Deadline(10_000, looks.__next__), settled.__contains__))
        return next(looks)

    assert looks_with(scene.region, away) <= 4  # each region's, twice
    assert looks_with(scene.region) < looks_with() / 2


def test_a_region_that_cuts_a_corner_off_is_widened() -> None:
    scene = scene_of(12, Pose(turn=0.1))
    x, y, width, height, score = scene.region

    cut = Region(x + width // 4, y, width * 3 // 4, height, score)

    assert min(off_modules(guess, scene) for guess in hypotheses(scene.luma, [cut], NEVER)) < 0.35


def test_each_region_has_its_code() -> None:
    left = scene_of(8, Pose(module_px=2.5, at=(170, 240)))
    both = scene_of(3, Pose(module_px=4.0, turn=1.0, at=(470, 240)), behind=left.luma)

    guesses = list(hypotheses(both.luma, [left.region, both.region], NEVER))

    assert min(off_modules(guess, left) for guess in guesses) < 0.35
    assert min(off_modules(guess, both) for guess in guesses) < 0.35


def test_two_codes_of_one_region_are_both_found() -> None:
    left = scene_of(8, Pose(module_px=2.5, at=(170, 240)))
    both = scene_of(8, Pose(module_px=2.5, at=(470, 240)), behind=left.luma)

    guesses = list(hypotheses(both.luma, [WHOLE], NEVER))

    assert min(off_modules(guess, left) for guess in guesses) < 0.35
    assert min(off_modules(guess, both) for guess in guesses) < 0.35


def test_a_large_picture_is_searched_in_its_own_pixels() -> None:
    scene = scene_of(7, Pose(module_px=20.0, at=(700, 800)), size=(1600, 1400), blur_px=3.0)

    assert off_modules(first_guess(scene), scene) < 0.35


def test_no_guess_comes_twice() -> None:
    scene = scene_of(12, Pose(turn=0.7))
    guesses = list(hypotheses(scene.luma, [scene.region] * 2, NEVER))

    assert sum(off_modules(guess, scene) < 0.5 for guess in guesses) == 1


def hostile(kind: str) -> NDArray[np.uint8]:
    row, column = np.mgrid[:480, :640]
    match kind:
        case "black":
            return np.zeros((480, 640), np.uint8)
        case "white":
            return np.full((480, 640), 255, np.uint8)
        case "noise":
            return np.random.default_rng(2).integers(0, 256, (480, 640), np.uint8)
        case "checkerboard":
            return ((row // 3 + column // 3) % 2 * 255).astype(np.uint8)
        case "gradient":
            return (column * 255 // 640).astype(np.uint8)
        case _:  # finders side by side
            ring = np.maximum(np.abs(row % 27 - 13), np.abs(column % 27 - 13))
            return np.select([ring < 5, ring < 8, ring < 11], [0, 255, 0], 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["black", "white", "noise", "checkerboard", "gradient", "finders"])
def test_hostile_pictures_give_few_guesses(kind: str) -> None:
    guesses = list(hypotheses(hostile(kind), [WHOLE] * 9, NEVER))

    assert len(guesses) <= 120
    assert all(np.isfinite(finder.frame).all() for guess in guesses for finder in guess.finders)


@pytest.mark.parametrize("shape", [(4, 4), (1, 640), (33, 33), (34, 34), (34, 5000)])
def test_pictures_of_any_shape_are_borne(shape: tuple[int, int]) -> None:
    luma = np.random.default_rng(3).integers(0, 256, shape, np.uint8)

    assert len(list(hypotheses(luma, [Region(0, 0, shape[1], shape[0], 1.0)], NEVER))) <= 120


@settings(max_examples=20, deadline=None)
@given(st.integers(-900, 900), st.integers(-900, 900), st.integers(-50, 3000), st.integers(-50, 3000))
def test_regions_of_any_kind_are_borne(x: int, y: int, width: int, height: int) -> None:
    luma = hostile("noise")[:120, :150]

    for guess in hypotheses(luma, [Region(x, y, width, height, 1.0)], NEVER):
        assert 1 <= guess.versions[0] <= 40


def test_no_regions_give_no_guesses() -> None:
    assert list(hypotheses(hostile("noise"), [], NEVER)) == []


def test_a_passed_deadline_gives_no_guesses() -> None:
    scene = scene_of(12, Pose())

    assert list(hypotheses(scene.luma, [scene.region], PASSED)) == []


def without_a_finder() -> Scene:
    """Render a code that all rounds of a search look for in vain."""
    scene = scene_of(12, Pose())
    x, y = scene.centres[1].astype(int)
    scene.luma[y - 15 : y + 15, x - 15 : x + 15] = 60
    return scene


def test_a_deadline_that_passes_meanwhile_ends_the_search() -> None:
    scene = without_a_finder()
    looks = count()
    list(hypotheses(scene.luma, [scene.region], Deadline(10_000, lambda: next(looks))))
    whole = next(looks)

    for share in (0.1, 0.3, 0.5, 0.55, 0.6, 0.8, 0.95):
        looks, least = count(), int(share * whole)
        list(hypotheses(scene.luma, [scene.region], Deadline(least, lambda looks=looks: next(looks))))
        assert next(looks) <= least + 40  # each of a round's steps looks once more


@pytest.mark.parametrize(("across", "down", "turn"), [(30, 0, 0.0), (-20, 25, 0.05), (3, -2, -0.05), (0, 0, 0.0)])
def test_a_code_is_followed_to_the_next_frame(across: int, down: int, turn: float) -> None:
    before = scene_of(12, Pose(turn=0.4))
    after = scene_of(12, Pose(turn=0.4 + turn, module_px=3.05, at=(320 + across, 240 + down)), blur_px=1.2)

    again = followed(after.luma, first_guess(before), NEVER)

    assert again is not None
    assert off_modules(again, after) < 0.35
    assert again.versions[0] == 12


def test_an_inverted_code_is_followed() -> None:
    scene = scene_of(12, Pose(turn=0.4), inverted=True)

    again = followed(scene.luma, first_guess(scene), NEVER)

    assert again is not None
    assert off_modules(again, scene) < 0.35


@pytest.mark.parametrize("kind", ["black", "noise", "gradient"])
def test_a_code_that_is_gone_is_lost(kind: str) -> None:
    assert followed(hostile(kind), first_guess(scene_of(12, Pose())), NEVER) is None


def test_a_code_whose_finder_is_covered_is_lost() -> None:
    scene = scene_of(12, Pose())
    guess = first_guess(scene)

    assert followed(without_a_finder().luma, guess, NEVER) is None


def test_a_code_out_of_the_frame_is_lost() -> None:
    guess = first_guess(scene_of(12, Pose()))

    assert followed(np.zeros((20, 20), np.uint8), guess, NEVER) is None


def test_a_code_far_from_its_place_is_lost() -> None:
    before, after = scene_of(7, Pose(at=(150, 240))), scene_of(7, Pose(at=(450, 240)))

    assert followed(after.luma, first_guess(before), NEVER) is None


def test_a_code_is_not_followed_past_the_deadline() -> None:
    scene = scene_of(12, Pose())

    assert followed(scene.luma, first_guess(scene), PASSED) is None


def test_a_large_code_is_followed() -> None:
    before = scene_of(7, Pose(module_px=28.0, at=(750, 750)), size=(1500, 1500), blur_px=3.0)
    after = scene_of(7, Pose(module_px=28.0, at=(770, 740)), size=(1500, 1500), blur_px=3.0)

    again = followed(after.luma, first_guess(before), NEVER)

    assert again is not None
    assert off_modules(again, after) < 0.35
