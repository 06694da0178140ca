"""Of whom a contact speaks: neither the staff's button nor a passage sensor knows a pass (pure)."""

from collections import deque
from typing import NamedTuple

from firmware.checkin import CheckIn
from firmware.session import Key
from firmware.signalling import Light

AFTER_NS = 10_000_000_000  # a person acts on a light, and walks through, up to so long after it
PENDING_MAX = 16  # ours: green lights within the longest time that one counts; bounds memory


class Answer(NamedTuple):
    """A recorded answer, the session's keys of what was shown, and when a contact may speak of it."""

    checkin: CheckIn
    keys: tuple[Key, ...]
    since_ns: int
    until_ns: int

    def covers(self, at_ns: int) -> bool:
        """Return whether a contact that closed at a time (monotonic) may speak of it."""
        return self.since_ns <= at_ns <= self.until_ns


class Attended:
    """The answer that staff may override, and those whose holders have not passed yet."""

    def __init__(self) -> None:
        """Begin without any."""
        self._refused: Answer | None = None
        self._free: deque[Answer] = deque(maxlen=PENDING_MAX)

    def answered(self, light: Light, checkin: CheckIn | None, keys: tuple[Key, ...]) -> None:
        """Take a new answer and its light; without a record nobody can speak of it, nor of the refused one before.

        Who was recorded as present may pass as who was accepted.
        """
        self._refused = None
        if checkin is None or light.until_ns is None:
            return
        answer = Answer(checkin, keys, light.since_ns, light.until_ns + AFTER_NS)
        if light.aspect in ("accepted", "attendance"):
            self._free.append(answer)
        else:
            self._refused = answer

    def refused(self, at_ns: int) -> Answer | None:
        """Return the answer that the staff's button speaks of when pressed at a time (monotonic).

        A press from before its light was meant for the person before, and is nobody's.
        """
        return self._refused if self._refused is not None and self._refused.covers(at_ns) else None

    def passing(self, at_ns: int) -> CheckIn | None:
        """Return whose passage a sensor saw at a time (monotonic), and await it no more; None: nobody's who may.

        People pass in the order of their lights.
        """
        while self._free and self._free[0].until_ns < at_ns:
            self._free.popleft()
        if not self._free or not self._free[0].covers(at_ns):
            return None
        return self._free.popleft().checkin
