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
    """The presentations still held; `held_ns` is how long a sighting, or the light that answered it, counts."""

    held_ns: int
    _held_until_ns: Mapping[Key, int] = field(default_factory=dict)

    def seen(self, key: Key, at_ns: int, lit_until_ns: int = 0) -> "Session":
        """Return the session after a sighting at `at_ns`, answered by a light until `lit_until_ns` (monotonic).

        A pass glimpsed again while its light is on is the same presentation, however long it was away: else one
        glimpse every few seconds would keep the light green.
        """
        held = {known: until_ns for known, until_ns in self._held_until_ns.items() if at_ns <= until_ns}
        until_ns = max(held.pop(key, 0), max(at_ns, lit_until_ns) + self.held_ns)
        if len(held) == HELD_MAX:
            del held[_least(held)]
        held[key] = until_ns
        return Session(self.held_ns, held)

    def holds(self, key: Key, at_ns: int) -> bool:
        """Return whether a sighting at `at_ns` continues a presentation."""
        return at_ns <= self._held_until_ns.get(key, -1)


def _least(held: Mapping[Key, int]) -> Key:
    """Return the key to forget for another one: never an accepted pass's for the sake of codes anybody can make up."""
    in_order = iter(held)  # of their last sighting
    oldest = next(in_order)
    return next((key for key in (oldest, *in_order) if key.verdict != "accepted"), oldest)
