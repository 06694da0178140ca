"""Where each module of a code lies in the picture: perspective, and paper that is bent, to a tenth of a module.

From three finders outwards: in each round the alignment patterns nearest to known ones are looked for where the
geometry so far puts them, and it is fitted anew. Module coordinates run along the code's edges from its outer corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.finders import Fitted
from drivers.symbols.rescue.layout import FINDER_SIDE, Layout

Points = NDArray[np.float64]

STEPS: Final = 4  # samples for each module where patterns are looked for
REACH_MODULES: Final = 1.2  # how far from its expected place a pattern is looked for,
REACH_SHARE: Final = 0.06  # and how much more for each module to the nearest known one
REACH_MOST: Final = 4.0
CENTRE_WEIGHT: Final = 3.0  # of a finder; an alignment pattern has 1.2 to 4.2 by how well it shows
EDGE_WEIGHT: Final = 0.5  # of its corners, which tell how a sheet is bent before any pattern is found
LIKE_LEAST: Final = 0.5  # correlation of a found pattern
ASTRAY_MODULES: Final = 1.0  # from the fit through the others: another pattern was taken for it
DOUBTED_MODULES: Final = 0.5
CUBIC_FROM: Final = 5  # found patterns; with fewer the residual stays quadratic
# Penalties of the residual's terms (1, x, y, x2, xy, y2, x3, x2y, xy2, y3) for each unit of weight
BENDS: Final = (0.2, 0.4, 0.6, 0.8, 1.0)  # half angles of bent paper that are tried
BEND_PENALTY: Final = 0.004  # for each radian, of the code's size: flat where it fits as well
PROJECTION_STIFFNESS: Final = np.array([0, 0, 0.04, 0, 0, 0, 0.04, 0, 0.04, 0.04, 0.1]) + 1e-7
STIFFNESS: Final = np.array([0.05] * 3 + [0.3] * 3 + [1.0] * 4)


@dataclass(frozen=True, slots=True)
class Warp:
    """Modules to pixels: a sheet bent about an axis and projected, and a polynomial of what that leaves."""

    side: int
    bend: Points  # (2,): half the code's angle about the axis in radians, and the axis' direction
    projection: Points  # (3, 4)
    residual: Points  # (10, 2) px

    def __call__(self, modules: Points) -> Points:
        """Give the pixels of (..., 2) module coordinates."""
        square = modules * (2 / self.side) - 1
        flat = _bent(square, self.bend) @ self.projection.T
        return flat[..., :2] / flat[..., 2:] + _terms(square) @ self.residual

    @property
    def sound(self) -> bool:
        """Tell whether the fit had an answer."""
        return bool(np.isfinite(self.projection).all() and np.isfinite(self.residual).all())

    def frame(self, modules: Points) -> Points:
        """Give (..., 2, 2): pixels for each module along x and y (columns)."""
        along = [self(modules + step) - self(modules - step) for step in (np.array([0.5, 0]), np.array([0, 0.5]))]
        return np.stack(along, axis=-1)


class Geometry(NamedTuple):
    """A fit, and what it stands on."""

    warp: Warp
    found: int
    patterns: int


def fitted(side: int, modules: Points, pixels: Points, weights: Points, *, cubic: bool, slack: float) -> Warp:
    """Fit a warp to points, by least squares; a smaller `slack` binds the residual less."""
    square = modules * (2 / side) - 1
    bend, projection = _projected(square, pixels, weights, _bends())
    plain = Warp(side, bend, projection, np.zeros((10, 2)))
    terms = _terms(square)[:, : 10 if cubic else 6]
    weighted = terms * weights[:, None]
    penalty = np.diag(STIFFNESS[: terms.shape[1]] * slack)
    residual = np.zeros((10, 2))
    residual[: terms.shape[1]] = np.linalg.solve(weighted.T @ terms + penalty, weighted.T @ (pixels - plain(modules)))
    return Warp(side, bend, projection, residual)


@cache
def _bends() -> Points:
    """Give (bends, 2): a flat sheet, and bent ones about axes in all directions."""
    return np.array([(0.0, 0.0), *((k, turn * np.pi / 8) for k in BENDS for turn in range(8))])


def _bent(square: Points, bend: Points) -> Points:
    """Give (..., 4) of points in a square from -1 to 1: where they are in space, and 1."""
    angle, axis = np.maximum(bend[..., 0], 1e-4), bend[..., 1]  # an angle of nothing is flat, without dividing by it
    cosine, sine = np.cos(axis), np.sin(axis)
    x, y = square[..., 0], square[..., 1]
    across, along = x * cosine + y * sine, y * cosine - x * sine
    arc, depth = np.sin(angle * across) / angle, (1 - np.cos(angle * across)) / angle
    return np.stack([arc * cosine - along * sine, arc * sine + along * cosine, depth, np.ones_like(arc)], axis=-1)


def _projected(square: Points, pixels: Points, weights: Points, bends: Points) -> tuple[Points, Points]:
    """Fit a projection for each bend, and give the best: its bend, and (3, 4)."""
    origin, unit = pixels.mean(axis=0), pixels.std() + 1e-9
    target = (pixels - origin) / unit
    space = _bent(square[None], bends[:, None])
    both = np.zeros((len(bends), 2, len(square), 11))
    both[:, 0, :, :4] = both[:, 1, :, 4:8] = space
    both[..., 8:] = -target.T[None, :, :, None] * space[:, None, :, :3]
    rows, wanted, trust = both.reshape(len(bends), -1, 11), target.T.ravel(), np.tile(weights, 2)
    weighted = (rows * trust[:, None]).transpose(0, 2, 1)
    solved = np.linalg.solve(weighted @ rows + np.diag(PROJECTION_STIFFNESS), weighted @ wanted[:, None])
    left = ((rows @ solved)[..., 0] - wanted) ** 2 @ trust / trust.sum()
    best = int(np.argmin(np.sqrt(left) + BEND_PENALTY * bends[:, 0]))
    to_pixels = np.array([[unit, 0, origin[0]], [0, unit, origin[1]], [0, 0, 1]])
    return bends[best], np.asarray(to_pixels @ np.append(solved[best], 1).reshape(3, 4), np.float64)


def _terms(square: Points) -> Points:
    x, y = square[..., 0], square[..., 1]
    xx, yy = x * x, y * y
    return np.stack([np.ones_like(x), x, y, xx, x * y, yy, xx * x, xx * y, x * yy, yy * y], axis=-1)


@cache
def _template() -> NDArray[np.float32]:
    """Draw an alignment pattern as a camera sees it, light positive, `STEPS` samples a module."""
    modules = np.full((5, 5), -1, np.float32)
    modules[1:-1, 1:-1] = 1
    modules[2, 2] = -1
    large = np.kron(modules, np.ones((STEPS, STEPS), np.float32))
    blurred = cv2.GaussianBlur(large, (0, 0), 0.4 * STEPS, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


@cache
def _offsets(modules: int) -> Points:
    """Give (modules * STEPS, modules * STEPS, 2): a grid of samples about a centre, in modules."""
    line = (np.arange(modules * STEPS) + 0.5) / STEPS - modules / 2
    return np.stack(np.meshgrid(line, line), axis=-1)


def measured(picture: NDArray[np.float32], layout: Layout, finders: Fitted, deadline: Deadline) -> Geometry:
    """Fit a code's geometry to its finders and alignment patterns; late, to those that were found in time."""
    search = _Search(picture, layout.side, finders)
    left = layout.alignment
    while len(left) and not deadline.passed():
        distances = np.sort(np.linalg.norm(left[:, None] - search.known[None], axis=2), axis=1)
        effort = distances[:, 0] + 0.4 * distances[:, 1]
        ring = effort <= effort.min() * 1.15
        search.look(left[ring], float(distances[ring, 0].max()))
        left = left[~ring]
    return Geometry(search.settled(), len(search.known) - 3, len(layout.alignment))


