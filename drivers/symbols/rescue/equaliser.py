"""Tell light modules from dark ones where blur mixes them with their neighbours.

Each module is judged by a weighted sum of 25 samples on and around it, normalised by the brightness nearby. The
weights are learnt from the code itself: first from its function patterns, then from modules that are judged with
confidence or solved. From then on the neighbours' own judgements count too, which takes their blur away (decision
feedback).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers._opencv import cv2
from drivers.symbols.rescue.geometry import Warp
from drivers.symbols.rescue.layout import Modules

STEPS: Final = 3  # samples for each module
MARGIN: Final = 2  # modules around the code that its edge's samples reach into
TAPS: Final = (-4, -2, 0, 2, 4)  # steps from a module's middle, along both axes
CLIPPED: Final = 3.0  # of a sample's distance from the middle grey, in half contrasts: glare is bounded
NEARBY: Final = 9  # modules over which brightness is compared,
NEARBY_FIRST: Final = 13  # and while nothing is known of them
STIFFNESS_FIRST: Final = 12.0
STIFFNESS: Final = 8.0
GUESS_WEIGHT: Final = 0.6  # of a module judged with confidence, beside a known one
DOUBT: Final = 0.25  # a judgement that is nearer to the middle is none
SURE_SPAN: Final = 0.5  # above doubt, confidence is full
NEIGHBOURS: Final = (0, 1, 2, 3, 5, 6, 7, 8)  # of the 3 x 3 modules around one, row by row
DECISION: Final = 3.0  # how steeply a neighbour's judgement becomes a decision


class Judged(NamedTuple):
    """What each module seems to be."""

    soft: Modules  # about -1 to 1
    wrong_share: float  # of the known modules that are judged wrongly
    error: float  # mean square of the known modules' judgements less what they are


@dataclass(frozen=True, slots=True)
class Flattened:
    """A code's picture made upright and even."""

    around: NDArray[np.float32]  # (side, side, 5, 5): the samples on and around each module
    means: Modules  # of each module itself

    def mirrored(self) -> Flattened:
        """Swap the code's x and y."""
        return Flattened(self.around.transpose(1, 0, 3, 2), np.ascontiguousarray(self.means.T))


def flattened(picture: NDArray[np.float32], warp: Warp, side: int) -> Flattened:
    """Sample a code and its margin; between the middles of modules the warp is straight enough."""
    line = np.arange(-MARGIN - 0.5, side + MARGIN + 1)
    middles = warp(np.stack(np.meshgrid(line, line), axis=-1)).astype(np.float32)
    places = cv2.resize(middles, None, fx=STEPS, fy=STEPS, interpolation=cv2.INTER_LINEAR)[STEPS:-STEPS, STEPS:-STEPS]
    samples = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    first = MARGIN * STEPS + STEPS // 2
    inside = slice(first, first + side * STEPS, STEPS)
    windows = np.lib.stride_tricks.sliding_window_view(samples, (TAPS[-1] - TAPS[0] + 1,) * 2)
    start = slice(first + TAPS[0], first + TAPS[0] + side * STEPS, STEPS)
    return Flattened(windows[start, start, ::2, ::2], cv2.blur(samples, (STEPS, STEPS))[inside, inside])


def judged(flat: Flattened, known: NDArray[np.int8], before: Modules | None) -> Judged:
    """Learn weights from what is known (light 1, dark -1, else 0) and from an earlier judgement, and judge anew."""
    inputs = _inputs(flat, before)
    is_known = known.ravel() != 0
    targets, trust = known.ravel().astype(np.float32), is_known.astype(np.float32)
    if before is not None:
        sure = np.clip((np.abs(before.ravel()) - DOUBT) / SURE_SPAN, 0, 1)
        targets = np.where(is_known, targets, np.where(before.ravel() > 0, 1, -1)).astype(np.float32)
        trust = np.where(is_known, 1, GUESS_WEIGHT * sure).astype(np.float32)
    soft = inputs @ _weights(inputs, targets, trust, STIFFNESS_FIRST if before is None else STIFFNESS)
    wrong = soft[is_known] * targets[is_known] < 0
    error = np.square(soft[is_known] - targets[is_known]).mean()
    return Judged(soft.reshape(known.shape), float(wrong.mean()), float(error))


def _inputs(flat: Flattened, before: Modules | None) -> NDArray[np.float32]:
    """Give (modules, inputs): even samples, what the neighbours are where they were judged before, and 1."""
    middle, contrast = _first_levels(flat.means) if before is None else _levels(flat.means, before)
    contrast = np.maximum(contrast, 0.25 * np.median(contrast) + 0.5)
    modules, samples = middle.size, len(TAPS) ** 2
    inputs = np.ones((modules, samples + (0 if before is None else len(NEIGHBOURS)) + 1), np.float32)
    even = (flat.around - middle[..., None, None]) / contrast[..., None, None]
    np.clip(even.reshape(modules, samples), -CLIPPED, CLIPPED, out=inputs[:, :samples])
    if before is not None:
        decided = np.pad(np.tanh(DECISION * before), 1, constant_values=1)  # white lies around a code
        windows = np.lib.stride_tricks.sliding_window_view(decided, (3, 3)).reshape(modules, 9)
        inputs[:, samples:-1] = windows[:, NEIGHBOURS]
    return inputs


def _weights(
    inputs: NDArray[np.float32], targets: NDArray[np.float32], trust: NDArray[np.float32], stiffness: float
) -> NDArray[np.float32]:
    """Solve a ridge regression; brightness is bound less than the samples."""
    trusted = inputs * trust[:, None]
    penalty = np.full(inputs.shape[1], stiffness)
    penalty[-1] *= 0.1
    normal = (trusted.T @ inputs).astype(np.float64) + np.diag(penalty)
    return np.linalg.solve(normal, (trusted.T @ targets).astype(np.float64)).astype(np.float32)


def _first_levels(means: Modules) -> tuple[Modules, Modules]:
    """Give the middle grey near each module, and half the contrast, while no module is known."""
    middle = _nearby(means, NEARBY_FIRST)
    return middle, np.sqrt(np.maximum(_nearby(means * means, NEARBY_FIRST) - middle * middle, 0))


def _levels(means: Modules, before: Modules) -> tuple[Modules, Modules]:
    """Give the same from the light and the dark modules nearby, each as sure as it is."""
    trust = np.minimum(np.abs(before), 1) + 0.05
    light = np.where(before > 0, trust, 0).astype(np.float32)
    dark = (trust - light).astype(np.float32)
    white = _nearby(means * light, NEARBY) / (_nearby(light, NEARBY) + 1e-3)
    black = _nearby(means * dark, NEARBY) / (_nearby(dark, NEARBY) + 1e-3)
    return (white + black) * np.float32(0.5), np.maximum((white - black) * np.float32(0.5), 0)


def _nearby(values: Modules, modules: int) -> Modules:
    return np.asarray(cv2.blur(values, (modules, modules), borderType=cv2.BORDER_REFLECT), np.float32)
