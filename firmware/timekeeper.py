"""Looks at the clock, and remembers between looks what makes it believed or not: see `firmware.timekeeping`."""

from collections.abc import Callable
from datetime import datetime

from drivers.clock import Clock
from firmware.knowledge import Knowledge
from firmware.timekeeping import BUILD_DATE, ClockFault, ClockKind, Kept, Watch, clock_fault, span_of


class Timekeeper:
    """One device's clock; `recall` returns what was kept over the last power cut, None as long as nobody knows."""

    def __init__(
        self, kind: ClockKind, clock: Clock, recall: Callable[[], Kept | None] = lambda: Kept(BUILD_DATE)
    ) -> None:
        """Look at a clock; one that is assumed to be right has no faults."""
        self._kind: ClockKind = kind
        self._clock = clock
        self._recall = recall
        self._span = span_of(kind)
        self._issued: datetime | None = None
        self._watch: Watch | None = None

    def heed(self, knowledge: Knowledge | None) -> None:
        """Take from now on the bounds that the trust data set."""
        self._issued = knowledge.issued if knowledge else None
        if knowledge is None:
            self._span = span_of(self._kind)
        else:
            before, self._span = self._span, span_of(self._kind, knowledge.issued, knowledge.offline_max)
            if self._watch and self._span.floor < before.floor:  # the nation took a key back that had dated ahead
                self._watch = self._watch.lowered(self._span.floor, self._clock.monotonic_ns())

    def look(self) -> ClockFault | None:
        """Look at the clock; return why it is not to be trusted, None where it is."""
        now, now_ns, synchronised = self._clock.now(), self._clock.monotonic_ns(), self._clock.synchronised()
        if self._kind == "assumed":
            return clock_fault(now, synchronised=synchronised, span=self._span)
        watch = self._watch or self._begun(now_ns)
        if watch is None:
            return clock_fault(now, synchronised=synchronised, span=self._span)
        self._watch = watch.looked(now, now_ns, synchronised=synchronised, span=self._span)
        return self._watch.fault

    @property
    def kept(self) -> Kept | None:
        """Return what is to outlive a power cut, None as long as nobody knows what was kept over the last one."""
        if self._kind == "assumed":
            return Kept(BUILD_DATE, issued=self._issued)
        return self._watch.kept._replace(issued=self._issued) if self._watch else None

    def _begun(self, now_ns: int) -> Watch | None:
        kept = self._recall()
        if kept and kept.issued and self._issued and self._issued < kept.issued:  # as in `heed`, while this was off
            kept = kept._replace(floor=BUILD_DATE)
        return None if kept is None else Watch.begun(now_ns, kept)
