"""How old knowledge may be: the nation's limits, `freshness.json`, and a site's that only shorten them.

    {"version": 1, "offline_max_days": 30, "keys": {"ageing_hours": 72, "stale_hours": 336},
        "revocations": {"ageing_hours": 48, "stale_hours": 336}, "rules": {"ageing_hours": 72, "stale_hours": 336}}

Up to `ageing_hours` knowledge is fresh; from then on it is ageing, and used with a warning; after `stale_hours` nothing
is judged by it. After `offline_max_days` the clock of a kiosk cannot be told from one that was set forward.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Part = Literal["keys", "revocations", "rules"]
State = Literal["fresh", "ageing", "stale"]

FRESHNESS_MAX_BYTES = 4096  # ours: three pairs of numbers take 200
_OFFLINE_MAX_DAYS = 366  # ours: who comes back after a year is set up anew
_HOURS_A_DAY = 24


class FreshnessError(Exception):
    """Limits of freshness that cannot be used; the text says which part and why."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which age on knowledge is ageing, and stale.

    Raises: ValueError for other than 0 < ageing <= stale.
    """

    ageing_hours: float
    stale_hours: float

    def __post_init__(self) -> None:
        """Check the order."""
        if not 0 < self.ageing_hours <= self.stale_hours <= _OFFLINE_MAX_DAYS * _HOURS_A_DAY:
            raise ValueError(f"hours must be 0 < ageing <= stale <= {_OFFLINE_MAX_DAYS * _HOURS_A_DAY}")


class SiteLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site's own limits; None: the nation's.

    Raises: ValueError where one is not above 0.
    """

    ageing_hours: float | None = None
    stale_hours: float | None = None

    def __post_init__(self) -> None:
        """Check that something remains."""
        if any(hours is not None and not hours > 0 for hours in (self.ageing_hours, self.stale_hours)):
            raise ValueError("hours must be above 0")

    def shortened(self, limits: Limits) -> Limits:
        """Return the shorter of both, each; what is stale is no longer ageing."""
        stale = min(limits.stale_hours, self.stale_hours or limits.stale_hours)
        return Limits(min(limits.ageing_hours, self.ageing_hours or limits.ageing_hours, stale), stale)


class Freshness(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The limits of every part.

    Raises: ValueError where a part would still count after the longest time offline.
    """

    version: Literal[1] = 1
    offline_max_days: Annotated[int, Meta(ge=1, le=_OFFLINE_MAX_DAYS)]
    keys: Limits
    revocations: Limits
    rules: Limits

    def __post_init__(self) -> None:
        """Check what belongs together."""
        longest = max(limits.stale_hours for limits in (self.keys, self.revocations, self.rules))
        if longest > self.offline_max_days * _HOURS_A_DAY:
            raise ValueError(f"stale_hours {longest:g} is longer than offline_max_days {self.offline_max_days}")

    def shortened(self, site: Mapping[Part, SiteLimits]) -> "Freshness":
        """Return the limits at a site: never longer than these."""
        return msgspec.structs.replace(
            self, **{part: limits.shortened(getattr(self, part)) for part, limits in site.items()}
        )


DEFAULT_FRESHNESS = Freshness(
    offline_max_days=30, keys=Limits(72, 336), revocations=Limits(48, 336), rules=Limits(72, 336)
)
"""What a nation begins with: a warning after a weekend, and two weeks without a network."""


def parse_freshness(data: bytes) -> Freshness:
    """Read the nation's limits.

    Raises:
        FreshnessError: They are none, or out of bounds.
    """
    if len(data) > FRESHNESS_MAX_BYTES:
        raise FreshnessError(f"the limits of freshness are larger than {FRESHNESS_MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=Freshness)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FreshnessError(f"the limits of freshness cannot be read: {error}") from None


def encode_freshness(freshness: Freshness) -> bytes:
    """Return the limits' file.

    Raises:
        FreshnessError: A bound is broken.
    """
    data = msgspec.json.encode(freshness)
    parse_freshness(data)
    return data


def state_of(age: timedelta, limits: Limits) -> State:
    """Tell how good knowledge of an age is.

    A negative age, of knowledge issued later than now, is fresh: whether the clock may be believed is asked elsewhere.
    """
    if age > timedelta(hours=limits.stale_hours):
        return "stale"
    return "ageing" if age > timedelta(hours=limits.ageing_hours) else "fresh"
