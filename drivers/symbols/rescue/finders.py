"""Finder patterns: where a picture looks like one, and each fitted to a tenth of a module.

A finder with the white about it is four squares of 9, 7, 5 and 3 modules, one in another: its correlation with every
place of a picture is four box sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2

Points = NDArray[np.float64]
Picture = NDArray[np.uint8]

PATCH_MODULE_PX: Final = 2  # in a patch all four squares have an even number of pixels, and one middle
SQUARES_MODULES: Final = (9, 7, 5, 3)
SHADES: Final = (1, -2, 2, -2)  # what each square adds: light, dark, light, dark
PATTERN_MODULES: Final = SQUARES_MODULES[0]
FLAT_SHARE: Final = 0.1  # of a patch's usual variance, added everywhere: noise on a flat part is no finder
FLAT_EVERY_PX: Final = 8  # places of which the usual variance is taken
PEAK_LEAST: Final = 0.3  # correlation; blurred or narrowed finders have 0.35 before they are fitted
PEAK_APART_PX: Final = 5  # of the patch
STEPS: Final = 3  # samples for each module of the fit
DETERMINANT_LEAST_PX2: Final = 1e-9  # in place of a flat frame's: far below a fit's
BLUR_MODULES: Final = 0.45  # of the finder that is fitted
STIFFNESS: Final = 2.0 * np.array([1.0, 1, 60, 60, 60, 60, 1])  # of shift (2), stretch (4) and brightness
SHIFT_MOST_MODULES: Final = 0.6  # in one round of the fit
STRETCH_MOST: Final = 0.12
LIKENESS_TRUSTED: Final = 0.4  # a round's step is made up for a lower contrast down to here


@dataclass(frozen=True)
class Finder:
    """A finder pattern as it lies in the frame."""

    centre: Points  # (2,) px
    frame: Points  # (2, 2): px for each module along the code's x and y (columns)
    likeness: float  # correlation with a finder, -1 to 1


class Fitted(NamedTuple):
    """Several finders: where fits may start, or what came of them."""

    centres: Points  # (n, 2) px
    frames: Points  # (n, 2, 2) px for each module
    likeness: Points  # (n,)


NO_FINDERS: Final = Fitted(np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0))


def likeness_map(patch: Picture) -> NDArray[np.float32]:
    """Correlate each place of a patch, of `PATCH_MODULE_PX`, with a finder: 1 for a finder, -1 for one inverted.

    A place is half a pixel left of and above its element, as windows have even sides.
    """
    sides = [modules * PATCH_MODULE_PX for modules in SQUARES_MODULES]
    whole, *inner = (cv2.boxFilter(patch, cv2.CV_32F, (side, side)) for side in sides)
    shares = [(side / sides[0]) ** 2 for side in sides]
    mean = sum(shade * share for shade, share in zip(SHADES, shares, strict=True))
    variance = cv2.sqrBoxFilter(patch, cv2.CV_32F, (sides[0], sides[0]))
    variance -= whole * whole
    usual = float(np.percentile(variance[::FLAT_EVERY_PX, ::FLAT_EVERY_PX], 80))
    np.maximum(variance, 0, out=variance)  # rounding
    variance += FLAT_SHARE * max(usual, 0) + 1
    likeness = whole * np.float32(1 - mean)
    for box, shade, share in zip(inner, SHADES[1:], shares[1:], strict=True):
        cv2.scaleAdd(box, shade * share, likeness, likeness)
    likeness /= np.sqrt(variance) * np.float32(np.sqrt(1 - mean**2))
    return np.asarray(likeness, np.float32)


def peaks_of(likeness: NDArray[np.float32], most: int) -> tuple[Points, Points]:
    """Give at most so many places (n, 2) in px and values (n,) of a map's peaks, the highest first."""
    highest = cv2.dilate(likeness, np.ones((PEAK_APART_PX, PEAK_APART_PX), np.uint8))
    at = np.flatnonzero((likeness >= highest) & (likeness > PEAK_LEAST))
    values = likeness.ravel()[at]
    if len(at) > most:  # a tiled picture has a hundred thousand alike, which sorting would take long for
        highest_values = np.argpartition(-values, most)[:most]
        at, values = at[highest_values], values[highest_values]
    first = np.argsort(-values, kind="stable")
    rows, columns = np.divmod(at[first], likeness.shape[1])
    return np.stack([columns, rows], axis=1) - 0.5, values[first].astype(np.float64)


