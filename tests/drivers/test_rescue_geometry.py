from __future__ import annotations

import numpy as np
import pytest

from drivers.symbols.rescue.geometry import measured
from drivers.symbols.rescue.layout import layout_of
from tests.drivers.rescue_pictures import Scene, Shown, matrix_of, scene_of, seen
from tests.drivers.rescue_scenes import NEVER

HELD = {
    "upright": (10, Shown(turned=0, tilted=0)),
    "turned": (10, Shown(turned=2.5)),
    "tilted": (12, Shown(tilted=0.6)),
    "bent": (14, Shown(bent=0.7)),
    "small": (3, Shown(module_px=2.2)),
    "smallest": (1, Shown()),
    "large": (25, Shown(module_px=2.5, bent=0.3)),
    "near": (7, Shown(module_px=15)),
    "poor": (15, Shown(blur_px=1.5, noise=15)),
}


def error_modules(scene: Scene, version: int, off_modules: float) -> float:
    """Give the root mean square of how far modules lie from where the geometry has them."""
    view, finders = seen(scene, off_modules)
    geometry = measured(view.picture, layout_of(version), finders, NEVER)
    line = np.arange(layout_of(version).side) + 0.5
    places = view.to_frame(geometry.warp(np.stack(np.meshgrid(line, line), axis=-1)))
    module_px = np.linalg.norm(scene.frames[0][:, 0])
    return float(np.sqrt((np.linalg.norm(places - scene.places, axis=-1) ** 2).mean()) / module_px)


@pytest.mark.parametrize(("version", "shown"), HELD.values(), ids=HELD.keys())
def test_modules_are_found_to_a_fifth_of_their_size(version: int, shown: Shown) -> None:
    scene = scene_of(matrix_of("GREEN", version, "l"), shown)
    assert error_modules(scene, version, 0.3) < 0.2


def test_all_alignment_patterns_of_a_clear_picture_are_found() -> None:
    view, finders = seen(scene_of(matrix_of(version=14), Shown()))
    geometry = measured(view.picture, layout_of(14), finders, NEVER)
    assert (geometry.found, geometry.patterns) == (13, 13)


def test_covered_patterns_are_done_without() -> None:
    scene = scene_of(matrix_of(version=14), Shown(turned=0, tilted=0))
    (left, top), (right, bottom) = scene.places[30, 30].astype(int), scene.places[-12, -12].astype(int)
    scene.luma[top:bottom, left:right] = 255
    view, finders = seen(scene)
    geometry = measured(view.picture, layout_of(14), finders, NEVER)
    assert 8 <= geometry.found < 13
    assert error_modules(scene, 14, 0.0) < 0.3


def test_another_version_is_told_by_patterns_that_are_not_there() -> None:
    view, finders = seen(scene_of(matrix_of(version=14), Shown()))
    geometry = measured(view.picture, layout_of(21), finders, NEVER)
    assert geometry.found < 0.7 * geometry.patterns


def test_noise_has_no_patterns() -> None:
    scene = scene_of(matrix_of(version=10), Shown())
    view, finders = seen(scene)
    noise = np.random.default_rng(1).normal(128, 40, view.picture.shape).astype(np.float32)
    assert measured(noise, layout_of(10), finders, NEVER).found < 3
