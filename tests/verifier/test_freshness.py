"""How old knowledge may be: a site shortens the nation's limits and never lengthens them."""

import json
import math
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from verifier.freshness import (
    DEFAULT_FRESHNESS,
    FRESHNESS_MAX_BYTES,
    Freshness,
    FreshnessError,
    Limits,
    Part,
    SiteLimits,
    encode_freshness,
    parse_freshness,
    state_of,
)

PARTS: tuple[Part, ...] = ("keys", "revocations", "rules")
ORDER = ("fresh", "ageing", "stale")
hours = st.floats(0.001, 720)
limits = st.tuples(hours, hours).map(lambda pair: Limits(*sorted(pair)))
site_limits = st.builds(SiteLimits, st.none() | st.floats(0.001, 1e6), st.none() | st.floats(0.001, 1e6))


def written(**fields: object) -> bytes:
    return json.dumps(json.loads(encode_freshness(DEFAULT_FRESHNESS)) | fields).encode()


def test_the_form_is_the_one_written_down() -> None:
    assert json.loads(encode_freshness(DEFAULT_FRESHNESS)) == {
        "version": 1,
        "offline_max_days": 30,
        "keys": {"ageing_hours": 72, "stale_hours": 336},
        "revocations": {"ageing_hours": 48, "stale_hours": 336},
        "rules": {"ageing_hours": 72, "stale_hours": 336},
    }


@given(st.integers(30, 366), limits, limits, limits)
def test_what_is_encoded_is_read_again(days: int, keys: Limits, revocations: Limits, rules: Limits) -> None:
    freshness = Freshness(offline_max_days=days, keys=keys, revocations=revocations, rules=rules)
    assert parse_freshness(encode_freshness(freshness)) == freshness


@given(st.data())
def test_any_bytes_are_limits_or_a_freshness_error(data: st.DataObject) -> None:
    changed = bytearray(written())
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=3)):
        changed[at] = data.draw(st.integers(0, 255))
    for candidate in (bytes(changed), data.draw(st.binary())):
        try:
            freshness = parse_freshness(candidate)
        except FreshnessError:
            continue
        assert 0 < freshness.keys.ageing_hours <= freshness.keys.stale_hours


def pair(ageing: object, stale: object) -> dict[str, object]:
    return {"ageing_hours": ageing, "stale_hours": stale}


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"offline_max_days": 0},
        {"offline_max_days": 367},
        {"offline_max_days": 13},
        {"offline_max_days": 30.5},
        {"keys": pair(0, 1)},
        {"keys": pair(-1, 1)},
        {"keys": pair(2, 1)},
        {"keys": pair("1", 2)},
        {"keys": {"ageing_hours": 1}},
        {"keys": pair(1, 2) | {"more": 3}},
        {"rules": pair(1, 721)},
        {"revocations": None},
        {"other": 1},
    ],
    ids=str,
)
def test_limits_out_of_bounds(fields: dict[str, object]) -> None:
    with pytest.raises(FreshnessError, match="cannot be read"):
        parse_freshness(written(**fields))


@pytest.mark.parametrize(
    "data", [b"", b"null", b"\xff", b"[" * 100_000, written() + b" " * FRESHNESS_MAX_BYTES], ids=range(5)
)
def test_what_is_no_limits(data: bytes) -> None:
    with pytest.raises(FreshnessError):
        parse_freshness(data)


def test_nothing_is_published_that_would_not_be_read() -> None:
    with pytest.raises(FreshnessError, match="offline_max_days"):
        encode_freshness(replace(DEFAULT_FRESHNESS, offline_max_days=367))


@pytest.mark.parametrize("values", [(0, 1), (2, 1), (math.nan, 1), (1, math.nan), (1, math.inf), (1, 8785)], ids=str)
def test_limits_are_checked_when_they_are_made(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="0 < ageing <= stale"):
        Limits(*values)


@pytest.mark.parametrize("values", [(0, None), (None, 0), (-1, None), (math.nan, None)], ids=str)
def test_a_sites_limits_leave_something(values: tuple[float | None, float | None]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        SiteLimits(*values)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        (SiteLimits(), Limits(72, 336)),
        (SiteLimits(24, 48), Limits(24, 48)),
        (SiteLimits(ageing_hours=24), Limits(24, 336)),
        (SiteLimits(stale_hours=100), Limits(72, 100)),
        (SiteLimits(stale_hours=24), Limits(24, 24)),
        (SiteLimits(1000, 2000), Limits(72, 336)),
        (SiteLimits(1000, 24), Limits(24, 24)),
    ],
    ids=str,
)
def test_a_site_shortens(site: SiteLimits, expected: Limits) -> None:
    shortened = DEFAULT_FRESHNESS.shortened({"keys": site})
    assert shortened == replace(DEFAULT_FRESHNESS, keys=expected)


@given(limits, st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, site_limits)), st.floats(-10, 1000))
def test_no_site_is_ever_surer_than_its_nation(national: Limits, site: dict[str, Any], age_hours: float) -> None:
    freshness = Freshness(offline_max_days=30, keys=national, revocations=national, rules=national)
    shortened = freshness.shortened(cast("dict[Part, SiteLimits]", site))
    age = timedelta(hours=age_hours)
    for part in PARTS:
        of_site = ORDER.index(state_of(age, getattr(shortened, part)))
        assert of_site >= ORDER.index(state_of(age, national))
    assert shortened.offline_max_days == 30


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(-7200, "fresh"), (0, "fresh"), (3600, "fresh"), (3601, "ageing"), (7200, "ageing"), (7201, "stale")],
)
def test_the_state_by_age(seconds: int, state: str) -> None:
    assert state_of(timedelta(seconds=seconds), Limits(1, 2)) == state


@given(limits, st.floats(0, 1000), st.floats(0, 1000))
def test_knowledge_never_gets_younger(held: Limits, one: float, other: float) -> None:
    early, late = sorted((one, other))
    states = [ORDER.index(state_of(timedelta(hours=age), held)) for age in (early, late)]
    assert states == sorted(states)
