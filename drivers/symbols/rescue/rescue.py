"""The rescue of a frame: suppose where a code lies, best guess first, and read until one is read or time is up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2
from drivers.symbols import Symbol
from drivers.symbols.region import Region
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.finders import Fitted, Points, module_px
from drivers.symbols.rescue.layout import Modules, layout_of, side_of
from drivers.symbols.rescue.locate import Hypothesis, IsSettled, fitted_of, followed, hypotheses
from drivers.symbols.rescue.memory import Memory
from drivers.symbols.rescue.reading import NOTHING, Attempt, read_code
from drivers.symbols.rescue.view import view_of

VERSIONS_TRIED: Final = 2  # of one supposed place
FILLED_LEAST: Final = 0.6  # of a region's area: the code that it was found for, and no room for another of its size
FINDER_REACH_MODULES: Final = 4.0  # from a finder's middle to beyond the code's corner


def rescue(
    luma: NDArray[np.uint8], regions: Sequence[Region], memory: Memory | None, deadline: Deadline
) -> tuple[Symbol | None, Memory | None]:
    """Read one code of a frame of (height_px, width_px), with what is known of its presentation.

    Gives what was read, and what the presentation's next frame may use. Nothing is raised whatever the pixels are. The
    deadline is looked at between stages; one that has begun ends within 20 ms (x86, whatever the frame).
    """
    likeliest: Memory | None = None
    seen: list[Hypothesis] = []
    with np.errstate(all="ignore"):  # what a fit through hostile points gives is refused, not warned of
        for supposed in _supposed(luma, regions, memory, deadline, lambda region: _is_filled(region, seen)):
            if any(_same_place(supposed, other) for other in seen):
                continue
            for version in supposed.versions[:VERSIONS_TRIED]:
                if deadline.passed():
                    return None, likeliest or memory
                attempt = _attempted(luma, supposed, version, _earlier(memory, version), deadline)
                if attempt.evidence is None:
                    continue
                known = Memory(replace(supposed, versions=(version,)), attempt.evidence)
                if attempt.symbol is not None:
                    return attempt.symbol, known
                likeliest = likeliest or known
                seen.append(supposed)
                break
    return None, likeliest or memory


def _earlier(memory: Memory | None, version: int) -> Modules | None:
    if memory is None or len(memory.evidence) != side_of(version):
        return None
    return memory.evidence


def _supposed(
    luma: NDArray[np.uint8],
    regions: Sequence[Region],
    memory: Memory | None,
    deadline: Deadline,
    is_settled: IsSettled,
) -> Iterator[Hypothesis]:
    if memory is not None:
        again = followed(luma, memory.hypothesis, deadline)
        if again is not None:
            yield again
    yield from hypotheses(luma, regions, deadline, is_settled)


def _attempted(
    luma: NDArray[np.uint8], supposed: Hypothesis, version: int, earlier: Modules | None, deadline: Deadline
) -> Attempt:
    finders = fitted_of(supposed.finders)
    try:
        view = view_of(luma, finders.centres, float(module_px(finders.frames).mean()), inverted=supposed.inverted)
        if view is None:
            return NOTHING
        inside = Fitted(view.from_frame(finders.centres), finders.frames * view.scale, finders.likeness)
        return read_code(view, layout_of(version), inside, earlier, deadline)
    except (np.linalg.LinAlgError, cv2.error):  # a fit through hostile points may have no answer
        return NOTHING


def _is_filled(region: Region, codes: Sequence[Hypothesis]) -> bool:
    """Tell whether one of the codes takes up most of a region."""
    low, size = np.array([region.x, region.y]), np.array([region.width, region.height])
    for code in codes:
        code_low, code_high = _box_of(code)
        shared = np.minimum(low + size, code_high) - np.maximum(low, code_low)
        if shared.min() > 0 and shared.prod() > FILLED_LEAST * size.prod():
            return True
    return False


def _box_of(code: Hypothesis) -> tuple[Points, Points]:
    top_left, top_right, bottom_left = (finder.centre for finder in code.finders)
    corners = np.stack([top_left, top_right, bottom_left, top_right + bottom_left - top_left])
    reach = FINDER_REACH_MODULES * float(module_px(fitted_of(code.finders).frames).mean())
    return corners.min(axis=0) - reach, corners.max(axis=0) + reach


def _same_place(one: Hypothesis, other: Hypothesis) -> bool:
    """Tell whether the middle of one supposed code lies within the other."""
    middle = (one.finders[1].centre + one.finders[2].centre) / 2
    top_left, top_right, bottom_left = (finder.centre for finder in other.finders)
    across, down = top_right - top_left, bottom_left - top_left
    way, area = middle - top_left, across[0] * down[1] - across[1] * down[0]
    shares = (way[0] * down[1] - way[1] * down[0]) / area, (across[0] * way[1] - across[1] * way[0]) / area
    return all(0 < share < 1 for share in shares)
