"""What has been shown so far: a pass held before the camera is one presentation, not one a frame (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

HELD_MAX = 64  # ours: more passes than fit before a camera within the holding time; bounds memory


class Key(NamedTuple):
    """What makes two sightings the same: the pass's identity (or its text's hash) and the answer to it."""

    identity: bytes
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    """The presentations still held; `held_ns` is how long a sighting counts."""

    held_ns: int
    _last_seen_ns: Mapping[Key, int] = field(default_factory=dict)

    def seen(self, key: Key, at_ns: int) -> "Session":
        """Return the session after a sighting at `at_ns` (monotonic)."""
        held = {known: seen_ns for known, seen_ns in self._last_seen_ns.items() if self._counts(seen_ns, at_ns)}
        held.pop(key, None)
        if len(held) == HELD_MAX:
            del held[next(iter(held))]  # in order of their last sighting, so the oldest
        held[key] = at_ns
        return Session(self.held_ns, held)

    def holds(self, key: Key, at_ns: int) -> bool:
        """Return whether a sighting at `at_ns` continues a presentation."""
        seen_ns = self._last_seen_ns.get(key)
        return seen_ns is not None and self._counts(seen_ns, at_ns)

    def _counts(self, seen_ns: int, at_ns: int) -> bool:
        return at_ns - seen_ns <= self.held_ns
