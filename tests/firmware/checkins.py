"""Check-ins to test with: made by number, so that each is different and known again."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from firmware.checkin import (
    CLOCKS,
    DIRECTIONS,
    MAX_AT_MS,
    MAX_DETAILS_BYTES,
    VERDICTS,
    CheckIn,
    RecordType,
    new_id,
)

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def checkin(number: int, *, at_ms: int | None = None) -> CheckIn:
    at = START_MS + number * 1000 if at_ms is None else at_ms
    return CheckIn(
        id=new_id(at, number.to_bytes),
        at_ms=at,
        clock="synchronised",
        lane="Cổng số 1",
        direction="in",
        verdict="accepted",
        reason="valid",
        kinds=("vaccination",),
        pseudonym=number.to_bytes(16),
    )


def after(number: int, kind: RecordType, about: CheckIn) -> CheckIn:
    """Return the record of what came of a check-in: a passage, or staff who let its holder pass."""
    override = kind == "override"
    return replace(
        checkin(number),
        type=kind,
        verdict="accepted" if override else about.verdict,
        reason="staff-override" if override else "passed",
        kinds=(),
        pseudonym=None,
        about=about.id,
    )


def detailed(number: int, details_bytes: int = 200) -> CheckIn:
    """Return a check-in with sealed details, of bytes that do not compress."""
    sealed = hashlib.shake_256(number.to_bytes(16)).digest(details_bytes)
    return replace(checkin(number), details=sealed)


def drawing(drawn: bytes) -> Callable[[int], bytes]:
    return lambda _: drawn


codes = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,7}){0,2}", fullmatch=True)
ids = st.builds(new_id, st.integers(0, MAX_AT_MS), st.binary(min_size=10, max_size=10).map(drawing))
lanes = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=64)
_same = {
    "id": ids,
    "at_ms": st.integers(0, MAX_AT_MS),
    "clock": st.sampled_from(CLOCKS),
    "lane": lanes,
    "direction": st.sampled_from(DIRECTIONS),
    "profile": codes,
    "verdict": st.sampled_from(VERDICTS),
    "reason": codes,
    "kinds": st.lists(codes, max_size=8).map(tuple),
    "pseudonym": st.none() | st.binary(min_size=16, max_size=16),
    "details": st.none() | st.binary(min_size=1, max_size=MAX_DETAILS_BYTES),
}
checkins = st.builds(CheckIn, **_same) | st.builds(
    CheckIn, type=st.sampled_from(["passage", "override"]), about=ids, **_same
)


def longest(number: int = 1) -> CheckIn:
    """Return the longest check-in that there can be, of bytes that do not compress."""
    return CheckIn(
        type="override",
        id=new_id(MAX_AT_MS, lambda count: b"\xff" * count),
        at_ms=MAX_AT_MS,
        clock="synchronised",
        lane="".join(chr(0x1F300 + (number * 31 + place * 17) % 500) for place in range(64)),
        direction="out",
        profile="p" * 48,
        verdict="undecided",
        reason="r" * 48,
        kinds=("k" * 24,) * 8,
        pseudonym=number.to_bytes(16),
        details=hashlib.shake_256(number.to_bytes(16)).digest(MAX_DETAILS_BYTES),
        about=new_id(MAX_AT_MS, lambda count: b"\xfe" * count),
    )
