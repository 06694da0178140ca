"""How many finder patterns a picture seems to hold: the time that zxing-cpp takes grows with their square.

11,000 of them, drawn with modules of 1 px, take it 160 ms; a hundred codes in one picture have 300.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINDERS_MAX: Final = 2000  # ours: 10 to 30 ms of zxing-cpp
FINDER: Final = (1, 1, 3, 1, 1)  # modules: dark, light, dark, light, dark
PIXELS_MIN: Final = FINDERS_MAX * sum(FINDER) ** 2  # less cannot hold as many
EVERY_ROWS: Final = 61  # one row of so many is looked at; a prime, so that no even pattern escapes
AROUND_PX: Final = 65  # of a row, whose mean tells dark from light
STEP_MIN: Final = 24  # grey levels: zxing-cpp takes less contrast for none
DARKER_MIN: Final = STEP_MIN // 2  # than around: a camera's noise is not dark
TOLERANCE: Final = np.array([0.5, 0.5, 1, 0.5, 0.5])  # modules that a run may be too long or too short
ROUNDING_PX: Final = 0.5  # and so many px, of which modules of 1.5 px have one or two
CORE_ROWS: Final = 3  # modules: the rows of a finder pattern that show it
EDGES_MIN: Final = FINDERS_MAX * CORE_ROWS * (len(FINDER) + 1) // EVERY_ROWS  # too many finders have more in these rows


def bearable(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
    """Return the picture, or its middle where it seems to hold too many finder patterns; and its left and top in px."""
    if picture.size < PIXELS_MIN or (about := finders_about(picture)) <= FINDERS_MAX:
        return picture, 0, 0
    share = (FINDERS_MAX / about) ** 0.5
    height, width = (max(1, int(side * share)) for side in picture.shape)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width]), left, top


def finders_about(picture: NDArray[np.uint8]) -> float:
    """Estimate from some rows how many finder patterns there are; 0 where there are no edges for too many."""
    rows = np.ascontiguousarray(picture[min(EVERY_ROWS, len(picture)) // 2 :: EVERY_ROWS])
    if _steps(rows) < EDGES_MIN:
        return 0.0
    darker = cv2.subtract(cv2.blur(rows, (AROUND_PX, 1)), rows)
    dark = cv2.compare(darker, DARKER_MIN, cv2.CMP_GE).ravel()
    edges = np.flatnonzero(dark[1:] != dark[:-1]) + 1
    if edges.size < EDGES_MIN:
        return 0.0
    runs = np.lib.stride_tricks.sliding_window_view(np.diff(edges), len(FINDER))[int(dark[edges[0]] == 0) :: 2]
    runs = runs[(runs[:, 2] > runs[:, 1]) & (runs[:, 2] > runs[:, 3])]  # a core: few have one, and need a closer look
    modules = runs.sum(axis=1) / sum(FINDER)
    wrong = np.abs(runs - modules[:, np.newaxis] * FINDER)
    fits = (wrong <= modules[:, np.newaxis] * TOLERANCE + ROUNDING_PX).all(axis=1)
    return float(np.sum(EVERY_ROWS / (CORE_ROWS * modules[fits])))


def _steps(rows: NDArray[np.uint8]) -> int:
    steps = cv2.absdiff(rows[:, 1:], rows[:, :-1])
    return cv2.countNonZero(cv2.compare(steps, STEP_MIN, cv2.CMP_GT))
