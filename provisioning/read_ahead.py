"""Pictures made ready before they are due: a camera's frames cost no decoding."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.errors import DeviceError
from drivers.symbols.pictures import PictureError, load_luma
from drivers.symbols.video import Video, VideoError

AHEAD_MAX = 32  # ours: two seconds of a camera, in which decoding takes nothing from the rescue beside it
AHEAD_MAX_BYTES = 64 * 2**20  # ours: as many frames of 2 megapixels; a larger one than this is alone

Luma = NDArray[np.uint8]
Picture = tuple[str, Callable[[], Luma | DeviceError]]
"""A picture's name, and what decodes it."""


class Ahead:
    """The next pictures of a row, a few of them decoded."""

    def __init__(self, pictures: Iterable[Picture], clock: Clock) -> None:
        """Take pictures as they come; nothing is decoded yet."""
        self._coming: Iterator[Picture] = iter(pictures)
        self._named: deque[Picture] = deque()
        self._ready: deque[tuple[str, Luma | DeviceError]] = deque()
        self._clock, self._took_s = clock, 0.0

    @property
    def more(self) -> bool:
        """Tell whether a picture is left."""
        return self._left(1)

    @property
    def another(self) -> bool:
        """Tell whether one is left after the next."""
        return self._left(2)

    def fill(self) -> None:
        """Decode as many as may be ready."""
        while self.fill_one(float("inf")):
            pass

    def fill_one(self, left_s: float) -> bool:
        """Decode one more where there is room for it and it should be done in time; tell whether it was."""
        held = sum(luma.nbytes for _, luma in self._ready if not isinstance(luma, DeviceError))
        room = len(self._ready) < AHEAD_MAX and (not self._ready or held < AHEAD_MAX_BYTES)
        if not room or self._took_s >= left_s or not self._left(len(self._ready) + 1):
            return False
        began_ns = self._clock.monotonic_ns()
        self._decode()
        self._took_s = (self._clock.monotonic_ns() - began_ns) / 1e9
        return True

    def take(self) -> tuple[str, Luma | DeviceError]:
        """Give the next picture, or what is wrong with it; there has to be one."""
        if not self._ready:
            self._decode()
        return self._ready.popleft()

    def skip(self) -> str:
        """Leave the next picture out, without decoding it, and give its name; there has to be one."""
        return (self._ready or self._named).popleft()[0]

    def _decode(self) -> None:
        name, load = self._named.popleft()
        self._ready.append((name, load()))

    def _left(self, wanted: int) -> bool:
        while len(self._ready) + len(self._named) < wanted:
            if (picture := next(self._coming, None)) is None:
                return False
            self._named.append(picture)
        return True


def pictures_of(paths: Iterable[Path]) -> Iterator[Picture]:
    """Name pictures in files."""
    return ((str(path), partial(loaded, path)) for path in paths)


def frames_of(video: Video, name: str) -> Iterator[Picture]:
    """Name the frames of a video, all alike; where it breaks off, that is its last."""
    try:
        for luma in video:
            yield name, partial(_given, luma)
    except VideoError as error:
        yield name, partial(_given, error)


def loaded(path: Path) -> Luma | PictureError:
    """Read a picture, or say what is wrong with it."""
    try:
        return load_luma(path)
    except PictureError as error:
        return error


def _given(what: Luma | VideoError) -> Luma | DeviceError:
    return what
