"""Look through the camera for some seconds, and say how its frames are.

`python -m provisioning.checks.look --config FILE`: a program of its own, because a camera may hang, and OpenCV may
crash. It prints one JSON object, and keeps no frame.
"""

import sys
import time
from pathlib import Path

import msgspec

from drivers.camera import Camera
from drivers.errors import DeviceError
from firmware.config import ConfigError, load_config
from firmware.wiring import camera_of

SETTLE_S = 0.5  # until a camera has found its exposure
LOOK_S = 2.5  # a simulated visitor is away for one second
FRAME_S = 2.0


class Look(msgspec.Struct, frozen=True):
    """What was seen: the last frame's light, the sharpest frame's blur; or what was wrong."""

    fault: str | None = None
    frames: int = 0
    mean: float = 0.0
    white: float = 0.0
    blur_px: float | None = None


def look_through(camera: Camera, seconds: float = LOOK_S) -> Look:
    """Measure frames for some seconds. Raises: DeviceError."""
    from drivers.camera.quality import quality_of  # noqa: PLC0415 - doctor itself needs no OpenCV

    seen, start_s = Look(), time.monotonic()
    while True:
        frame = camera.read(FRAME_S)
        passed_s = time.monotonic() - start_s
        if passed_s >= min(SETTLE_S, seconds / 2):
            found = quality_of(frame.luma)
            blurs = [blur for blur in (seen.blur_px, found.blur_px) if blur is not None]
            seen = Look(None, seen.frames + 1, found.mean, found.white, min(blurs, default=None))
            if passed_s >= seconds:
                return seen


def main(arguments: list[str]) -> int:
    """Look, and print what was seen."""
    try:
        with camera_of(load_config(Path(arguments[arguments.index("--config") + 1]))) as camera:
            seen = look_through(camera)
    except (ConfigError, DeviceError, ValueError, IndexError) as error:
        seen = Look(fault=" ".join(str(error).split()))
    sys.stdout.buffer.write(msgspec.json.encode(seen) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
