"""When a rescue must end: each stage asks before it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of a monotonic clock."""

    at_ns: int
    monotonic_ns: Callable[[], int]

    def passed(self) -> bool:
        """Tell whether the moment has come."""
        return self.monotonic_ns() >= self.at_ns
