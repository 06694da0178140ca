"""How old knowledge is, and when it may not be judged by any more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.config_sections import TrustConfig
from firmware.knowledge import Knowledge
from verifier.freshness import Freshness, Limits
from verifier.rule_file import NATION, RuleFile, Scope

ISSUED = datetime(2026, 11, 20, 8, tzinfo=UTC)
LIMITS = Freshness(offline_max_days=30, keys=Limits(24, 96), revocations=Limits(24, 72), rules=Limits(24, 48))
RULE = RuleFile("rule", NATION, "VN-1", 1, ISSUED, None, Scope(), {})
KNOWN = Knowledge(ISSUED, 7, LIMITS, (RULE,))
WITHOUT_RULES = Knowledge(ISSUED, 7, LIMITS)


def after(hours: float) -> datetime:
    return ISSUED + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("known", "hours", "reason"),
    [
        (KNOWN, 48, None),
        (KNOWN, 48.1, "rules-stale"),
        (WITHOUT_RULES, 48.1, None),
        (WITHOUT_RULES, 72.1, "revocations-stale"),
        (KNOWN, 72.1, "revocations-stale"),
        (KNOWN, 96.1, "keys-stale"),
        (KNOWN, -10, None),
    ],
)
def test_the_first_part_that_is_stale_is_the_reason(known: Knowledge, hours: float, reason: str | None) -> None:
    assert known.stale(after(hours)) == reason


def test_every_part_that_there_is_has_its_state() -> None:
    assert KNOWN.states(after(72.1)) == {"keys": "ageing", "revocations": "stale", "rules": "stale"}
    assert WITHOUT_RULES.states(after(1)) == {"keys": "fresh", "revocations": "fresh"}


def test_what_is_issued_later_than_now_is_new() -> None:
    assert KNOWN.age(after(-1)) == timedelta(0)
    assert KNOWN.age(after(3)) == timedelta(hours=3)
    assert KNOWN.offline_max == timedelta(days=30)


def test_a_site_shortens_the_nation_s_limits_and_never_lengthens_them(tmp_path: Path) -> None:
    site = TrustConfig(
        folder=tmp_path,
        keys_ageing_hours=500,
        keys_stale_hours=500,
        revocations_stale_hours=12,
        rules_ageing_hours=6,
    )
    limits = KNOWN.shortened(site).freshness
    assert limits.keys == LIMITS.keys
    assert limits.revocations == Limits(12, 12)
    assert limits.rules == Limits(6, 48)
    assert limits.offline_max_days == 30
