import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.signal.output import check_tone
from firmware.messages import Aspect
from firmware.signalling import DARK, GREEN, PATTERNS, RED, TONES, Light, lamps_at, next_change_ns

MS = 1_000_000
LIGHTS = st.builds(Light, st.sampled_from(sorted(PATTERNS)), st.integers(0, 10**12), st.none() | st.integers(0, 10**12))


@pytest.mark.parametrize("aspect", ["ready", "accepted", "refused"])
def test_a_steady_aspect_does_not_change_before_its_end(aspect: Aspect) -> None:
    light = Light(aspect, 0, 3_000 * MS)
    assert {lamps_at(light, at * MS) for at in range(0, 3_000, 50)} == {
        {"ready": DARK, "accepted": GREEN, "refused": RED}[aspect]
    }
    assert next_change_ns(light, 5) == 3_000 * MS
    assert next_change_ns(Light(aspect, 0), 5) is None


def test_undecided_flashes_slowly() -> None:
    light = Light("undecided", 100)
    assert [lamps_at(light, 100 + at * MS) for at in (0, 499, 500, 999, 1_000)] == [RED, RED, DARK, DARK, RED]
    assert next_change_ns(light, 100 + 600 * MS) == 100 + 1_000 * MS


def test_out_of_service_is_a_short_flash_every_three_seconds() -> None:
    light = Light("out-of-service", 0)
    assert [lamps_at(light, at * MS) for at in (0, 149, 150, 2_999, 3_000)] == [RED, RED, DARK, DARK, RED]
    assert next_change_ns(light, 3_000 * MS) == 3_150 * MS


def test_a_device_that_is_looked_for_flashes_twice_a_second_and_sounds_like_no_answer() -> None:
    light = Light("identify", 0, 10_000 * MS)
    lit = [at for at in range(0, 2_000, 50) if lamps_at(light, at * MS) == RED]
    assert lit == [0, 50, 200, 250, 1_000, 1_050, 1_200, 1_250]
    long, short = TONES["identify"]
    assert long[0] > 3 * short[0]


def test_a_light_that_ends_amid_a_flash_wakes_at_its_end() -> None:
    assert next_change_ns(Light("undecided", 0, 700 * MS), 600 * MS) == 700 * MS


@given(LIGHTS, st.integers(0, 10**12))
def test_green_is_only_an_accepted_pass_within_its_time(light: Light, later_ns: int) -> None:
    now_ns = light.since_ns + later_ns
    lamps = lamps_at(light, now_ns)
    ended = light.until_ns is not None and now_ns >= light.until_ns
    assert lamps.green == (light.aspect == "accepted" and not ended)
    assert not ended or lamps == DARK


@given(LIGHTS, st.integers(0, 10**12))
def test_lamps_stay_until_the_next_change(light: Light, later_ns: int) -> None:
    now_ns = light.since_ns + later_ns
    change_ns = next_change_ns(light, now_ns)
    assert change_ns is None or change_ns > now_ns
    last_ns = change_ns - 1 if change_ns else now_ns + 10**10
    assert lamps_at(light, now_ns) == lamps_at(light, last_ns)


def test_an_answer_is_heard_by_how_many_beeps_it_has() -> None:
    answers = {aspect: tone for aspect, tone in TONES.items() if aspect != "identify"}
    assert {aspect: len(tone) for aspect, tone in answers.items()} == {"accepted": 1, "refused": 2, "undecided": 3}
    shortest = {aspect: min(on_s for on_s, _ in tone) for aspect, tone in answers.items()}
    assert shortest["accepted"] > 2 * shortest["refused"] > 2 * shortest["undecided"]
    for tone in TONES.values():
        check_tone(tone)
        assert sum(on_s + off_s for on_s, off_s in tone) < 1.0  # over before the next one comes
