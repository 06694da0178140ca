from __future__ import annotations

import numpy as np
import pytest

from drivers.symbols.rescue.equaliser import flattened, judged
from drivers.symbols.rescue.geometry import measured
from drivers.symbols.rescue.layout import layout_of
from tests.drivers.rescue_pictures import Shown, matrix_of, scene_of, seen
from tests.drivers.rescue_scenes import NEVER


def test_a_clear_picture_is_judged_without_fault() -> None:
    scene = scene_of(matrix_of(version=8), Shown())
    layout = layout_of(8)
    view, finders = seen(scene)
    flat = flattened(view.picture, measured(view.picture, layout, finders, NEVER).warp, layout.side)
    first = judged(flat, layout.known, None)
    assert first.wrong_share == 0
    assert ((first.soft < 0) == scene.matrix).all()


@pytest.mark.parametrize("inverted", [False, True], ids=["dark", "light"])
def test_neighbours_take_blur_away(*, inverted: bool) -> None:
    scene = scene_of(matrix_of(version=12), Shown(module_px=2.2, blur_px=1.5, noise=5))
    layout = layout_of(12)
    view, finders = seen(scene, inverted=inverted)
    flat = flattened(view.picture, measured(view.picture, layout, finders, NEVER).warp, layout.side)
    first = judged(flat, layout.known, None)
    second = judged(flat, layout.known, first.soft)
    third = judged(flat, layout.known, second.soft)
    wrong = [int(((step.soft < 0) != scene.matrix).sum()) for step in (first, second, third)]
    assert wrong[0] > 20
    assert wrong[2] < 0.6 * wrong[0]
    assert third.error < first.error


def test_a_shadow_and_glare_are_evened_out() -> None:
    scene = scene_of(matrix_of(version=12), Shown())
    layout = layout_of(12)
    view, finders = seen(scene)
    height, width = view.picture.shape
    picture = view.picture * np.linspace(0.2, 1, width, dtype=np.float32)
    picture[: height // 2, : width // 2] += 60
    geometry = measured(picture, layout, finders, NEVER)
    first = judged(flattened(picture, geometry.warp, layout.side), layout.known, None)
    assert ((first.soft < 0) != scene.matrix).mean() < 0.02


def test_noise_is_judged_wrongly() -> None:
    layout = layout_of(12)
    view, finders = seen(scene_of(matrix_of(version=12), Shown()))
    warp = measured(view.picture, layout, finders, NEVER).warp
    noise = np.random.default_rng(2).normal(128, 40, view.picture.shape).astype(np.float32)
    assert judged(flattened(noise, warp, layout.side), layout.known, None).wrong_share > 0.25


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_even_picture_is_judged_without_a_warning(grey: int) -> None:
    layout = layout_of(7)
    view, finders = seen(scene_of(matrix_of(version=7), Shown()))
    warp = measured(view.picture, layout, finders, NEVER).warp
    flat = flattened(np.full_like(view.picture, grey), warp, layout.side)
    assert np.isfinite(judged(flat, layout.known, judged(flat, layout.known, None).soft).soft).all()
