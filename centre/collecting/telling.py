"""What is told of messages refused, so that who floods the centre does not flood its log, too."""

from collections import Counter
from collections.abc import Callable

from centre.collecting.events import BatchRefused, Event

AGAIN_S = 60.0  # ours: a code is told so often at most
TOPIC_MAX_CHARS = 64


class Refusals:
    """Tell the first refusal of a code at once, and then how many there were, once a minute at most."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report
        self._told_s: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def tell(self, topic: str, code: str, why: str, now_s: float) -> None:
        """Take one more; `now_s` is of a clock that never runs backward."""
        self._untold[code] += 1
        told_s = self._told_s.get(code)
        if told_s is None or now_s - told_s >= AGAIN_S:
            self._told_s[code] = now_s
            self._report(BatchRefused(_shown(topic), code, why, self._untold.pop(code)))


def _shown(topic: str) -> str:
    """Return a topic as it may be logged: bounded, and nothing but printable ASCII."""
    return ascii(topic[:TOPIC_MAX_CHARS])[1:-1]
