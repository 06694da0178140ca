"""Check-ins to test with: made by number, so that each is different and known again."""

from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import strategies as st

from firmware.checkin import MAX_AT_MS, CheckIn, new_id

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def checkin(number: int, *, at_ms: int | None = None) -> CheckIn:
    at = START_MS + number * 1000 if at_ms is None else at_ms
    return CheckIn(
        id=new_id(at, number.to_bytes),
        at_ms=at,
        clock_trusted=True,
        lane="Cổng số 1",
        direction="in",
        verdict="accepted",
        reason="valid",
        kinds=("vaccination",),
        pseudonym=number.to_bytes(16),
    )


def drawing(drawn: bytes) -> Callable[[int], bytes]:
    return lambda _: drawn


codes = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,7}){0,2}", fullmatch=True)
ids = st.builds(new_id, st.integers(0, MAX_AT_MS), st.binary(min_size=10, max_size=10).map(drawing))
lanes = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=64)
checkins = st.builds(
    CheckIn,
    id=ids,
    at_ms=st.integers(0, MAX_AT_MS),
    clock_trusted=st.booleans(),
    lane=lanes,
    direction=st.sampled_from(["in", "out", "test"]),
    verdict=st.sampled_from(["accepted", "refused", "undecided"]),
    reason=codes,
    kinds=st.lists(codes, max_size=8).map(tuple),
    pseudonym=st.none() | st.binary(min_size=16, max_size=16),
)


def longest(number: int = 1) -> CheckIn:
    """Return the longest check-in that there can be, of bytes that do not compress."""
    return CheckIn(
        id=new_id(MAX_AT_MS, lambda count: b"\xff" * count),
        at_ms=MAX_AT_MS,
        clock_trusted=True,
        lane="".join(chr(0x1F300 + (number * 31 + place * 17) % 500) for place in range(64)),
        direction="out",
        verdict="undecided",
        reason="r" * 48,
        kinds=("k" * 24,) * 8,
        pseudonym=number.to_bytes(16),
    )
