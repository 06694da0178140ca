"""Videos in files: their frames in order, and what is said of those that are empty, broken or none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.symbols import video as module
from drivers.symbols.video import BAD_FRAMES_MAX, OPTIONS, Video, VideoError, open_video
from tests import made_files
from tests.made_files import folder, sound, written

FRAMES = 20
SIZE = 64, 48


def made(path: Path, frames: int = FRAMES, fourcc: str = "MJPG") -> Path:
    """Write a video of which each frame is a little brighter."""
    lumas = [np.full(SIZE[::-1], number * 10, np.uint8) for number in range(frames)]
    return made_files.video(path, lumas, SIZE, fourcc=fourcc)


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


@pytest.mark.parametrize(("name", "fourcc"), [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "mp4v")])
def test_every_frame_comes_once_in_order(tmp_path: Path, name: str, fourcc: str) -> None:
    with open_video(made(tmp_path / name, fourcc=fourcc)) as video:
        assert video.fps == 15
        frames = list(video)
    assert [(frame.shape, frame.dtype) for frame in frames] == [((48, 64), np.uint8)] * FRAMES
    assert [round(float(frame.mean()) / 10) for frame in frames] == list(range(FRAMES))


def test_a_video_that_breaks_off_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    frames: list[object] = []
    with (
        open_video(cut(made(tmp_path / "a.avi"), 0.6)) as video,
        pytest.raises(VideoError, match="of 20 frames") as told,
    ):
        frames.extend(video)
    assert 0 < len(frames) < FRAMES
    assert f"after {len(frames)} of" in str(told.value)
    assert str(tmp_path / "a.avi") in str(told.value)


def playlist(path: Path) -> Path:
    made(path.with_name("other.avi"))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.avi\n#EXT-X-ENDLIST\n", "ascii")
    return path


def still(path: Path) -> Path:
    cv2.imwrite(str(path), np.zeros((9, 9), np.uint8))
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("none.avi", lambda path: path),
        ("zero\0byte.avi", lambda path: path),
        ("empty.avi", written),
        ("noise.avi", lambda path: written(path, np.random.default_rng(1).bytes(9999))),
        ("header.mp4", lambda path: cut(made(path, fourcc="mp4v"), 0.3)),
        ("sound.wav", sound),
        ("sound.avi", sound),
        ("list.m3u8", playlist),
        ("list.avi", playlist),
        ("picture.png", still),
        ("folder", folder),
        ("pipe", pipe),
        ("nobody.avi", lambda path: made(path, frames=0)),
    ],
    ids=lambda value: value.replace("\0", "") if isinstance(value, str) else "",
)
def test_what_is_no_video_says_so(tmp_path: Path, name: str, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / name)
    with pytest.raises(VideoError) as told, open_video(path) as video:
        list(video)
    assert told.value.cure
    assert "\n" not in str(told.value)


def test_a_character_device_is_no_file() -> None:
    with pytest.raises(VideoError):
        open_video(Path("/dev/zero"))


def test_the_environment_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = OPTIONS
    monkeypatch.setenv(first, "kept")
    monkeypatch.delenv(second, raising=False)
    open_video(made(tmp_path / "a.avi")).close()
    assert os.environ[first] == "kept"
    assert second not in os.environ


class Capture:
    """What OpenCV gives of a video, frame by frame."""

    def __init__(self, frames: list[object], told: float = 0.0, fps: float = 15.0, width: float = 4.0) -> None:
        self.frames, self.told, self.fps, self.width = frames, told, fps, width
        self.released = False

    def get(self, what: int) -> float:
        known = {cv2.CAP_PROP_FPS: self.fps, cv2.CAP_PROP_FRAME_COUNT: self.told, cv2.CAP_PROP_FRAME_WIDTH: self.width}
        return known.get(what, 4.0)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def grab(self) -> bool:
        return bool(self.frames)

    def retrieve(self) -> tuple[bool, object]:
        frame = self.frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return frame is not None, frame

    def release(self) -> None:
        self.released = True


GOOD = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize("bad", [None, np.zeros((4, 4, 3), np.float32), cv2.error("x")], ids=["none", "float", "error"])
def test_a_frame_that_is_none_is_left_out(bad: object) -> None:
    assert len(list(Video(Capture([GOOD, bad, GOOD]), "a"))) == 2
    assert len(list(Video(Capture([GOOD] * 60 + [bad], told=61), "a"))) == 60


def test_many_bad_frames_are_the_end() -> None:
    capture = Capture([GOOD, *[None] * BAD_FRAMES_MAX, GOOD], told=2 + BAD_FRAMES_MAX)
    frames: list[object] = []
    with pytest.raises(VideoError, match="after 1 of"):
        frames.extend(Video(capture, "a"))
    assert len(frames) == 1
    assert capture.frames


@pytest.mark.parametrize("told", [0.0, -1.0, float("nan"), float("inf")])
def test_a_header_may_tell_no_length(told: float) -> None:
    assert len(list(Video(Capture([GOOD] * 3, told=told), "a"))) == 3
    with pytest.raises(VideoError, match="after 0 frames"):
        list(Video(Capture([], told=told), "a"))


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 1e9])
def test_a_pace_that_cannot_be_is_the_usual_one(fps: float) -> None:
    assert Video(Capture([], fps=fps), "a").fps == 15


@pytest.mark.parametrize("width", [0.0, 1e9, float("nan")])
def test_frames_beyond_the_bounds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: float) -> None:
    capture = Capture([GOOD], width=width)
    monkeypatch.setattr(module.cv2, "VideoCapture", lambda *_: capture)
    with pytest.raises(VideoError, match="px"):
        open_video(written(tmp_path / "a.avi"))
    assert capture.released
