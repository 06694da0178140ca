"""Look through a camera as the reader does, and tell a few times a second what a code looks like in it.

`python -m provisioning.camera_sight --config FILE --seconds N [--sweep]`: a program of its own, because a camera may
hang, and OpenCV may crash. It prints one JSON object a line, a `Sight` each, the last with what has been found; and
keeps no frame.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from drivers.camera import Camera, Frame
from drivers.camera.metering import brightness_of
from drivers.camera.modules import about_module_px, module_px_of
from drivers.camera.quality import quality_of
from drivers.errors import DeviceError
from drivers.symbols import SymbolReader, open_symbol_reader
from drivers.symbols.region import Region, code_regions
from firmware.config import ConfigError, load_config
from firmware.wiring import camera_of
from provisioning.camera_sweep import swept

LOOK_S = 0.2  # between two sights: people read them, and sharpness costs a tenth of a second on a Pi
FRAME_S = 2.0
SETTLE_S = 0.4  # until the lens stands, and a frame has been taken since
CODE_S = 3.0  # somebody who holds a code moves; a simulated visitor is away for one second
ROOM = 0.1  # of a region's side, around it: an edge needs both its sides


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen at one moment; None where there is no code, or the camera does not tell."""

    fps: float
    mean: float  # of the whole frame, 0 to 255
    bright: float | None = None  # of the code's white, 0 to 255
    blur_px: float | None = None
    module_px: float | None = None
    read: bool = False
    exposure_us: float | None = None
    gain: float | None = None
    lens_position: float | None = None


class Opened(msgspec.Struct, frozen=True):
    """What the camera can do, told after its first frame."""

    width_px: int
    height_px: int
    lens: tuple[float, float] | None
    without: tuple[str, ...]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line for the command that has started this: one of these."""

    fault: str | None = None
    opened: Opened | None = None
    sight: Sight | None = None
    sharpest: float | None = None  # dioptres, found by the sweep


class Looking:
    """A camera that is looked through, and the code that it is told to attend to."""

    def __init__(self, camera: Camera, reader: SymbolReader, now_s: Callable[[], float] = time.monotonic) -> None:
        """Look from now on."""
        self._camera, self._reader, self._now_s = camera, reader, now_s
        self._times_ns: list[int] = []

    def look(self, until_s: float) -> tuple[Frame, Region | None]:
        """Read frames until a moment, at least one; give the newest, and where its code is. Raises: DeviceError."""
        while True:
            frame = self._camera.read(FRAME_S)
            self._times_ns = [*self._times_ns[-30:], frame.captured_ns]
            if self._now_s() >= until_s:
                region = next(iter(code_regions(frame.luma, 1)), None)
                self._camera.attend(region and region[:4])
                return frame, region

    def sight(self, until_s: float) -> Sight:
        """Measure a frame at a moment. Raises: DeviceError."""
        frame, region = self.look(until_s)
        exposure_us, gain, lens_position = frame.taken
        seen = Sight(
            fps=self._fps(), mean=float(frame.luma.mean()), exposure_us=exposure_us, gain=gain,
            lens_position=lens_position,
        )  # fmt: skip
        return seen if region is None else self._measured(seen, frame, region)

    def _measured(self, seen: Sight, frame: Frame, region: Region) -> Sight:
        left, top, width, height, _ = region
        across, down = round(width * ROOM), round(height * ROOM)
        rows = slice(max(0, top - down), top + height + down)
        inside = frame.luma[rows, max(0, left - across) : left + width + across].copy()
        symbols = self._reader.read(frame.luma)
        exact = next((px for symbol in symbols if (px := module_px_of(frame.luma, symbol.corners))), None)
        return msgspec.structs.replace(
            seen,
            bright=brightness_of(frame.luma, region[:4]),
            blur_px=quality_of(inside).blur_px,
            module_px=exact or about_module_px(inside),
            read=bool(symbols),
        )

    def blur_at(self, lens_position: float) -> float | None:
        """Hold the lens somewhere; give the blur of the next code, None where none is seen. Raises: DeviceError."""
        self._camera.focus_at(lens_position)
        at_s = self._now_s() + SETTLE_S
        ends_s = at_s + CODE_S
        while at_s < ends_s:
            seen = self.sight(at_s)
            if seen.blur_px is not None:
                return seen.blur_px
            at_s = self._now_s() + LOOK_S
        return None

    def _fps(self) -> float:
        long_ns = self._times_ns[-1] - self._times_ns[0]
        return (len(self._times_ns) - 1) * 1e9 / long_ns if long_ns else 0.0


def sights(camera: Camera, seconds: float, *, sweep: bool) -> Iterator[Line]:
    """Look through a camera, and give what is found. Raises: DeviceError."""
    looking = Looking(camera, open_symbol_reader("zxing"))
    frame, _ = looking.look(0.0)
    height_px, width_px = frame.luma.shape
    lens, without = camera.abilities
    yield Line(opened=Opened(width_px, height_px, lens, without))
    if sweep and lens is not None:
        found = swept(lens, looking.blur_at)
        if found is not None:
            camera.focus_at(found)
        yield Line(sharpest=found)
    ends_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < ends_s:
        yield Line(sight=looking.sight(min(now_s + LOOK_S, ends_s)))


def main(arguments: list[str]) -> int:
    """Look, and print what is seen."""
    options = argparse.ArgumentParser(prog="camera_sight", description=__doc__)
    options.add_argument("--config", type=Path, required=True)
    options.add_argument("--seconds", type=float, required=True)
    options.add_argument("--sweep", action="store_true")
    wanted = options.parse_args(arguments)
    try:
        with camera_of(load_config(wanted.config)) as camera:
            for line in sights(camera, wanted.seconds, sweep=wanted.sweep):
                _print(line)
    except (ConfigError, DeviceError) as error:
        _print(Line(fault=" ".join(str(error).split())))
    return 0


def _print(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
