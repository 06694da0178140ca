"""The reading pipeline: the whole frame, then a likely part of it by one arm after the other, then a rescue.

    1 the whole frame by zxing-cpp, QR codes only
    2 where something looks like a code: its part sharpened and scaled up, and inverted; then one more arm in turn
    3 the newest frame that gave nothing goes to the rescue, on another core, which is never waited for
    4 why nothing reads, as a hint

An arm begins only where its usual cost fits into what is left of the frame's budget.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from drivers.symbols import Seen
from drivers.symbols.arms import ALWAYS, IN_TURN, NOTHING_SEEN, WAYS, placed, read_by, work_pixels
from drivers.symbols.bounds import largest
from drivers.symbols.course import Course
from drivers.symbols.frame import Frame, frame_of
from drivers.symbols.hints import hint_of
from drivers.symbols.region import Region
from drivers.symbols.worker import RescueWorker
from drivers.symbols.zxing import codes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from drivers.symbols import Arm, Symbol
    from drivers.symbols.worker import Answer

    Luma = NDArray[np.uint8]

PERIOD_MAX_NS = 1_000_000_000  # ours: after a longer pause, frames do not tell when the next one comes
SPARE_NS = 3_000_000  # ours: for the rescue's answer to be there when the next frame comes


class Rescue(Protocol):
    """What the pipeline needs of the rescue's worker."""

    @property
    def busy(self) -> bool:
        """Tell whether it works on a frame."""
        ...

    @property
    def fault(self) -> str | None:
        """Tell what keeps it from working."""
        ...

    def ready(self, timeout_s: float) -> bool:
        """Wait for it at most so long."""
        ...

    def offer(self, luma: Luma, regions: Sequence[Region], presentation: int, limit_ms: float | None = None) -> bool:
        """Hand a frame over, to be done with within `limit_ms`; False where it cannot take one now."""
        ...

    def poll(self, timeout_s: float) -> Answer | None:
        """Give its answer, waiting at most so long."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class _Offered:
    region: Region
    captured_ns: int


class Pipeline:
    """Read a camera's frames (see `FrameReader`)."""

    def __init__(
        self,
        rescue: Rescue | None,
        budget_ms: float,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        """Read within `budget_ms` a frame; `cpu_ns` measures what arms cost, other programs' time left out."""
        self._rescue, self._budget_ns = rescue, round(budget_ms * 1e6)
        self._monotonic_ns, self._cpu_ns = monotonic_ns, cpu_ns
        self._course = Course()
        self._offered: _Offered | None = None
        self._captured_ns = 0  # of the last frame

    @property
    def pending(self) -> bool:
        """Tell whether the rescue works on a frame now."""
        return self._offered is not None

    @property
    def fault(self) -> str | None:
        """Tell what keeps the rescue from working."""
        return self._rescue.fault if self._rescue else None

    def ready(self, timeout_s: float) -> bool:
        """Wait for the rescue's process at most so long."""
        return self._rescue is None or self._rescue.ready(timeout_s)

    def read(self, luma: Luma, captured_ns: int = 0) -> Seen:
        """Read a frame (see `FrameReader.read`)."""
        began_ns = self._monotonic_ns()
        until_ns = began_ns + self._budget_ns
        period_ns, self._captured_ns = self._period_ns(captured_ns), captured_ns
        frame = frame_of(luma, self._budget_ns / self._course.costs.expected_ns("whole", 1))
        rescued = self.poll(0)
        if symbols := self._whole(frame.small, frame.reduction):
            return self._seen(symbols, "whole", captured_ns)
        if rescued and rescued.symbols:
            return rescued
        regions = self._course.tracked(frame.regions())
        for arm, region in self._looks(regions):
            if symbols := self._by_arm(arm, frame, region, until_ns):
                return self._seen(symbols, arm, captured_ns)
        large = frame.reduction > 1 and self._fits("whole", frame.picture.size, until_ns)
        if large and (symbols := self._whole(frame.picture, 1)):
            return self._seen(symbols, "whole", captured_ns)
        rescued = self.poll(0)
        if rescued and rescued.symbols:
            return rescued
        region = regions[0] if regions else None
        if region:
            self._offer(frame, regions, _Offered(region, captured_ns), began_ns, period_ns)
        if self._course.hint_due():
            self._course.hint = hint_of(frame.picture, region)
        return Seen([], self._course.hint, None, region, captured_ns)

    def poll(self, timeout_s: float) -> Seen | None:
        """Give the rescue's answer (see `FrameReader.poll`)."""
        if self._rescue is None or not self._rescue.busy:
            self._offered = None
            return None
        answer, offered = self._rescue.poll(timeout_s), self._offered
        if answer is None or offered is None:  # none yet, or it is of what was forgotten
            return None
        self._offered = None
        if not answer.symbols:
            self._course.failed(offered.region, self._monotonic_ns())
            return Seen([], None, None, offered.region, offered.captured_ns)
        return self._seen(answer.symbols, "rescue", offered.captured_ns)

    def forget(self) -> None:
        """Begin another presentation (see `FrameReader.forget`)."""
        self._course.forget()
        self._offered = None
        self._captured_ns = 0

    def close(self) -> None:
        """End the rescue; a second call does nothing."""
        if self._rescue:
            self._rescue.close()

    def _seen(self, symbols: list[Symbol], arm: Arm, captured_ns: int) -> Seen:
        return Seen(symbols, None, arm, self._course.read(symbols, arm), captured_ns)

    def _looks(self, regions: Sequence[Region]) -> Sequence[tuple[Arm, Region | None]]:
        """Say which arms this frame has, and where; what read last comes first."""
        course = self._course
        if not course.arms_due(regions[0] if regions else None):
            return []
        turn, course.turn = course.turn, course.turn + 1
        liked = (course.liked,) if course.liked is not None and course.liked in WAYS else ()
        if not regions:
            return [(arm, None) for arm in dict.fromkeys((*liked, NOTHING_SEEN[turn % len(NOTHING_SEEN)]))]
        looks = [(arm, regions[0]) for arm in dict.fromkeys((*liked, *ALWAYS))]
        return [*looks, (IN_TURN[turn % len(IN_TURN)], regions[turn // len(IN_TURN) % len(regions)])]

    def _by_arm(self, arm: Arm, frame: Frame, region: Region | None, until_ns: int) -> list[Symbol]:
        part, left, top, reduction = frame.part(region)
        pixels = work_pixels(arm, part.size)
        if not self._fits(arm, pixels, until_ns):
            self._course.costs.forgive(arm)
            return []
        started_ns = self._cpu_ns()
        symbols = read_by(arm, part, left, top)
        self._course.costs.learn(arm, pixels, self._cpu_ns() - started_ns)
        return [placed(symbol, 1 / reduction) for symbol in symbols]

    def _whole(self, picture: Luma, reduction: int) -> list[Symbol]:
        started_ns = self._cpu_ns()
        symbols = codes_of(picture)
        self._course.costs.learn("whole", picture.size, self._cpu_ns() - started_ns)
        return largest(placed(symbol, 1 / reduction) for symbol in symbols)

    def _fits(self, arm: Arm, pixels: float, until_ns: int) -> bool:
        return self._monotonic_ns() + self._course.costs.expected_ns(arm, pixels) <= until_ns

    def _offer(self, frame: Frame, regions: Sequence[Region], offered: _Offered, began_ns: int, period_ns: int) -> None:
        course, rescue, now_ns = self._course, self._rescue, self._monotonic_ns()
        if rescue is None or rescue.busy or not course.rescue_due(offered.region, now_ns):
            return
        limit_ns = course.rescue_ns(began_ns + period_ns - SPARE_NS - now_ns, period_ns)
        limit_ms = None if limit_ns is None else limit_ns / 1e6
        if rescue.offer(frame.picture, regions, course.presentation, limit_ms):
            self._offered = offered

    def _period_ns(self, captured_ns: int) -> int:
        """Return the time between this frame and the last; 0 where they are not of one stream."""
        period_ns = captured_ns - self._captured_ns
        return period_ns if self._captured_ns and period_ns <= PERIOD_MAX_NS else 0


def open_pipeline(*, budget_ms: float, rescue_limit_ms: float) -> Pipeline:
    """Open the pipeline, its rescue in a process of its own unless its limit is 0."""
    return Pipeline(RescueWorker(rescue_limit_ms) if rescue_limit_ms else None, budget_ms)
