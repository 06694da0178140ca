"""Pictures that have nothing to do with one another: each is held before the reader until it reads, or in vain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.symbols import FrameReader, Seen
from provisioning.read_line import Answer

# The reader tries one more arm a frame, in turn: so many looks give each of them both of the likeliest parts once, and
# so many give the whole picture to each that is tried where nothing looks like a code.
LOOKS, LOOKS_AT_NOTHING = 18, 3
LATE_MS = 250.0  # the rescue's process may be started anew, and its answer has a way to go


@dataclass(frozen=True, slots=True)
class StillReader:
    """A reader, and what a picture may take: for looks that it begins, and beyond them for its rescue."""

    reader: FrameReader
    clock: Clock
    budget_ms: float
    limit_ms: float

    def read(self, name: str, luma: NDArray[np.uint8]) -> Answer:
        """Read one picture as a presentation of its own; the rescue is waited for."""
        self._rescued()  # of the picture before, which something else has read
        self.reader.forget()
        had_ns = self.clock.monotonic_ns()
        seen = self._held(luma, had_ns)
        if not seen.symbols:
            seen = self._rescued() or seen
        return Answer(name, seen, self._since_ms(had_ns))

    def _held(self, luma: NDArray[np.uint8], had_ns: int) -> Seen:
        """Show the picture again while it does not read, and an arm or the rescue has not looked at it yet.

        A region counts, not the hint: what is there and may be a code is tried from the third look on, and rescued.
        """
        first = seen = self.reader.read(luma)
        for _ in range((LOOKS if first.region else LOOKS_AT_NOTHING) - 1):
            if seen.symbols or self._since_ms(had_ns) >= self.budget_ms:
                break
            seen = self.reader.read(luma)
        return seen if seen.symbols else first

    def _rescued(self) -> Seen | None:
        """Wait for the rescue's answer while it works; None where nothing comes of it in time."""
        began_ns = self.clock.monotonic_ns()
        while self.reader.pending and (left_ms := self.limit_ms + LATE_MS - self._since_ms(began_ns)) > 0:
            answer = self.reader.poll(left_ms / 1e3)
            if answer is not None and answer.symbols:
                return answer
        return None

    def _since_ms(self, then_ns: int) -> float:
        return (self.clock.monotonic_ns() - then_ns) / 1e6
