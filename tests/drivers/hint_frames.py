"""Frames that do not read for one known reason: codes on telephones and paper, before a room, by our own camera.

`frame_of(cause, seed, size)` gives one; where `reads` says that zxing-cpp reads it all the same, no hint is due.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import segno
import zxingcpp

from drivers._opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.symbols import Hint

SIZES = ((1280, 720), (640, 480))
ALPHANUMERIC = list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
FINE = 2  # times the frame's size: pictures are drawn so and reduced
TEXEL = 8  # px of a page's texture for each module
MARGIN = 4  # modules of white around a code
QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])


@dataclass(frozen=True)
class Shot:
    """How a code is held up, and what the camera makes of it; lengths in px of the frame."""

    rng: np.random.Generator
    width: int
    height: int
    telephone: bool
    inverted: bool
    version: int
    module: float
    turn: float
    tilt: float
    x: float  # of the code's middle
    y: float
    defocus: float = 0.5
    motion: float = 0.0
    glare: float = 0.0  # share of the code's area
    light: float = 1.0
    halo: float = 0.0
    noise: float = 2.5

    @property
    def side(self) -> float:
        return (17 + 4 * self.version) * self.module


def plain_shot(rng: np.random.Generator, width: int, height: int) -> Shot:
    """Hold up a code in the way that usually reads."""
    version = int(rng.integers(7, 21))
    module = min(rng.uniform(2.6, 5), 0.8 * height / (17 + 4 * version))
    telephone = bool(rng.random() < 0.6)
    return Shot(
        rng=rng,
        width=width,
        height=height,
        telephone=telephone,
        inverted=telephone and rng.random() < 0.1,
        version=version,
        module=module,
        turn=rng.uniform(0, 6.28) if rng.random() < 0.3 else rng.normal(0, 0.2),
        tilt=rng.uniform(0, 0.25),
        x=width * rng.uniform(0.45, 0.55),
        y=height * rng.uniform(0.47, 0.53),
        defocus=rng.uniform(0.45, 0.7),
        noise=rng.uniform(1, 4),
    )


def _too_far(shot: Shot) -> Shot:
    return replace(shot, module=shot.rng.uniform(1.1, 1.9))  # less is 50 px of the frame: nobody holds that up


def _too_near(shot: Shot) -> Shot:
    module = shot.height / (17 + 4 * shot.version) * shot.rng.uniform(1.3, 3)
    return replace(shot, module=module, turn=shot.rng.normal(0, 0.2))


def _partly(shot: Shot) -> Shot:
    outside = shot.rng.uniform(0.2, 0.4)
    edge = shot.side * (0.5 - outside)
    return [
        replace(shot, x=edge, turn=0.1),
        replace(shot, x=shot.width - edge, turn=0.1),
        replace(shot, y=edge, turn=0.1),
        replace(shot, y=shot.height - edge, turn=0.1),
    ][int(shot.rng.integers(4))]


def _motion(shot: Shot) -> Shot:
    return replace(shot, motion=shot.module * shot.rng.uniform(1.8, 4.5))


def _out_of_focus(shot: Shot) -> Shot:
    return replace(shot, defocus=shot.module * shot.rng.uniform(0.6, 2.2))


def _glare(shot: Shot) -> Shot:
    return replace(shot, glare=shot.rng.uniform(0.2, 0.4))  # less is often read


def _too_dark(shot: Shot) -> Shot:
    return replace(shot, light=shot.rng.uniform(0.03, 0.12))


def _too_bright(shot: Shot) -> Shot:
    if shot.rng.random() < 0.5:
        return replace(shot, light=shot.rng.uniform(5, 12))
    return replace(shot, halo=shot.rng.uniform(1.5, 3))


CAUSES: dict[Hint, Callable[[Shot], Shot]] = {
    "too-far": _too_far,
    "too-near": _too_near,
    "partly-in-frame": _partly,
    "motion": _motion,
    "out-of-focus": _out_of_focus,
    "glare": _glare,
    "too-dark": _too_dark,
    "too-bright": _too_bright,
}


def frame_of(cause: Hint, seed: int, size: tuple[int, int]) -> np.ndarray:
    """Take a frame in which a code does not read for this reason, if at all."""
    rng = np.random.default_rng([seed, size[0], sorted([*CAUSES, "no-code"]).index(cause)])
    if cause == "no-code":
        return _seen(room(rng, *size), replace(plain_shot(rng, *size), glare=0))
    shot = CAUSES[cause](plain_shot(rng, *size))
    return _seen(_held_up(shot), shot)


def reads(frame: np.ndarray) -> bool:
    """Tell whether zxing-cpp reads a frame."""
    return any(found.valid for found in zxingcpp.read_barcodes(frame, formats=QR))


def room(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a room: a wall lit from a side, furniture, a poster with lines of text, plants."""
    column, row = np.mgrid[0:height, 0:width].astype(np.float32)
    wall = rng.uniform(60, 170) + rng.uniform(-50, 50) * column / height + rng.uniform(-50, 50) * row / width
    wall = np.clip(wall, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(5, 25))):
        x, y = int(rng.integers(-50, width)), int(rng.integers(-50, height))
        w, h = int(rng.uniform(20, width / 2.5)), int(rng.uniform(20, height / 2.5))
        cv2.rectangle(wall, (x, y), (x + w, y + h), rng.uniform(10, 215), -1)
    for _ in range(int(rng.integers(0, 8))):
        at, tall = (int(rng.integers(width)), int(rng.integers(height))), rng.uniform(0.4, 1.6)
        line = "".join(rng.choice(ALPHANUMERIC, int(rng.integers(4, 16))))
        cv2.putText(wall, line, at, cv2.FONT_HERSHEY_DUPLEX, tall, rng.uniform(10, 215), 2, cv2.LINE_AA)
    grain = rng.standard_normal((height // 6 + 1, width // 6 + 1)).astype(np.float32) * rng.uniform(0, 14)
    wall = np.clip(wall + cv2.resize(grain, (width, height)), 4, 216)
    return cv2.GaussianBlur(wall, (0, 0), rng.uniform(0.7, 5))


@cache
def _matrix(version: int, seed: int) -> np.ndarray:
    text = "".join(np.random.default_rng(seed).choice(ALPHANUMERIC, 4 * version + 20))
    return np.array([list(row) for row in segno.make_qr(text, version=version, error="m").matrix], np.uint8)


def _page(shot: Shot) -> tuple[np.ndarray, tuple[float, float]]:
    """Draw what is held up, and where in it (px of its texture) the code's middle is."""
    rng, code = shot.rng, _matrix(shot.version, int(shot.rng.integers(50)))
    count = len(code)
    beside = MARGIN + (2 if shot.telephone else int(count * rng.uniform(0.1, 0.4)))
    above, below = (int(count * rng.uniform(0.15, 0.5)) + MARGIN for _ in range(2))
    page = np.full(((count + above + below) * TEXEL, (count + 2 * beside) * TEXEL), 255, np.uint8)
    for at in ((above - MARGIN) // 2 * TEXEL, page.shape[0] - (below - MARGIN) // 3 * TEXEL):
        line = "".join(rng.choice(ALPHANUMERIC, int(rng.integers(6, 16))))
        cv2.putText(page, line, (TEXEL * 3, at), cv2.FONT_HERSHEY_SIMPLEX, TEXEL * count / 260, 30, 8, cv2.LINE_AA)
    ink = np.kron(1 - code, np.ones((TEXEL, TEXEL), np.uint8)) * 255
    page[above * TEXEL : (above + count) * TEXEL, beside * TEXEL : (beside + count) * TEXEL] = ink
    if shot.inverted:
        page = 255 - page
    frame = 2 * TEXEL if shot.telephone else 0
    page = cv2.copyMakeBorder(page, frame, frame, frame, frame, cv2.BORDER_CONSTANT, value=10)
    return page, (frame + (beside + count / 2) * TEXEL, frame + (above + count / 2) * TEXEL)


def _held_up(shot: Shot) -> np.ndarray:
    page, (middle_x, middle_y) = _page(shot)
    black, white = (14.0, 235.0) if shot.telephone else (30.0, 212.0)
    printed = page.astype(np.float32) * (white - black) / 255 + black
    scale = FINE * shot.module / TEXEL
    printed = cv2.GaussianBlur(printed, (0, 0), max(0.1, 0.4 / scale)) if scale < 1 else printed
    cos, sin = scale * math.cos(shot.turn), scale * math.sin(shot.turn)
    lean = shot.tilt / (shot.side * 1.5 * FINE)  # perspective: the one side of it is nearer
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, lean, 1]]) @ np.array(
        [[1, 0, -middle_x], [0, 1, -middle_y], [0, 0, 1]]
    )
    place = np.array([[1, 0, FINE * shot.x], [0, 1, FINE * shot.y], [0, 0, 1]]) @ turn
    size = (shot.width * FINE, shot.height * FINE)
    drawn = cv2.warpPerspective(printed, place, size)
    covered = cv2.warpPerspective(np.ones_like(printed), place, size)
    half = (shot.width, shot.height)
    drawn, covered = (cv2.resize(one, half, interpolation=cv2.INTER_AREA) for one in (drawn, covered))
    if shot.halo:
        drawn *= 1 + 1.2 * shot.halo
        spread = cv2.GaussianBlur(np.maximum(drawn - 150, 0), (0, 0), 4 + 8 * shot.halo) * 0.8 * shot.halo
        return drawn + spread + room(shot.rng, shot.width, shot.height) * (1 - covered)
    return drawn + room(shot.rng, shot.width, shot.height) * (1 - covered)


