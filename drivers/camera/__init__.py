"""The camera port: the newest picture of what stands before the gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self, assert_never

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

CameraKind = Literal["simulated", "opencv", "picamera2"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the camera: luminance only, since codes are black on white."""

    luma: NDArray[np.uint8]  # (height_px, width_px), C-contiguous, the receiver's own
    captured_ns: int  # time.monotonic_ns() when it was captured


class Camera(Protocol):
    """A camera that keeps only its newest frame; one thread reads it."""

    def read(self, timeout_s: float) -> Frame:
        """Wait for the newest frame that was not returned before; older ones are dropped.

        Raises:
            CameraStalledError: there was none within `timeout_s`; a later call may succeed.
            CameraLostError: it was unplugged, failed or is closed; only opening it anew helps.
        """
        ...

    def close(self) -> None:
        """Let go of the device within about 2 s, also of one that hangs; twice is the same as once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_camera(kind: CameraKind, *, source: str, width_px: int, height_px: int, seed: int = 0) -> Camera:
    """Open the configured camera.

    `source` is a folder of pictures (simulated), a device, its number or a video file (opencv), or a
    camera's number (picamera2). Frames have the size asked for where the device can, else its own: a
    frame's shape tells.

    Raises:
        DeviceMissingError: the device or its software is not there; the cure says what to do.
        ValueError: a size that is not positive.
    """
    if width_px <= 0 or height_px <= 0:
        raise ValueError(f"a frame of {width_px} x {height_px} px cannot be")
    match kind:  # imported late: each of these libraries costs megabytes and a share of the start
        case "simulated":
            from drivers.camera.simulated import SimulatedCamera  # noqa: PLC0415 - see match

            return SimulatedCamera(Path(source), width_px, height_px, seed=seed)
        case "opencv":
            from drivers.camera.opencv import open_opencv_camera  # noqa: PLC0415 - see match

            return open_opencv_camera(source, width_px, height_px)
        case "picamera2":
            from drivers.camera.picamera import open_picamera  # noqa: PLC0415 - see match

            return open_picamera(source, width_px, height_px)
        case _:
            assert_never(kind)
