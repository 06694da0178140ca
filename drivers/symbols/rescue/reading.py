"""Read one code whose finders and version are supposed: geometry, then equaliser and Reed-Solomon in turns."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from drivers.symbols import Symbol
from drivers.symbols.rescue.codewords import Content, format_fit, known_modules, solved
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.equaliser import Flattened, Judged, flattened, judged
from drivers.symbols.rescue.finders import Fitted
from drivers.symbols.rescue.geometry import Geometry, measured
from drivers.symbols.rescue.layout import Layout, Modules
from drivers.symbols.rescue.memory import KEPT_SHARE, joined, levelled, shown, weighed
from drivers.symbols.rescue.redraw import symbol_of
from drivers.symbols.rescue.view import View

PASSES_MAX: Final = 5  # a further one solves hardly anything
FOUND_LEAST_SHARE: Final = 0.25  # of the alignment patterns; with fewer, no code of this version is here
WRONG_MOST: Final = 0.2  # of the function patterns' modules; a chance picture has a half, and learning brings it to 0.3
FORMAT_LEAST: Final = 0.75  # codes have more (98 %, and all that are solved), mirrored as they lie less (99 %)


class Attempt(NamedTuple):
    """What became of a supposed code."""

    symbol: Symbol | None
    evidence: Modules | None  # what this frame says, with earlier ones that say the same; None: no such code lies here


NOTHING: Final = Attempt(None, None)


def read_code(view: View, layout: Layout, finders: Fitted, earlier: Modules | None, deadline: Deadline) -> Attempt:
    """Read a code of a version by its finders (px of the view), with what earlier frames say of it."""
    geometry = measured(view.picture, layout, finders, deadline)
    if geometry.found < FOUND_LEAST_SHARE * geometry.patterns or not geometry.warp.sound or deadline.passed():
        return NOTHING
    flat = flattened(view.picture, geometry.warp, layout.side)
    first = judged(flat, layout.known, None)
    if first.wrong_share > WRONG_MOST:
        return NOTHING
    mirrored = format_fit(first.soft.T, layout) > format_fit(first.soft, layout)  # only formats tell: all else is alike
    if mirrored:
        flat, first = flat.mirrored(), first._replace(soft=np.ascontiguousarray(first.soft.T))
    if format_fit(first.soft, layout) < FORMAT_LEAST or deadline.passed():
        return NOTHING
    soft, content = _learnt(flat, layout, first.soft, deadline)
    own = weighed(first, soft, content, layout)
    evidence = own if earlier is None else joined(earlier, own, layout)
    if not content.complete and earlier is not None and evidence is not None and not deadline.passed():
        together = _together(flat, layout, first, earlier, evidence)
        content = together if together.complete and shown(together, own, layout) else content
    is_whole = content.complete and not content.divided
    corners = _corners(view, geometry, mirrored=mirrored)
    symbol = symbol_of(known_modules(content, layout), corners) if is_whole else None
    return Attempt(symbol, own if evidence is None else evidence)


def _learnt(flat: Flattened, layout: Layout, soft: Modules, deadline: Deadline) -> tuple[Modules, Content]:
    """Solve blocks and learn from them, in turns."""
    content = solved(soft, layout, None)
    for _ in range(PASSES_MAX - 1):
        if content.complete or deadline.passed():
            break
        soft = _again(flat, layout, soft, content)
        content = solved(soft, layout, content)
    return soft, content


def _together(flat: Flattened, layout: Layout, first: Judged, earlier: Modules, evidence: Modules) -> Content:
    """Solve what several frames say, and once more after the last frame is judged by what they say."""
    content = solved(levelled(evidence), layout, None)
    if content.complete:
        return content
    own = weighed(first, _again(flat, layout, levelled(evidence), content), content, layout)
    return solved(levelled(KEPT_SHARE * earlier + own), layout, content)


def _again(flat: Flattened, layout: Layout, soft: Modules, content: Content) -> Modules:
    known = known_modules(content, layout)
    return judged(flat, known, np.where(known != 0, known, soft).astype(np.float32)).soft


def _corners(view: View, geometry: Geometry, *, mirrored: bool) -> tuple[tuple[int, int], ...]:
    side = geometry.warp.side
    outline = np.array([[0.0, 0], [side, 0], [side, side], [0, side]])
    outline = view.to_frame(geometry.warp(outline[:, ::-1] if mirrored else outline))
    return tuple((round(float(x)), round(float(y))) for x, y in outline)
