"""What page and metrics show: read from the store now and then, by one thread, never twice at a time."""

import asyncio
import contextlib
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any

from centre.collecting.store import Account, Count, Store, StoreError
from centre.showing.fleet import TROUBLES, DeviceView, Totals, read_fleet, today, total, totals
from firmware.checkin import milliseconds

FRESH_S = 10.0  # ours: how old what is shown may be
SHARE = 10  # ours: reading takes a tenth of the time at most, however large the fleet is
PATIENCE_S = 20.0  # ours: a request waits no longer for the store
HOURS = 48  # of the plot
BACKLOG = (0, 1, 100, 1000, 10_000)  # the least of each class
LONGEST = 1000  # ours: devices with most unsent; in the metrics a time series each


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold the fleet at a time; those to look at first, the worst before them."""

    at_ms: int
    devices: tuple[DeviceView, ...]
    totals: Totals
    today: int
    hours: tuple[Count, ...]
    since_ms: int  # the first hour's beginning
    unsound: tuple[Account, ...]  # journals in which something is missing, broken or in conflict
    waiting: int  # devices with something unsent
    longest: tuple[DeviceView, ...]  # of these, with most
    backlog: tuple[int, ...]  # devices by what is unsent, in the classes of `BACKLOG`


def take(store: Store, at: datetime) -> Snapshot:
    """Read the fleet. Raises: StoreError."""
    now_ms = milliseconds(at)
    devices = sorted(read_fleet(store), key=lambda view: _urgency(view, now_ms))
    hour = at.replace(minute=0, second=0, microsecond=0)
    since, until = hour - timedelta(hours=HOURS - 1), hour + timedelta(hours=1)
    hours = store.counts(since, until, "hour")
    today_ms = milliseconds(today(at))
    backlog = [0] * len(BACKLOG)
    for view in devices:
        backlog[bisect_right(BACKLOG, view.unsent) - 1] += 1
    return Snapshot(
        at_ms=now_ms,
        devices=tuple(devices),
        totals=totals(devices, now_ms),
        today=total(count for count in hours if count.begins_ms >= today_ms),
        hours=tuple(hours),
        since_ms=milliseconds(since),
        unsound=tuple(journal for view in devices for journal in view.journals if not journal.sound),
        waiting=len(devices) - backlog[0],
        longest=tuple(nsmallest(LONGEST, devices, key=lambda view: (-view.unsent, view.name))),
        backlog=tuple(backlog),
    )


class Latest:
    """The last snapshot while it is fresh enough, else a new one; None where the store cannot be read."""

    def __init__(
        self, opened: Callable[[], Store], now: Callable[[], datetime], report: Callable[[BaseException | None], None]
    ) -> None:
        """Read a store; `report` is told once that it cannot be read and why, and None once it can be again."""
        self._opened, self._now, self._report = opened, now, report
        self._reading: asyncio.Future[Snapshot] | None = None
        self._began_s = 0.0
        self._last: Snapshot | None = None
        self._until_s = 0.0
        self._failed = False

    async def get(self) -> Snapshot | None:
        """Return a snapshot; None where the store cannot be read, or does not answer."""
        if time.monotonic() < self._until_s:
            return self._last
        reading = self._reading or self._begin()
        left_s = max(0.0, self._began_s + PATIENCE_S - time.monotonic())
        try:
            await asyncio.wait_for(asyncio.shield(reading), left_s)
        except TimeoutError:
            self._tell(StoreError("the store does not answer: see its own log"))
            return None
        except StoreError:
            pass  # told already
        return self._last

    def _begin(self) -> asyncio.Future[Snapshot]:
        """Read in a thread that nobody waits for at the end, however long the store takes."""
        loop = asyncio.get_running_loop()
        reading: asyncio.Future[Snapshot] = loop.create_future()
        reading.add_done_callback(self._end)

        def read() -> None:
            try:
                with self._opened() as store:
                    found = take(store, self._now())
            except StoreError as error:
                _settle(loop, reading.set_exception, error)
            except BaseException as error:
                _settle(loop, reading.set_exception, StoreError(f"internal: {type(error).__name__}"))
                raise
            else:
                _settle(loop, reading.set_result, found)

        self._reading, self._began_s = reading, time.monotonic()
        threading.Thread(target=read, name="store", daemon=True).start()
        return reading

    def _end(self, reading: asyncio.Future[Snapshot]) -> None:
        error = reading.exception()
        self._last = None if error else reading.result()
        now_s = time.monotonic()
        self._until_s = now_s + max(FRESH_S, SHARE * (now_s - self._began_s))
        self._reading = None
        self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        failed, self._failed = self._failed, error is not None
        if failed != self._failed:
            self._report(error)


def _settle(loop: asyncio.AbstractEventLoop, settle: Callable[[Any], None], what: object) -> None:
    with contextlib.suppress(RuntimeError):  # told to stop meanwhile: nobody waits
        loop.call_soon_threadsafe(settle, what)


def _urgency(view: DeviceView, now_ms: int) -> tuple[int, int, str]:
    troubles = view.troubles(now_ms)
    return (TROUBLES.index(troubles[0]) if troubles else len(TROUBLES), -view.unsent, view.name)