def _seen(scene: np.ndarray, shot: Shot) -> np.ndarray:
    """Take the picture: light, a reflection, the lens, the hand, the sensor."""
    rng, scene = shot.rng, scene * shot.light
    if shot.glare:
        high = shot.side * math.sqrt(shot.glare / math.pi * rng.uniform(0.5, 1))
        axes = (round(shot.glare * shot.side**2 / math.pi / high), round(high))
        at = (
            round(shot.x + shot.side * rng.uniform(-0.25, 0.25)),
            round(shot.y + shot.side * rng.uniform(-0.25, 0.25)),
        )
        lamp = cv2.ellipse(np.zeros_like(scene), at, axes, rng.uniform(0, 180), 0, 360, 400.0, -1)
        scene = scene + cv2.GaussianBlur(lamp, (0, 0), max(1.0, shot.side / 60))
    scene = cv2.GaussianBlur(scene, (0, 0), shot.defocus)
    if shot.motion:
        size = 2 * math.ceil(shot.motion / 2) + 1
        trace, angle = np.zeros((size, size), np.float32), rng.uniform(0, math.pi)
        for step in np.linspace(-shot.motion / 2, shot.motion / 2, 400):
            trace[round(size // 2 + step * math.sin(angle)), round(size // 2 + step * math.cos(angle))] += 1
        scene = cv2.filter2D(scene, -1, trace / trace.sum(), borderType=cv2.BORDER_REPLICATE)
    noise = rng.standard_normal(scene.shape).astype(np.float32) * shot.noise
    return np.clip(np.round(scene + noise * np.sqrt(0.3 + np.clip(scene, 0, 255) / 364)), 0, 255).astype(np.uint8)
