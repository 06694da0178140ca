"""When the gate is told why nothing reads, and the camera where to look (pure)."""

from collections import Counter, deque
from typing import TYPE_CHECKING

from drivers.camera import Box
from drivers.symbols import Hint

if TYPE_CHECKING:  # it loads numpy and OpenCV
    from drivers.symbols.region import Region

SETTLES_NS = 400_000_000  # ours: what a frame or two show is no reason yet
AGAIN_NS = 500_000_000  # ours: the gate forgets a hint that is not renewed for 1.5 s
MOST_SHARE = 2 / 3  # of the frames of that time: a hand that trembles is out of focus now and then
FRAMES_MAX = 64  # ours: of the fastest camera in that time
ATTEND_NS = 200_000_000  # ours: a camera's exposure follows some frames later anyway


class Hinting:
    """The hints of the newest frames."""

    def __init__(self) -> None:
        """Begin with none."""
        self._hints: deque[tuple[int, Hint]] = deque(maxlen=FRAMES_MAX)
        self._since_ns: int | None = None  # the first frame in a row that did not read
        self._told: tuple[int, Hint] | None = None

    def due(self, hint: Hint | None, at_ns: int) -> Hint | None:
        """Take a frame's hint (None: it read, or gives none); return the one that the gate is to be told now."""
        if hint is None:
            self._hints.clear()
            self._since_ns = self._told = None
            return None
        self._since_ns = at_ns if self._since_ns is None else self._since_ns
        self._hints.append((at_ns, hint))
        while self._hints[0][0] < at_ns - SETTLES_NS:
            self._hints.popleft()
        most, count = Counter(hint for _, hint in self._hints).most_common(1)[0]
        if at_ns - self._since_ns < SETTLES_NS or count < MOST_SHARE * len(self._hints):
            return None
        if self._told and self._told[1] == most and at_ns - self._told[0] < AGAIN_NS:
            return None
        self._told = at_ns, most
        return most


class Attention:
    """Where the camera was told to look."""

    def __init__(self) -> None:
        """Begin with the whole frame."""
        self._box: Box | None = None
        self._next_ns = 0

    def due(self, region: "Region | None", at_ns: int) -> bool:
        """Tell whether the camera is to be told of a frame's region, see `box`; None: of the whole frame."""
        box = None if region is None else (region.x, region.y, region.width, region.height)
        if box == self._box or at_ns < self._next_ns:
            return False
        self._box, self._next_ns = box, at_ns + ATTEND_NS
        return True

    @property
    def box(self) -> Box | None:
        """Return what the camera was told last."""
        return self._box
