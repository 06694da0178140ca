"""What a simulated camera sees: a picture held up by a visitor, tilted and a little blurred."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from drivers._opencv import cv2

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

NOISE_SPAN = 14  # the noise is a triangle from 0 to 14, so its deviation is 2.9
NOISE_SHIFT_PX = 32  # each frame takes its noise from elsewhere in one larger tile
INK, PAPER = 25, 225  # leaves room for the noise: sums need no clipping
WALL_TOP, WALL_BOTTOM = 135, 95  # a grey wall, lit from above
FILL = 0.86  # of the frame's smaller side; a visitor holds a pass close
MARGIN = 0.04  # of white around the picture, which may lack its quiet zone
TURN_RAD = math.radians(12)
SKEW = 0.05  # of each corner's distance from the middle
DARK = 0.02  # of the wall's light, in a room without any
GLOW_FILL = 0.5  # of the frame: a telephone is smaller than a sheet
SCATTERED = 0.12  # of the light, by fingers' grease on glass
SCATTER_PX = 0.01  # of the frame's width: deviation
BLUR = (0.3 / 600, 0.9 / 600)  # of the picture's side: up to a seventh of a module of the largest DCC


def wall(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Draw the scene without a visitor: (height_px, width_px)."""
    column = np.linspace(WALL_TOP, WALL_BOTTOM, height_px).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(column[:, None], (height_px, width_px)))


def noise_tile(width_px: int, height_px: int, random: Random) -> NDArray[np.uint8]:
    """Draw noise of 0 to `NOISE_SPAN`, larger than the frame by `NOISE_SHIFT_PX` each way."""
    tile = np.empty((height_px + NOISE_SHIFT_PX, width_px + NOISE_SHIFT_PX), np.uint8)
    for row in tile:  # row by row: what is freed in large pieces stays with the process
        # not numpy's generators: importing numpy.random costs this process 4 MiB
        bits = np.frombuffer(random.randbytes(row.size), np.uint8)
        row[:] = (bits & 7) + ((bits >> 3) & 7)
    return tile


def with_noise(scene: NDArray[np.uint8], tile: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Make frame `number` of a scene: a new array of the same shape."""
    height, width = scene.shape
    top, left = number * 7 % NOISE_SHIFT_PX, number * 19 % NOISE_SHIFT_PX
    noisy: NDArray[np.uint8] = scene + tile[top : top + height, left : left + width]
    return noisy


def held_up(picture: NDArray[np.uint8], scene: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Draw the picture into a copy of the scene, tilted and blurred as `random` says, all of it visible."""
    height, width = scene.shape
    sheet = _on_paper(picture, min(height, width) * FILL)
    corners = _tilted(sheet.shape[1], sheet.shape[0], random)
    corners *= min(1.0, FILL * width / np.ptp(corners[:, 0]), FILL * height / np.ptp(corners[:, 1]))
    slack = (np.array([width, height]) - np.ptp(corners, axis=0)) / 2
    middle = (corners.max(axis=0) + corners.min(axis=0)) / 2
    shift = np.array([random.uniform(-0.8, 0.8), random.uniform(-0.8, 0.8)]) * slack
    placed = corners - middle + np.array([width, height]) / 2 + shift
    turn = cv2.getPerspectiveTransform(_rectangle(sheet.shape[1], sheet.shape[0]), placed.astype(np.float32))
    drawn = cv2.warpPerspective(sheet, turn, (width, height), dst=scene.copy(), borderMode=cv2.BORDER_TRANSPARENT)
    sigma = max(random.uniform(*BLUR) * float(np.ptp(placed[:, 0])), 0.2)
    blurred: NDArray[np.uint8] = cv2.GaussianBlur(drawn, (0, 0), sigma)
    return blurred


def glowing(picture: NDArray[np.uint8], dark: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Draw the picture as a telephone shows it in a dark room: its light is scattered by its glass and by the lens."""
    height, width = dark.shape
    small = cv2.resize(dark, (round(width * GLOW_FILL), round(height * GLOW_FILL)))
    shown = held_up(picture, small, random)
    room = dark.copy()
    top, left = (height - shown.shape[0]) // 2, (width - shown.shape[1]) // 2
    room[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    scattered = cv2.GaussianBlur(room, (0, 0), width * SCATTER_PX)
    glow: NDArray[np.uint8] = cv2.addWeighted(room, 1 - SCATTERED, scattered, SCATTERED, 0)
    return glow


def _on_paper(picture: NDArray[np.uint8], side_px: float) -> NDArray[np.uint8]:
    """Print the picture with a white margin, in the scene's ink, about `side_px` on its larger side."""
    margin = max(1, round(max(picture.shape) * MARGIN))
    sheet = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255)
    scale = side_px / max(sheet.shape)
    if scale < 1:
        size = (max(1, round(sheet.shape[1] * scale)), max(1, round(sheet.shape[0] * scale)))
        sheet = cv2.resize(sheet, size, interpolation=cv2.INTER_AREA)
    else:  # modules of a few pixels keep their edges only if they grow by whole numbers first
        sheet = cv2.resize(sheet, None, fx=math.ceil(scale), fy=math.ceil(scale), interpolation=cv2.INTER_NEAREST)
    levels = np.linspace(INK, PAPER, 256).astype(np.uint8)
    printed: NDArray[np.uint8] = cv2.LUT(sheet, levels)
    return printed


def _rectangle(width: int, height: int) -> NDArray[np.float32]:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)


def _tilted(width: int, height: int, random: Random) -> NDArray[np.float64]:
    """Turn and skew a rectangle about its middle: 4 corners, (x, y)."""
    turn = random.uniform(-TURN_RAD, TURN_RAD)
    cos, sin = math.cos(turn), math.sin(turn)
    spread = [random.uniform(1 - SKEW, 1.0) for _ in range(4)]
    flat = (_rectangle(width, height) - np.array([width / 2, height / 2])) * np.array(spread)[:, None]
    tilted: NDArray[np.float64] = flat @ np.array([[cos, sin], [-sin, cos]])
    return tilted
