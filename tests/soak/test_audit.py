"""The audit finds each wrong that a soak is run to find."""

from dataclasses import replace

import pytest

from centre.collecting.store import Entry
from drivers.signal.simulated import Lamps
from firmware.checkin import CheckIn, new_id, to_row
from firmware.messages import VerdictName
from tests.soak.audit import Evidence, audit

WALL_MS = 1_780_000_000_000
WALL_NS = WALL_MS * 1_000_000
MS = 1_000_000
LEASE_S = 0.4


def lamps(at_ms: int, *, green: bool = False) -> Lamps:
    return Lamps(at_ms * MS, red=False, green=green, lease_s=LEASE_S if green else 0.0, by="show")


def entry(seq: int, at_ms: int, verdict: VerdictName = "accepted", reason: str = "x") -> Entry:
    at_ms += WALL_MS
    checkin = CheckIn(
        id=new_id(at_ms),
        at_ms=at_ms,
        clock="synchronised",
        lane="1",
        direction="in",
        verdict=verdict,
        reason=reason,
        kinds=(),
        pseudonym=None,
    )
    return Entry("gate-1", bytes(8), seq, to_row(checkin), at_ms)


def lit(entry_: Entry, at_ms: int, lease_s: float = LEASE_S) -> dict[str, object]:
    return {"t_ns": at_ms * MS, "checkin": str(entry_.checkin.id), "lease_s": lease_s}


@pytest.fixture
def sound() -> Evidence:
    """Two lights, each recorded 3 ms before and logged 1 ms after."""
    entries = [entry(1, 997), entry(2, 1997)]
    history = [lamps(0), lamps(1000, green=True), lamps(1400), lamps(2000, green=True), lamps(2400)]
    return Evidence(history, [lit(entries[0], 1001), lit(entries[1], 2001)], entries, WALL_NS)


def test_a_sound_run(sound: Evidence) -> None:
    found = audit(sound)
    assert (found.failures, found.lights, found.unlogged) == ([], 2, 0)
    assert found.over_s == pytest.approx(0, abs=1e-6)


def test_a_light_whose_log_line_was_lost_is_found_by_its_time(sound: Evidence) -> None:
    for left in (sound.lit[:1], sound.lit[1:]):
        found = audit(replace(sound, lit=left))
        assert (found.failures, found.unlogged) == ([], 1)
    assert audit(replace(sound, lit=[])).failures == []


def test_a_record_without_a_light_is_no_wrong(sound: Evidence) -> None:
    killed = [sound.entries[0], entry(2, 1500), replace_seq(sound.entries[1], 3)]
    assert audit(replace(sound, entries=killed)).failures == []
    assert audit(replace(sound, entries=killed, lit=[])).failures == []


def test_a_passage_is_no_light(sound: Evidence) -> None:
    lit_one = sound.entries[0].checkin
    passage = replace(entry(3, 1200).checkin, type="passage", about=lit_one.id, reason="passed")
    entries = [*sound.entries, Entry("gate-1", bytes(8), 3, to_row(passage), lit_one.at_ms)]
    assert audit(replace(sound, entries=entries, lit=[])).failures == []


def replace_seq(known: Entry, seq: int) -> Entry:
    return known._replace(seq=seq)


def flashes(at_ms: int) -> list[Lamps]:
    """Return what the lamps show of one recorded attendance."""
    lit_, again = (replace(lamps(at, green=True), lease_s=0.2) for at in (at_ms, at_ms + 400))
    return [lit_, lamps(at_ms + 200), again, lamps(at_ms + 600)]


@pytest.mark.parametrize("verdict", ["accepted", "undecided"])
def test_two_flashes_are_one_recorded_attendance(sound: Evidence, verdict: VerdictName) -> None:
    attended = [entry(seq, at_ms, verdict, "attendance") for seq, at_ms in ((1, 997), (2, 3997))]
    history = [*flashes(1000), *flashes(4000)]
    for logged in ([lit(attended[0], 1001, 0.2), lit(attended[1], 4001, 0.2)], []):
        found = audit(replace(sound, history=history, lit=logged, entries=attended))
        assert (found.failures, found.lights) == ([], 2)
    (failure,) = audit(replace(sound, history=history, lit=[], entries=attended[:1])).failures
    assert "was lit 2 times" in failure


def test_a_third_flash_is_a_light_of_its_own(sound: Evidence) -> None:
    history = [*flashes(1000), replace(lamps(1800, green=True), lease_s=0.2), lamps(2000)]
    (failure,) = audit(replace(sound, history=history, lit=[], entries=[entry(1, 997, reason="attendance")])).failures
    assert "was lit 2 times" in failure


def test_a_light_without_a_record(sound: Evidence) -> None:
    (failure,) = audit(replace(sound, entries=sound.entries[:1], lit=sound.lit[:1])).failures
    assert "the light at 2000000000 has no accepted check-in" in failure


def test_a_light_whose_logged_record_never_came(sound: Evidence) -> None:
    failures = audit(replace(sound, entries=sound.entries[1:])).failures
    assert any("was lit and is not at the centre" in failure for failure in failures)
    assert any("the light at 1000000000 has no accepted check-in" in failure for failure in failures)


def test_a_green_light_on_a_refused_record(sound: Evidence) -> None:
    refused = [entry(1, 997, "refused"), sound.entries[1]]
    (failure,) = audit(replace(sound, entries=refused, lit=sound.lit[1:])).failures
    assert "has no accepted check-in" in failure


def test_a_light_before_its_record(sound: Evidence) -> None:
    late = [sound.entries[0], entry(2, 2300)]
    (failure,) = audit(replace(sound, entries=late, lit=[sound.lit[0], lit(late[1], 2001)])).failures
    assert "came before its check-in" in failure


def test_a_record_stored_twice(sound: Evidence) -> None:
    (failure,) = audit(replace(sound, entries=[*sound.entries, replace_seq(sound.entries[0], 3)])).failures
    assert "is stored 2 times" in failure


def test_a_record_lit_twice(sound: Evidence) -> None:
    twice = [lit(sound.entries[0], 1001), lit(sound.entries[0], 2001)]
    assert any("was lit 2 times" in failure for failure in audit(replace(sound, lit=twice)).failures)


def test_a_log_line_without_a_light(sound: Evidence) -> None:
    for at_ms in (500, 1300, 2900):
        more = [*sound.lit, lit(sound.entries[0], at_ms)]
        assert any("and no lamp was" in failure for failure in audit(replace(sound, lit=more)).failures)
    red = [*sound.lit, lit(sound.entries[0], 500, 0.0)]  # a red light has no lease, and no green lamp
    assert audit(replace(sound, lit=red)).failures == []


def test_a_light_past_its_lease(sound: Evidence) -> None:
    history = sound.history
    history[2] = lamps(3390)
    history[3:] = [lamps(5000, green=True), lamps(7401)]
    found = audit(replace(sound, history=history, lit=[sound.lit[0], lit(sound.entries[1], 5001)]))
    (failure,) = found.failures
    assert "the light at 5000000000 was green 2.00 s past its lease" in failure
    assert found.over_s == pytest.approx(2.001)


def test_a_light_that_never_ends(sound: Evidence) -> None:
    (failure,) = audit(replace(sound, history=sound.history[:-1])).failures
    assert "never went dark" in failure


def test_another_light_ends_a_lease_with_one_of_its_own(sound: Evidence) -> None:
    history = [lamps(1000, green=True), lamps(2000, green=True), lamps(2400)]
    assert audit(replace(sound, history=history)).failures == []
