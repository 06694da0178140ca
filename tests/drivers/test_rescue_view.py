from __future__ import annotations

import numpy as np
import pytest

from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.view import MODULE_MOST_PX, view_of

CENTRES = np.array([[300.0, 200], [420, 210], [290, 320]])


def test_a_view_holds_the_code_and_gives_places_back() -> None:
    luma = np.arange(480 * 640, dtype=np.uint32).reshape(480, 640).astype(np.uint8)
    view = view_of(luma, CENTRES, 4.0, inverted=False)
    assert view is not None
    assert view.scale == 1
    inside = view.from_frame(CENTRES)
    assert (inside > 20).all()
    assert (inside < np.array(view.picture.shape[::-1]) - 20).all()
    assert view.to_frame(inside) == pytest.approx(CENTRES)
    x, y = inside[0].astype(int)
    assert view.picture[y, x] == luma[200, 300]


def test_large_modules_are_made_smaller() -> None:
    luma = np.zeros((4000, 4000), np.uint8)
    luma[:, 2000:] = 200
    view = view_of(luma, CENTRES * 10, 40.0, inverted=False)
    assert view is not None
    assert view.scale == pytest.approx(MODULE_MOST_PX / 40)
    assert view.to_frame(view.from_frame(CENTRES)) == pytest.approx(CENTRES)


def test_light_and_dark_are_swapped_in_an_inverted_code() -> None:
    luma = np.full((480, 640), 30, np.uint8)
    view = view_of(luma, CENTRES, 4.0, inverted=True)
    assert view is not None
    assert (view.picture == 225).all()


@pytest.mark.parametrize("away", [-5000, 5000])
def test_a_code_outside_the_picture_is_none(away: int) -> None:
    assert view_of(np.zeros((480, 640), np.uint8), CENTRES + away, 4.0, inverted=False) is None


def test_a_deadline_passes_at_its_moment() -> None:
    now = [99]
    deadline = Deadline(100, lambda: now[0])
    assert not deadline.passed()
    now[0] = 100
    assert deadline.passed()
