"""Files that tests make: videos, and what is none."""

import wave
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def video(
    path: Path, lumas: Iterable[np.ndarray], size: tuple[int, int], fps: float = 15, fourcc: str = "MJPG"
) -> Path:
    """Write frames of luminance, of `size` (width_px, height_px); its name says in which container."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), fps, size)
    for luma in lumas:
        writer.write(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def sound(path: Path) -> Path:
    """Write a second of silence."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))
    return path


def written(path: Path, data: bytes = b"") -> Path:
    path.write_bytes(data)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path
