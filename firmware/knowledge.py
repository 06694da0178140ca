"""How old is what a device knows, and may it still judge by it? (pure).

All of a store is as old as the timestamp that vouches for it, and each part has limits of its own: fresh, then ageing,
which goes on with a warning, then stale, which is undecided.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from firmware.config_sections import TrustConfig
from verifier.freshness import Freshness, Part, SiteLimits, State, state_of
from verifier.rule_file import RuleFile

StaleReason = Literal["keys-stale", "revocations-stale", "rules-stale"]
_REASONS: dict[Part, StaleReason] = {  # in the order in which they are told
    "keys": "keys-stale",
    "revocations": "revocations-stale",
    "rules": "rules-stale",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a store says of itself: when its timestamp was signed (UTC), its number, its limits, the rules in it."""

    issued: datetime
    version: int
    freshness: Freshness
    rules: tuple[RuleFile, ...] = ()

    @property
    def offline_max(self) -> timedelta:
        """Return how long a device may do without newer trust data."""
        return timedelta(days=self.freshness.offline_max_days)

    def age(self, now: datetime) -> timedelta:
        """Return how old it is; what is issued in the future is new."""
        return max(timedelta(0), now - self.issued)

    def states(self, now: datetime) -> dict[Part, State]:
        """Return how fresh each part is that there is: without rule files none can be stale."""
        parts: tuple[Part, ...] = ("keys", "revocations", "rules") if self.rules else ("keys", "revocations")
        return {part: state_of(self.age(now), getattr(self.freshness, part)) for part in parts}

    def stale(self, now: datetime) -> StaleReason | None:
        """Return why nothing may be judged by it any more, None where it may."""
        states = self.states(now)
        return next((reason for part, reason in _REASONS.items() if states.get(part) == "stale"), None)

    def shortened(self, site: TrustConfig) -> "Knowledge":
        """Return it with a site's own limits, where these are shorter than the nation's."""
        limits: dict[Part, SiteLimits] = {
            "keys": SiteLimits(site.keys_ageing_hours, site.keys_stale_hours),
            "revocations": SiteLimits(site.revocations_ageing_hours, site.revocations_stale_hours),
            "rules": SiteLimits(site.rules_ageing_hours, site.rules_stale_hours),
        }
        return replace(self, freshness=self.freshness.shortened(limits))
