"""What may come in floods, and fills neither disk nor log (pure)."""

from collections.abc import Callable

_S = 1_000_000_000  # nanoseconds


class Seldom:
    """Say that something happened: the first time at once, then how often, at most once in `every_ns` (a second)."""

    def __init__(self, say: Callable[[int], None], monotonic_ns: Callable[[], int], every_ns: int = _S) -> None:
        """Hand each count to `say`."""
        self._say = say
        self._every_ns = every_ns
        self._monotonic_ns = monotonic_ns
        self._count = 0
        self._due_ns = 0

    def happened(self) -> None:
        """Count one more."""
        self._count += 1
        self.turn()

    def turn(self) -> None:
        """Say what was counted, if that is due."""
        now_ns = self._monotonic_ns()
        if self._count and now_ns >= self._due_ns:
            count, self._count = self._count, 0
            self._due_ns = now_ns + self._every_ns
            self._say(count)


class Allowance:
    """So many at once, then one a second (a token bucket)."""

    def __init__(self, most: int) -> None:
        """Begin with `most`, and never hold more."""
        self._most = most
        self._left = float(most)
        self._counted_ns = 0

    def take(self, now_ns: int) -> bool:
        """Take one at a time (monotonic); return whether there was one."""
        self._left = min(self._most, self._left + (now_ns - self._counted_ns) / _S)
        self._counted_ns = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
