"""The load of a morning: how many check-ins a kiosk has, by the minute (pure).

A day of a national fleet is 10 million check-ins in its busiest hour over 100,000 kiosks: 100 an hour for each, and
less around it. Shifts, schools and offices begin between 7 and 8; the curve is that of a turnstile, smoothed.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

PEAK_PER_HOUR = 100.0  # of a kiosk: 10 million an hour over 100,000
PEAK_AT = 0.4  # of the morning's length: 7:36 of 6:00 to 10:00
WIDTH = 0.18
QUIET = 0.15  # of the peak, before and after it


@dataclass(frozen=True, slots=True)
class Morning:
    """Four hours' load in `seconds`; `scale` multiplies a kiosk's rate, so that a short run sees as many check-ins."""

    seconds: float
    scale: float = 1.0

    def rate(self, at_s: float) -> float:
        """Return a kiosk's check-ins a second at a time since the morning's begin."""
        place = at_s / self.seconds
        shape = QUIET + (1 - QUIET) * math.exp(-(((place - PEAK_AT) / WIDTH) ** 2))
        return PEAK_PER_HOUR / 3600 * self.scale * shape

    def arrivals(self, draw: random.Random) -> Iterator[float]:
        """Yield when people come to one kiosk, in seconds since the begin: a Poisson process, by thinning."""
        most = PEAK_PER_HOUR / 3600 * self.scale
        at_s = draw.expovariate(most)
        while at_s < self.seconds:
            if draw.random() * most <= self.rate(at_s):
                yield at_s
            at_s += draw.expovariate(most)