def fitted(luma: Picture, start: Fitted, signs: NDArray[np.intp], rounds: int) -> Fitted:
    """Fit each finder (sign 1, or -1 where light and dark are swapped), all at once.

    Inverse compositional alignment with an affine frame (Baker and Matthews 2004).
    """
    samples, finder, say = _pattern()
    ours = signs[:, None].astype(np.float32)
    centres, frames = start.centres, start.frames
    for _ in range(rounds if len(centres) else 0):
        seen = _normalised(luma, centres, frames, samples) * ours
        likeness = np.maximum(seen @ finder / finder.size, LIKENESS_TRUSTED)
        step = ((seen / likeness[:, None] - finder) @ say).astype(np.float64)
        stretch = np.clip(step[:, 2:6], -STRETCH_MOST, STRETCH_MOST).reshape(-1, 2, 2)
        frames = frames @ inverse(np.eye(2) + stretch)
        shift = np.clip(step[:, :2], -SHIFT_MOST_MODULES, SHIFT_MOST_MODULES)
        centres = centres - (frames @ shift[..., None])[..., 0]
    seen = _normalised(luma, centres, frames, samples) * ours
    return Fitted(centres, frames, (seen @ finder / finder.size).astype(np.float64))


@cache
def _pattern() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Give the fit's samples (n, 2) in modules, the finder there (n,), and each sample's say in a round (n, 7)."""
    line = (np.arange(PATTERN_MODULES * STEPS) + 0.5) / STEPS - PATTERN_MODULES / 2
    x, y = np.meshgrid(line, line)
    ring = np.maximum(np.abs(x), np.abs(y))
    sharp = np.zeros_like(ring)
    for shade, side in zip(SHADES, SQUARES_MODULES, strict=True):
        sharp += shade * (ring < side / 2)
    blurred = cv2.GaussianBlur(sharp, (0, 0), BLUR_MODULES * STEPS, borderType=cv2.BORDER_REPLICATE)
    finder = (blurred - blurred.mean()) / blurred.std()
    along_y, along_x = (STEPS * part for part in np.gradient(finder))
    parts = (along_x, along_y, along_x * x, along_x * y, along_y * x, along_y * y, np.ones_like(x))
    steepest = np.stack(parts, axis=-1).reshape(-1, len(parts))
    say = np.linalg.solve(steepest.T @ steepest + np.diag(STIFFNESS), steepest.T).T
    samples = np.stack([x, y], axis=-1).reshape(-1, 2)
    return samples.astype(np.float32), finder.ravel().astype(np.float32), say.astype(np.float32)


def _normalised(luma: Picture, centres: Points, frames: Points, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sample the picture about each centre (n, samples), with mean 0 and deviation 1."""
    seen = sampled(luma, centres, frames, samples)
    if seen.size:
        seen -= seen.mean(axis=1, keepdims=True)
        seen /= np.sqrt(np.square(seen).mean(axis=1, keepdims=True)) + np.float32(1e-3)
    return seen


def sampled(luma: Picture, centres: Points, frames: Points, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sample the picture (n, m) at places in modules, (m, 2) or (n, m, 2), about each centre."""
    if not len(centres):
        return np.zeros((0, places.shape[-2]), np.float32)
    at = places @ frames.astype(np.float32).transpose(0, 2, 1) + centres.astype(np.float32)[:, None]
    seen = cv2.remap(luma, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def inverse(frames: Points) -> Points:
    """Invert 2 x 2 matrices (..., 2, 2); what a flat one gives is large, and no error."""
    (a, b), (c, d) = np.moveaxis(frames, (-2, -1), (0, 1))
    determinant = a * d - b * c
    safe = np.where(np.abs(determinant) < DETERMINANT_LEAST_PX2, DETERMINANT_LEAST_PX2, determinant)
    rows = np.stack([np.stack([d, -b], axis=-1), np.stack([-c, a], axis=-1)], axis=-2)
    return np.asarray(rows / safe[..., None, None], np.float64)


def module_px(frames: Points) -> Points:
    """Give the module's side of each frame (..., 2, 2) in px: the root of its area."""
    return np.asarray(np.sqrt(np.abs(frames[..., 0, 0] * frames[..., 1, 1] - frames[..., 0, 1] * frames[..., 1, 0])))


def joined(parts: Sequence[Fitted]) -> Fitted:
    """Put finders together."""
    return Fitted(*(np.concatenate(part) for part in zip(NO_FINDERS, *parts, strict=True)))


def chosen(finders: Fitted, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Fitted:
    """Take some of the finders."""
    return Fitted(*(part[which] for part in finders))


def distinct(finders: Fitted, apart_modules: float, most: int) -> Fitted:
    """Keep at most so many, the likeliest first, none within so many modules of a likelier one."""
    kept: list[int] = []
    free = np.ones(len(finders.centres), np.bool_)
    reach_px = np.square(apart_modules * module_px(finders.frames))
    for i in np.argsort(-finders.likeness, kind="stable"):
        if free[i]:
            kept.append(int(i))
            if len(kept) == most:
                break
            free &= np.square(finders.centres - finders.centres[i]).sum(axis=1) > reach_px[i]
    return chosen(finders, np.array(kept, np.intp))
