import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.signal.output import check_tone
from firmware.messages import Aspect
from firmware.signalling import (
    AMBER,
    DARK,
    GREEN,
    PATTERNS,
    RED,
    TONES,
    WITH_AMBER,
    Light,
    lamps_at,
    next_change_ns,
)

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


def test_the_next_document_is_two_quick_red_flashes_and_a_pause_and_never_green() -> None:
    light = Light("next-document", 0, 30_000 * MS)
    lit = [at for at in range(0, 3_000, 50) if lamps_at(light, at * MS) == RED]
    assert lit == [0, 50, 100, 300, 350, 400, 1_500, 1_550, 1_600, 1_800, 1_850, 1_900]
    assert not any(step.lamps.green for step in PATTERNS["next-document"])


def test_attendance_is_two_short_flashes_of_green_and_dark_after_them() -> None:
    light = Light("attendance", 70, 3_000 * MS)
    shown = [lamps_at(light, 70 + at * MS) for at in (0, 199, 200, 399, 400, 599, 600, 2_900)]
    assert shown == [GREEN, GREEN, DARK, DARK, GREEN, GREEN, DARK, DARK]
    assert next_change_ns(light, 70 + 500 * MS) == 70 + 600 * MS  # to where a flash has its lease
    assert next_change_ns(light, 70 + 700 * MS) == 3_000 * MS


@pytest.mark.parametrize(
    ("aspect", "lit"), [("undecided", [0, 400, 500, 900]), ("next-document", [0, 400]), ("out-of-service", [0])]
)
def test_a_third_lamp_shows_amber_what_is_red_without_it(aspect: Aspect, lit: list[int]) -> None:
    light = Light(aspect, 0)
    times = (0, 400, 500, 900, 2_900) if aspect == "out-of-service" else (0, 400, 500, 900)
    assert [at for at in times if lamps_at(light, at * MS, has_amber=True) == AMBER] == lit
    assert {lamps_at(light, at * MS, has_amber=True) for at in times} <= {AMBER, DARK}
    assert RED in {lamps_at(light, at * MS) for at in times}
    assert next_change_ns(Light("undecided", 0), 0, has_amber=True) is None


def test_a_device_that_is_looked_for_flashes_twice_a_second_and_sounds_like_no_answer() -> None:
    light = Light("identify", 0, 10_000 * MS)
    lit = [at for at in range(0, 2_000, 50) if lamps_at(light, at * MS) == RED]
    assert lit == [0, 50, 200, 250, 1_000, 1_050, 1_200, 1_250]
    long, short = TONES["identify"]
    assert long[0] > 3 * short[0]


def test_a_light_that_ends_amid_a_flash_wakes_at_its_end() -> None:
    assert next_change_ns(Light("undecided", 0, 700 * MS), 600 * MS) == 700 * MS


@given(LIGHTS, st.integers(0, 10**12), st.booleans())
def test_green_is_only_an_accepted_pass_or_attendance_within_its_time(
    light: Light,
    later_ns: int,
    has_amber: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    now_ns = light.since_ns + later_ns
    lamps = lamps_at(light, now_ns, has_amber=has_amber)
    ended = light.until_ns is not None and now_ns >= light.until_ns
    flash = light.aspect == "attendance" and later_ns < 600 * MS and not 200 * MS <= later_ns < 400 * MS
    assert lamps.green == ((light.aspect == "accepted" or flash) and not ended)
    assert not lamps.amber or (has_amber and light.aspect in WITH_AMBER)
    assert not ended or lamps == DARK


@given(LIGHTS, st.integers(0, 10**12), st.booleans())
def test_lamps_stay_until_the_next_change(
    light: Light,
    later_ns: int,
    has_amber: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    now_ns = light.since_ns + later_ns
    change_ns = next_change_ns(light, now_ns, has_amber=has_amber)
    assert change_ns is None or change_ns > now_ns
    last_ns = change_ns - 1 if change_ns else now_ns + 10**10
    assert lamps_at(light, now_ns, has_amber=has_amber) == lamps_at(light, last_ns, has_amber=has_amber)


def test_an_answer_is_heard_by_how_many_beeps_it_has() -> None:
    answers = {aspect: TONES[aspect] for aspect in ("accepted", "refused", "undecided")}
    assert {aspect: len(tone) for aspect, tone in answers.items()} == {"accepted": 1, "refused": 2, "undecided": 3}
    (once,) = TONES["attendance"]
    assert 5 * once[0] < answers["accepted"][0][0]
    first, second = TONES["next-document"]  # it rises, as that of a device that is looked for falls
    assert 3 * first[0] < second[0]
    shortest = {aspect: min(on_s for on_s, _ in tone) for aspect, tone in answers.items()}
    assert shortest["accepted"] > 2 * shortest["refused"] > 2 * shortest["undecided"]
    for tone in TONES.values():
        check_tone(tone)
        assert sum(on_s + off_s for on_s, off_s in tone) < 1.0  # over before the next one comes
