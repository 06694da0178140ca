"""Videos in files: each of their frames as luminance, in order, at no pace of its own.

Containers of videos alone, and no other file or address that one of them names: FFmpeg also opens playlists.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from drivers._opencv import cv2
from drivers.camera.opencv import FASTEST_FPS, SLOWEST_FPS, USUAL_FPS, luma_of
from drivers.errors import DeviceError
from drivers.symbols.bounds import PIXELS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

BAD_FRAMES_MAX = 30  # ours: one or two seconds of frames that are no pictures; what follows is hardly better
ABOUT = 0.98  # of the frames that a header tells: some tell a length in seconds, from which OpenCV counts
OPTIONS = {  # https://docs.opencv.org, videoio flags: read when a file is opened
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": (
        "protocol_whitelist;file|format_whitelist;mov,mp4,matroska,webm,avi,mpeg,mpegts,ogg"
    ),
}


class VideoError(DeviceError):
    """A file that gives no frames, or no more of them; the message names it."""


class Video:
    """The frames of a video, to be gone through once."""

    def __init__(self, capture: Any, name: str) -> None:  # noqa: ANN401 - OpenCV ships no types
        """Take an opened capture; `name` is for messages."""
        self._capture, self._name = capture, name
        told_fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps: float = told_fps if SLOWEST_FPS <= told_fps <= FASTEST_FPS else USUAL_FPS
        told_frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._told = int(told_frames) if 0 < told_frames < float("inf") else 0

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Give the luminance of each frame, (height_px, width_px); one that is no picture is left out.

        Raises:
            VideoError: after the last good frame, where the video breaks off or has none.
        """
        frames, bad = 0, 0
        while bad < BAD_FRAMES_MAX and (found := self._next()) is not None:
            luma = luma_of(found[0])
            frames, bad = frames + 1, 0 if luma is not None else bad + 1
            if luma is not None:
                yield luma
        frames -= bad
        if frames < max(1, int(self._told * ABOUT)):
            told = f" of {self._told}" if self._told else ""
            raise VideoError(f"{self._name}: the video breaks off after {frames}{told} frames", cure="copy it again")

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> tuple[object] | None:
        """Decode the next frame, whatever comes of it; None at the end."""
        try:
            return (self._capture.retrieve()[1],) if self._capture.grab() else None
        except cv2.error:  # a frame of another size or colour than its header says
            return (None,)


def open_video(path: Path) -> Video:
    """Open a video file.

    Raises:
        VideoError: no such file, no video in it, or its frames are beyond the bounds.
    """
    cure = "name a video file, such as MP4, MKV, WebM or AVI"
    try:
        if path.is_char_device() or path.is_fifo():  # it would be waited for
            raise VideoError(f"{path}: no file", cure=cure)
        path.open("rb").close()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise VideoError(f"{path}: {error}", cure=cure) from error
    with _options():
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise VideoError(f"{path}: there is no video in it", cure=cure)
    width_px, height_px = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if not 0 < width_px * height_px <= PIXELS_MAX:
        capture.release()
        raise VideoError(f"{path}: frames of {width_px:g} x {height_px:g} px", cure="give a smaller video")
    return Video(capture, str(path))


@contextmanager
def _options() -> Iterator[None]:
    """Set what FFmpeg may open, for the moment in which it opens."""
    before = {name: os.environ.get(name) for name in OPTIONS}
    os.environ.update(OPTIONS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