class _Search:
    """The patterns found so far, and the warp through them."""

    def __init__(self, picture: NDArray[np.float32], side: int, finders: Fitted) -> None:
        middle = FINDER_SIDE / 2
        corners = np.array([[-middle, -middle], [middle, -middle], [-middle, middle], [middle, middle]])
        self._picture, self._side = picture, side
        self.known = np.array([[middle, middle], [side - middle, middle], [middle, side - middle]])
        self._centres = finders.centres
        edges = corners @ finders.frames.transpose(0, 2, 1) + finders.centres[:, None]
        self._modules = np.concatenate([self.known, (self.known[:, None] + corners).reshape(-1, 2)])
        self._pixels = np.concatenate([finders.centres, edges.reshape(-1, 2)])
        self._weights = np.array([CENTRE_WEIGHT] * 3 + [EDGE_WEIGHT] * 12)
        self.warp = self._fitted()

    def look(self, places: Points, distance: float) -> None:
        """Look for alignment patterns so far from known ones (modules), and take in what is found."""
        reach = min(REACH_MODULES + REACH_SHARE * distance, REACH_MOST)
        size = int(np.ceil(5 + 2 * reach)) | 1
        frames = self.warp.frame(places)
        expected = self._expected(places)
        grid = _offsets(size).reshape(-1, 2)
        patches = _sampled(self._picture, grid @ frames.transpose(0, 2, 1) + expected[:, None])
        for place, frame, centre, patch in zip(places, frames, expected, patches, strict=True):
            offset, like = _best(patch.reshape(size * STEPS, size * STEPS), reach)
            if like > LIKE_LEAST:
                pixel = centre + frame @ offset
                self.known, self._centres = np.vstack([self.known, place]), np.vstack([self._centres, pixel])
                self._modules, self._pixels = np.vstack([self._modules, place]), np.vstack([self._pixels, pixel])
                self._weights = np.append(self._weights, 6 * (like - 0.3))
        self.warp = self._fitted()

    def settled(self) -> Warp:
        """Fit once more, with less trust in points that lie far from the others' fit."""
        for _ in range(2 if len(self.known) >= 3 + CUBIC_FROM else 0):
            module_px = np.linalg.norm(self._centres[1] - self._centres[0]) / (self._side - FINDER_SIDE)
            off = np.linalg.norm(self.warp(self._modules) - self._pixels, axis=1) / module_px
            weights = self._weights * np.where(off > ASTRAY_MODULES, 0.02, np.where(off > DOUBTED_MODULES, 0.4, 1.0))
            self.warp = fitted(self._side, self._modules, self._pixels, weights, cubic=True, slack=0.1)
        return self.warp

    def _fitted(self) -> Warp:
        many = len(self.known) >= 3 + CUBIC_FROM
        slack = 0.3 if many else 1.0
        return fitted(self._side, self._modules, self._pixels, self._weights, cubic=many, slack=slack)

    def _expected(self, places: Points) -> Points:
        """Expect patterns where the warp puts them, corrected by what it leaves at known ones nearby."""
        left = self._centres - self.warp(self.known)
        squared = ((places[:, None] - self.known[None]) ** 2).sum(axis=2)
        shares = 1 / (1 + squared / 100) ** 2
        return np.asarray(self.warp(places) + shares @ left / (shares.sum(axis=1, keepdims=True) + 0.05), np.float64)


