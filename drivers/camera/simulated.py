"""A simulated camera: a folder of pictures, shown as visitors would show them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np

from drivers.camera import AS_USUAL, Abilities, Box, Frame, Taken, Tuning
from drivers.camera.exposure import Exposure, Limits
from drivers.camera.metering import Meter
from drivers.camera.scene import DARK, glowing, held_up, noise_tile, wall, with_noise
from drivers.camera.sensor import GAIN_FULL, LENS, TIME_MIN_US, Sensor, View, in_the_dark
from drivers.errors import CameraLostError, CameraStalledError, DeviceMissingError
from drivers.symbols.pictures import PictureError, load_luma

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

FRAMES_PER_S = 15.0  # where none is configured: what a desk's machine gives without effort
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
FOR_EVER_S = 1e9


@dataclass(frozen=True, slots=True)
class _Visit:
    """What is before the camera for a while: a picture, or nobody."""

    path: Path | None
    view: View
    lasts_s: float


class SimulatedCamera:
    """Show each picture of a folder for `held_s`, then nobody for `empty_s`, round after round.

    The folder is listed anew for each round, so pictures may be added; taking the folder away unplugs
    the camera. Tilt and blur differ with each showing and are the same for the same `seed`. The verbs
    (`hold`, `glow`, `take_away`, `freeze`) take the place of the folder's visitors. Time comes from
    `monotonic_ns` and passes by `sleep`: frames are due every 1/15 s (or as tuned), whoever reads them. Its
    sensor honours exposure and focus, some frames later, and tells with each frame what it was taken with.
    """

    def __init__(
        self,
        folder: Path,
        width_px: int,
        height_px: int,
        *,
        seed: int = 0,
        held_s: float = 1.5,
        empty_s: float = 1.0,
        tuning: Tuning = AS_USUAL,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start with the first picture.

        Raises:
            DeviceMissingError: there is no such folder.
        """
        if not folder.is_dir():
            raise DeviceMissingError(f"there is no folder of pictures {folder}", cure="make it, or set camera.source")
        self.skipped = 0  # pictures that could not be read, once for each round
        self._folder, self._held_s, self._empty_s = folder, held_s, empty_s
        self._monotonic_ns, self._sleep = monotonic_ns, sleep
        self._random = Random(seed)  # noqa: S311 - for tilt and noise
        self._fps = tuning.fps or FRAMES_PER_S
        self._sensor = Sensor(tuning)
        self._meter = Meter(Limits(TIME_MIN_US, float(tuning.exposure_max_us), min(tuning.gain_max, GAIN_FULL)))
        self._wall = View(wall(width_px, height_px))
        self._noise = noise_tile(width_px, height_px, self._random)
        self._lock = Lock()  # the verbs may come from another thread than the reads
        self._visits = self._rounds()
        self._visit = _Visit(None, self._wall, 0.0)
        self._until_ns = self._start_ns = monotonic_ns()
        self._number = -1
        self._frozen = False
        self._fault: str | None = None

    @property
    def wall(self) -> Path | None:
        """Tell which picture the newest frame shows; None: nobody is there."""
        return self._visit.path

    def hold(self, picture: Path) -> None:
        """Hold a picture before the camera, until it is taken away or another is held.

        Raises:
            PictureError: the picture cannot be read.
        """
        luma = load_luma(picture)
        with self._lock:
            self._turn_to(_Visit(picture, View(held_up(luma, self._wall.light, self._random)), FOR_EVER_S))

    def glow(self, picture: Path) -> None:
        """Hold a telephone that shows a picture before the camera, in a dark room.

        Raises:
            PictureError: the picture cannot be read.
        """
        luma = load_luma(picture)
        with self._lock:
            dark = (self._wall.light * DARK).astype(np.uint8)
            self._turn_to(_Visit(picture, in_the_dark(glowing(luma, dark, self._random)), FOR_EVER_S))

    def take_away(self) -> None:
        """Leave nobody before the camera."""
        with self._lock:
            self._turn_to(_Visit(None, self._wall, FOR_EVER_S))

    def freeze(self, *, frozen: bool = True) -> None:
        """Stall: stay plugged in, and give no frames until thawed."""
        self._frozen = frozen

    def read(self, timeout_s: float) -> Frame:
        """Give the newest frame that is due, or wait for the next one (see `Camera.read`)."""
        self._check_plugged()
        now_ns = self._monotonic_ns()
        number = max(self._number + 1, int((now_ns - self._start_ns) * self._fps / 1e9))
        due_ns = self._start_ns + int(number * 1e9 / self._fps)
        if self._frozen or due_ns > now_ns + timeout_s * 1e9:
            self._sleep(timeout_s)
            self._check_plugged()
            raise CameraStalledError(f"no frame within {timeout_s:g} s", cure="thaw the simulated camera")
        luma, taken = self._draw(number, due_ns)  # before it is due: drawing is not part of what a camera costs
        self._sleep(max(0, due_ns - self._monotonic_ns()) / 1e9)
        self._check_plugged()
        self._number = number
        used = None if taken.exposure_us is None or taken.gain is None else Exposure(taken.exposure_us, taken.gain)
        self._sensor.tell(self._meter.exposure(luma, due_ns, used), number)
        return Frame(luma, due_ns, taken)

    def attend(self, region: Box | None) -> None:
        """Expose for a box (see `Camera.attend`); its lens is sharp everywhere, but where it is held."""
        self._meter.attend(region)

    def focus_at(self, lens_position: float) -> None:
        """Hold the lens (see `Camera.focus_at`)."""
        self._sensor.lens = min(max(lens_position, LENS[0]), LENS[1])

    @property
    def abilities(self) -> Abilities:
        """Tell what the camera can."""
        return Abilities(LENS)

    def close(self) -> None:
        """Stop; later reads raise CameraLostError."""
        self._fault = self._fault or "the camera is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_plugged(self) -> None:
        if self._fault is None and not self._folder.is_dir():
            self._fault = f"the folder {self._folder} is gone"  # for good: as a device that was unplugged
        if self._fault is not None:
            raise CameraLostError(self._fault, cure="put the folder back; it is opened again by itself")

    def _draw(self, number: int, due_ns: int) -> tuple[NDArray[np.uint8], Taken]:
        with self._lock:
            if due_ns >= self._until_ns:
                self._visit = next(self._visits)
                self._until_ns = due_ns + int(self._visit.lasts_s * 1e9)
            taken = self._sensor.taken(self._visit.view, number)
            return with_noise(self._sensor.picture(self._visit.view, taken), self._noise, number), taken

    def _turn_to(self, visit: _Visit) -> None:
        self._visit = visit
        self._until_ns = self._monotonic_ns() + int(visit.lasts_s * 1e9)

    def _rounds(self) -> Iterator[_Visit]:
        while True:
            shown = False
            for path in self._pictures():
                try:
                    luma = load_luma(path)
                except PictureError:
                    self.skipped += 1
                    continue
                shown = True
                yield _Visit(path, View(held_up(luma, self._wall.light, self._random)), self._held_s)
                yield _Visit(None, self._wall, self._empty_s)
            if not shown:
                yield _Visit(None, self._wall, self._empty_s)

    def _pictures(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError:
            return []  # gone: the next read says so
