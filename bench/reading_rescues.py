"""How long rescues take: of stills that zxing-cpp does not read, each handed to the rescue's process and waited for."""

import time
from collections.abc import Sequence
from contextlib import closing

from bench.common import percentile, progress
from bench.reading_frames import Frame
from bench.reading_readers import zxing
from bench.reading_sequences import READY_S
from bench.reading_stills import LIMIT_MS
from drivers.symbols.region import code_regions
from drivers.symbols.worker import RescueWorker

PATIENCE_S = 2.0  # longer than any rescue may take


def rescues(frames: Sequence[Frame]) -> dict[str, dict[str, float]]:
    """Rescue each frame as a presentation of its own; return count, median and longest time of the wall, in ms.

    The time is from handing a frame over until the answer is there: its way, and a worker's end at the limit, included.
    """
    took: dict[str, list[float]] = {"all": [], "that read": []}
    with closing(RescueWorker(LIMIT_MS)) as worker, progress() as bar:
        worker.ready(READY_S)
        for number, frame in enumerate(bar.track(frames, description="rescues")):
            regions = [] if zxing(frame.luma) else code_regions(frame.luma)
            began_ns = time.perf_counter_ns()
            if regions and worker.offer(frame.luma, regions, number):
                answer = worker.poll(PATIENCE_S)
                ms = (time.perf_counter_ns() - began_ns) / 1e6
                took["all"].append(ms)
                if answer and answer.symbols:
                    took["that read"].append(ms)
            frame.forget()
    return {
        name: {"count": len(ms), "median_ms": percentile(ms, 0.5), "max_ms": max(ms)} for name, ms in took.items() if ms
    }
