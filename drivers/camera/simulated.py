"""A simulated camera: a folder of pictures, shown as visitors would show them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Self

from drivers.camera import Frame
from drivers.camera.scene import held_up, noise_tile, wall, with_noise
from drivers.errors import CameraLostError, CameraStalledError, DeviceMissingError
from drivers.symbols.pictures import PictureError, load_luma

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FRAMES_PER_S = 15
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
FOR_EVER_S = 1e9


@dataclass(frozen=True, slots=True)
class _Visit:
    """What is before the camera for a while: a picture, or nobody."""

    path: Path | None
    scene: NDArray[np.uint8]
    lasts_s: float


class SimulatedCamera:
    """Show each picture of a folder for `held_s`, then nobody for `empty_s`, round after round.

    The folder is listed anew for each round, so pictures may be added; taking the folder away unplugs
    the camera. Tilt and blur differ with each showing and are the same for the same `seed`. The verbs
    (`hold`, `take_away`, `freeze`) take the place of the folder's visitors. Time comes from
    `monotonic_ns` and passes by `sleep`: frames are due every 1/15 s, whoever reads them.
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
        self._wall = wall(width_px, height_px)
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
            self._turn_to(_Visit(picture, held_up(luma, self._wall, self._random), FOR_EVER_S))

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
        number = max(self._number + 1, (now_ns - self._start_ns) * FRAMES_PER_S // 1_000_000_000)
        due_ns = self._start_ns + number * 1_000_000_000 // FRAMES_PER_S
        if self._frozen or due_ns > now_ns + timeout_s * 1e9:
            self._sleep(timeout_s)
            self._check_plugged()
            raise CameraStalledError(f"no frame within {timeout_s:g} s", cure="thaw the simulated camera")
        luma = self._draw(number, due_ns)  # before it is due: drawing is not part of what a camera costs
        self._sleep(max(0, due_ns - self._monotonic_ns()) / 1e9)
        self._check_plugged()
        self._number = number
        return Frame(luma, due_ns)

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

    def _draw(self, number: int, due_ns: int) -> NDArray[np.uint8]:
        with self._lock:
            if due_ns >= self._until_ns:
                self._visit = next(self._visits)
                self._until_ns = due_ns + int(self._visit.lasts_s * 1e9)
            return with_noise(self._visit.scene, self._noise, number)

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
                yield _Visit(path, held_up(luma, self._wall, self._random), self._held_s)
                yield _Visit(None, self._wall, self._empty_s)
            if not shown:
                yield _Visit(None, self._wall, self._empty_s)

    def _pictures(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError:
            return []  # gone: the next read says so
