"""The camera port: the newest picture of what stands before the gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, assert_never

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

CameraKind = Literal["simulated", "opencv", "picamera2"]
Focus = Literal["continuous", "manual"]
Box = tuple[int, int, int, int]  # x, y, width, height, in px of a frame

# 1/125 s: a code of 50 mm with 81 modules, moved at 11 cm/s, is smeared over 1.4 modules, and readers end at 1.75;
# half the time would need twice the light, and show the flicker of lamps (100 Hz) three times as strong
EXPOSURE_MAX_US = 8000
GAIN_MAX = 16.0  # what Camera Module 3 can: noise is then, we estimate, a twelfth of white; darkness costs more


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a camera is set for reading codes; what a device cannot do is left out, and told by its `abilities`."""

    focus: Focus = "continuous"
    lens_position: float | None = None  # dioptres (1 / distance in m), where the focus is manual
    exposure_max_us: int = EXPOSURE_MAX_US
    gain_max: float = GAIN_MAX
    fps: float | None = None  # frames/s; None: as many as the kind of camera usually gives


AS_USUAL = Tuning()


class Taken(NamedTuple):
    """What a frame was taken with, as far as the camera tells."""

    exposure_us: float | None = None
    gain: float | None = None
    lens_position: float | None = None  # dioptres


UNTOLD = Taken()


class Abilities(NamedTuple):
    """What a camera can do beside giving frames."""

    lens: tuple[float, float] | None = None  # dioptres from far to near that `focus_at` reaches; None: it has no motor
    without: tuple[str, ...] = ()  # keys of `Tuning` that this device does not heed


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the camera: luminance only, since codes are black on white."""

    luma: NDArray[np.uint8]  # (height_px, width_px), C-contiguous, the receiver's own
    captured_ns: int  # time.monotonic_ns() when it was captured
    taken: Taken = UNTOLD


class Camera(Protocol):
    """A camera that keeps only its newest frame; one thread reads it."""

    def read(self, timeout_s: float) -> Frame:
        """Wait for the newest frame that was not returned before; older ones are dropped.

        Raises:
            CameraStalledError: there was none within `timeout_s`; a later call may succeed.
            CameraLostError: it was unplugged, failed or is closed; only opening it anew helps.
        """
        ...

    def attend(self, region: Box | None) -> None:
        """Expose and focus for this box of the newest frames until told otherwise; None: for the whole frame again.

        The camera goes on with the box for a second after None, since codes are lost for a moment and found again.
        Returns at once, and is seen some frames later, if the device can do it at all. A box may lie outside the frame.
        """
        ...

    def focus_at(self, lens_position: float) -> None:
        """Hold the lens at so many dioptres, within `abilities.lens`; does nothing where it has no motor."""
        ...

    @property
    def abilities(self) -> Abilities:
        """Tell what the camera can; complete once it has given a frame."""
        ...

    def close(self) -> None:
        """Let go of the device within about 2 s, also of one that hangs; twice is the same as once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_camera(
    kind: CameraKind, *, source: str, width_px: int, height_px: int, seed: int = 0, tuning: Tuning = AS_USUAL
) -> Camera:
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

            return SimulatedCamera(Path(source), width_px, height_px, seed=seed, tuning=tuning)
        case "opencv":
            from drivers.camera.opencv import open_opencv_camera  # noqa: PLC0415 - see match

            return open_opencv_camera(source, width_px, height_px, tuning)
        case "picamera2":
            from drivers.camera.picamera import open_picamera  # noqa: PLC0415 - see match

            return open_picamera(source, width_px, height_px, tuning)
        case _:
            assert_never(kind)