def _best(patch: NDArray[np.float32], reach: float) -> tuple[Points, float]:
    """Find an alignment pattern in a patch: its offset from the middle in modules, and its correlation."""
    likeness = cv2.matchTemplate(patch, _template(), cv2.TM_CCOEFF_NORMED)
    side = likeness.shape[0]
    line = (np.arange(side) - (side - 1) / 2) / STEPS / (reach + 0.5)
    preferred = likeness - 0.25 * (line[:, None] ** 2 + line[None] ** 2)
    row, column = divmod(int(np.argmax(preferred)), side)
    if not (0 < row < side - 1 and 0 < column < side - 1):
        return np.zeros(2), 0.0  # at the edge of what was looked at: the pattern lies elsewhere
    x = column + _peak(likeness[row, column - 1 : column + 2])
    y = row + _peak(likeness[row - 1 : row + 2, column])
    return (np.array([x, y]) - (side - 1) / 2) / STEPS, float(likeness[row, column])


def _peak(three: NDArray[np.float32]) -> float:
    """Give where a parabola through three values has its top, within half a step of the middle one."""
    left, middle, right = map(float, three)
    bend = left - 2 * middle + right
    return float(np.clip((left - right) / 2 / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _sampled(picture: NDArray[np.float32], places: Points) -> NDArray[np.float32]:
    """Read the picture at (rows, columns, 2) pixels."""
    at = places.astype(np.float32)
    sampled = cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)
