"""A camera by OpenCV: a V4L2 device (a webcam), or a video file played at its own pace for ever."""

from __future__ import annotations

import atexit
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from drivers._opencv import cv2
from drivers.camera import AS_USUAL, Abilities, Box, Frame, Taken, Tuning
from drivers.camera.metering import Meter
from drivers.camera.newest import NewestFrame
from drivers.camera.v4l2 import FILE_WITHOUT, V4l2Controls, limits_of
from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CLOSE_S = 2.0  # a blocked V4L2 read returns after 10 s only; nobody waits for it that long
BAD_FRAMES_MAX = 30  # one second of frames that are no pictures: the device is broken, not the moment
SLOWEST_FPS, USUAL_FPS, FASTEST_FPS = 1.0, 15.0, 120.0  # a file's header may say anything, also NaN
GREY_OF = {3: cv2.COLOR_BGR2GRAY, 4: cv2.COLOR_BGRA2GRAY}


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def grab(self) -> bool:
        """Wait for the next frame; False when there is none."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the grabbed frame."""
        ...

    def release(self) -> None:
        """Let go of the device."""
        ...

    def set(self, setting: int, value: float) -> bool:
        """Set a property; False where the device does not have it."""
        ...

    def get(self, setting: int) -> float:
        """Give a property; -1 where the device does not have it."""
        ...


class OpenCvCamera:
    """Grab all frames in a thread of its own, and keep the newest."""

    def __init__(
        self,
        capture: Capture,
        *,
        again: Callable[[], Capture] | None = None,
        fps: float = 0.0,
        tuning: Tuning = AS_USUAL,
    ) -> None:
        """Start grabbing.

        With `again` the end of the frames is the end of a file, which is opened once more; `fps` paces
        a file (0: the device does).
        """
        self._capture, self._again = capture, again
        self._meter = Meter(limits_of(tuning))
        self._controls = None if again else V4l2Controls(capture, tuning)
        self._frame_s = 1 / fps if fps else 0.0
        self._newest, self._closing = NewestFrame(), Event()
        self._thread = Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a thread that is inside OpenCV when Python ends aborts the process

    def read(self, timeout_s: float) -> Frame:
        """Wait for the newest frame (see `Camera.read`)."""
        return self._newest.take(timeout_s)

    def attend(self, region: Box | None) -> None:
        """Expose for a box (see `Camera.attend`): a webcam has no window for its focus, a file neither."""
        self._meter.attend(region)

    def focus_at(self, lens_position: float) -> None:
        """Hold the lens (see `Camera.focus_at`)."""
        if self._controls is not None:
            self._controls.focus_at(lens_position)

    @property
    def abilities(self) -> Abilities:
        """Tell what the camera can."""
        return Abilities(without=FILE_WITHOUT) if self._controls is None else self._controls.abilities

    def close(self) -> None:
        """Stop grabbing; a device that hangs is let go of when its read returns."""
        self._closing.set()
        self._newest.fail("the camera is closed")
        self._thread.join(CLOSE_S)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            if self._controls is not None:
                self._controls.start()
            while self._play() and self._again is not None and not self._closing.is_set():
                self._capture.release()
                self._capture = self._again()
            self._newest.fail("the camera gives no more frames")
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader is to hear of it
            self._newest.fail(f"the camera failed: {error}")
        finally:  # by this thread: releasing under a read that blocks crashes OpenCV
            self._capture.release()

    def _play(self) -> bool:
        """Grab until there are no more frames; tell whether there was a good one."""
        good, bad, due = False, 0, time.monotonic()
        while not self._closing.is_set() and self._capture.grab():
            captured_ns = time.monotonic_ns()
            found, picture = self._capture.retrieve()
            luma = luma_of(picture) if found else None
            bad = 0 if luma is not None else bad + 1
            if luma is not None:
                good = True
                self._newest.put(Frame(luma, captured_ns, self._taken()))
                self._adjust(luma, captured_ns)
            elif bad >= BAD_FRAMES_MAX:
                raise DeviceError("its frames are no pictures")
            due = max(due + self._frame_s, time.monotonic() - self._frame_s)
            self._closing.wait(max(0.0, due - time.monotonic()) if self._frame_s else 0.0)
        return good

    def _taken(self) -> Taken:
        return Taken() if self._controls is None else self._controls.taken

    def _adjust(self, luma: NDArray[np.uint8], captured_ns: int) -> None:
        """Set what the next frames are taken with: in this thread alone, since OpenCV is not to be shared."""
        if self._controls is not None:
            self._controls.adjust(self._meter.exposure(luma, captured_ns, None))


def luma_of(picture: object) -> NDArray[np.uint8] | None:
    """Give the luminance of what OpenCV retrieved; None for what is no picture of 8 bits."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.size == 0:
        return None
    match picture.shape:
        case (height, width) if min(height, width) > 1:  # one row: compressed data passed through
            grey = picture
        case (_, _, 1):
            grey = picture[:, :, 0]
        case (_, _, channels) if channels in GREY_OF:
            grey = cv2.cvtColor(picture, GREY_OF[channels])
        case _:
            return None
    return np.ascontiguousarray(grey)


def open_opencv_camera(source: str, width_px: int, height_px: int, tuning: Tuning) -> OpenCvCamera:
    """Open a V4L2 device ("/dev/video0", "0") or a video file.

    Raises:
        DeviceMissingError: it is not there, or cannot be opened.
    """
    path = Path(f"/dev/video{source}" if source.isdecimal() else source)
    if path.is_file():
        return _open_video(path)
    if path.is_char_device():
        return OpenCvCamera(_open_device(path, width_px, height_px), tuning=tuning)
    found = ", ".join(sorted(str(device) for device in Path("/dev").glob("video*"))) or "none"
    raise DeviceMissingError(
        f"there is no camera and no video file {path}",
        cure=f"connect the camera, or set camera.source; devices found: {found}",
    )


def _open_video(path: Path) -> OpenCvCamera:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # quiet; read when a file is opened

    def play() -> Any:  # noqa: ANN401 - OpenCV ships no types
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG) if path.is_file() else None
        if capture is None or not capture.isOpened():
            raise DeviceMissingError(f"no video in {path}", cure="give a file that ffprobe understands")
        return capture

    capture = play()
    fps = capture.get(cv2.CAP_PROP_FPS)
    return OpenCvCamera(capture, again=play, fps=fps if SLOWEST_FPS <= fps <= FASTEST_FPS else USUAL_FPS)


def _open_device(path: Path, width_px: int, height_px: int) -> Any:  # noqa: ANN401 - OpenCV ships no types
    capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise DeviceMissingError(
            f"the camera {path} cannot be opened",
            cure="close what else uses it (fuser shows it), and put this user into the group video",
        )
    with suppress(cv2.error):  # wishes: a device keeps to what it can, and a frame's shape tells
        # uncompressed, 1280 x 720 comes at 10 frames/s over USB 2
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)
    return capture
