"""A camera of a Raspberry Pi by Picamera2: the luminance of the low-resolution stream.

The `lores` stream is YUV420 on every Pi: its first plane is the luminance, for nothing. Rows are `stride`
bytes apart, not `width` (The Picamera2 Library, section 4.2.2.1 and appendix A).
"""

from __future__ import annotations

import math
import time
from threading import Thread
from typing import TYPE_CHECKING, Any, Self, TypeGuard

import numpy as np

from drivers.camera import Abilities, Box, Frame, Taken, Tuning
from drivers.camera.exposure import Exposure
from drivers.camera.metering import Meter
from drivers.camera.newest import NewestFrame
from drivers.camera.pi_controls import (
    abilities_of,
    exposable,
    exposure_controls,
    first_controls,
    lens_controls,
    limits_of,
    taken_of,
    window_controls,
)
from drivers.errors import DeviceMissingError, SoftwareMissingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLOSE_S = 2.0  # Picamera2 waits for its own thread without a limit, which a dead camera may block
OLDEST_NS = 1_000_000_000  # an older sensor time than this is not of the same clock
WINDOW_MOVED = 0.5  # of the focus window's size: a new one makes the lens look again
BUFFERS = 4  # fewer drop frames, more cost contiguous memory


class Picamera:
    """Copy each frame's luminance as libcamera delivers it, and keep the newest."""

    def __init__(self, device: Any, tuning: Tuning) -> None:  # noqa: ANN401 - Picamera2 ships no types
        """Start a configured `Picamera2`."""
        self._device, self._tuning = device, tuning
        self._newest = NewestFrame()
        self._closed = False
        self._known: dict[str, Any] = device.camera_controls
        self._meter = Meter(limits_of(tuning, self._known))
        self._told: Exposure | None = None
        self._window: Box | None = None
        device.post_callback = self._deliver
        device.start()
        self._set(first_controls(tuning, self._known))

    def read(self, timeout_s: float) -> Frame:
        """Wait for the newest frame (see `Camera.read`)."""
        return self._newest.take(timeout_s)

    def attend(self, region: Box | None) -> None:
        """Expose and focus for a box (see `Camera.attend`)."""
        self._meter.attend(region)

    def focus_at(self, lens_position: float) -> None:
        """Hold the lens (see `Camera.focus_at`)."""
        self._set(lens_controls(lens_position, self._known))

    @property
    def abilities(self) -> Abilities:
        """Tell what the camera can."""
        return abilities_of(self._tuning, self._known)

    def close(self) -> None:
        """Stop the camera; one that hangs is left to a thread of its own."""
        self._newest.fail("the camera is closed")
        if self._closed:
            return
        self._closed = True  # the callback stays: Picamera2 checks it, then calls it, without a lock
        closing = Thread(target=self._device.close, name="camera-close", daemon=True)
        closing.start()
        closing.join(CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _deliver(self, request: Any) -> None:  # noqa: ANN401 - Picamera2 ships no types
        """Take one completed request; an exception here would end Picamera2's own thread."""
        try:
            luma = luma_plane(request.make_buffer("lores"), request.config["lores"])
            metadata = request.get_metadata()
            frame = Frame(luma, captured_ns(metadata), taken_of(metadata))
            self._newest.put(frame)
            self._adjust(frame, metadata.get("ScalerCrop"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader is to hear of it
            self._newest.fail(f"the camera's frame is of no use: {error}")

    def _adjust(self, frame: Frame, crop: Box | None) -> None:
        """Set what the next frames are taken with."""
        told, box = self._meter.exposure(frame.luma, frame.captured_ns, _used(frame.taken)), self._meter.box
        if told != self._told and exposable(self._known):
            self._told = told
            self._set(exposure_controls(told, self._known))
        if self._tuning.focus == "continuous" and moved(self._window, box):
            self._window = box
            height, width = frame.luma.shape
            self._set(window_controls(box, (width, height), crop, self._known))

    def _set(self, controls: dict[str, Any]) -> None:
        """Tell the device; what it refuses it is not told again, since it still gives frames, by its automatics."""
        if not controls:
            return
        try:
            self._device.set_controls(controls)
        except Exception:  # noqa: BLE001 - whatever it is, `abilities` tells what is not heeded from now on
            self._known = {name: reach for name, reach in self._known.items() if name not in controls}


def _used(taken: Taken) -> Exposure | None:
    """Return what a frame was taken with; None where the sensor tells none, or what cannot be."""
    time_us, gain = taken.exposure_us, taken.gain
    return Exposure(time_us, gain) if _can_be(time_us) and _can_be(gain) else None


def _can_be(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 < value < math.inf


def moved(window: Box | None, box: Box | None) -> bool:
    """Tell whether a box is so far from the one that the lens is focused on that it must look again."""
    if window is None or box is None:
        return window is not box
    slack = max(window[2], window[3]) * WINDOW_MOVED
    return any(abs(after - before) > slack for before, after in zip(window, box, strict=True))


def luma_plane(buffer: NDArray[np.uint8], config: dict[str, Any]) -> NDArray[np.uint8]:
    """Cut the luminance plane out of a YUV420 buffer, and its rows' padding off.

    Raises:
        ValueError: the buffer is smaller than its configuration says, or of size zero.
    """
    (width, height), stride = config["size"], config["stride"]
    if width <= 0 or height <= 0 or stride < width or buffer.size < stride * height:
        raise ValueError(f"{buffer.size} bytes for {width} x {height} px with rows of {stride} bytes")
    rows = buffer[: stride * height].reshape(height, stride)
    return np.ascontiguousarray(rows[:, :width])


def captured_ns(metadata: dict[str, Any]) -> int:
    """Give the time of the exposure on the monotonic clock; of now, where the sensor tells none.

    `SensorTimestamp` counts nanoseconds of CLOCK_BOOTTIME, which runs on in a suspend.
    """
    now_ns = time.monotonic_ns()
    ahead_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - now_ns
    sensor_ns = int(metadata.get("SensorTimestamp", 0)) - ahead_ns
    return sensor_ns if now_ns - OLDEST_NS < sensor_ns <= now_ns else now_ns


def open_picamera(source: str, width_px: int, height_px: int, tuning: Tuning) -> Picamera:
    """Open the camera of that number (empty: the first one).

    Raises:
        DeviceMissingError: Picamera2 is not installed, or there is no such camera.
    """
    try:
        from picamera2 import Picamera2  # noqa: PLC0415 - exists on a Raspberry Pi only
    except ImportError as error:
        raise SoftwareMissingError(
            "Picamera2 is not installed",
            cure="sudo apt install python3-picamera2, in an environment with --system-site-packages",
        ) from error
    device = None
    try:
        device = Picamera2(int(source or "0"))
        size = (width_px, height_px)
        device.configure(
            device.create_video_configuration(
                main={"size": size, "format": "YUV420"},  # the smallest that lores may hang on
                lores={"size": size, "format": "YUV420"},
                buffer_count=BUFFERS,
                queue=False,  # a queued frame is an old frame
            )
        )
        return Picamera(device, tuning)
    except (RuntimeError, IndexError, ValueError) as error:
        if device is not None:
            device.close()
        raise DeviceMissingError(
            f"the camera {source or '0'} cannot be opened: {error}",
            cure="connect its ribbon with the power off; rpicam-hello --list-cameras shows what is there",
        ) from error
