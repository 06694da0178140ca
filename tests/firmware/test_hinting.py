"""Hints: what a reader says while nothing reads, shown while a code is waited for, and nothing more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.symbols import Hint
from firmware.checkpoint import STALE_NS
from firmware.events import InternalError
from firmware.hinting import ADVICE, CHANGE_NS, LASTS_NS, code_of
from firmware.lamps import Voice
from firmware.messages import Advised, Hinted
from firmware.signalling import TONES
from tests.firmware.lane import EXPIRED, GOOD, TEXTS, Lane
from tests.firmware.lane_papers import STAFF, lab_test_of, lane_of
from tests.firmware.test_voice import Spoken

GONE = Advised()
HINTS = st.sampled_from([*ADVICE, "no-code"])


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.beat()
    return lane


def hint(lane: Lane, said: Hint, age_s: float = 0.1) -> None:
    lane.gate.receive(Hinted(said, lane.clock.monotonic_ns() - round(age_s * 1e9)))
    lane.gate.turn()


def hold(lane: Lane, said: Hint, seconds: float) -> None:
    """Hold up for so long what does not read: the reader says why twice a second."""
    for _ in range(round(seconds * 2)):
        hint(lane, said)
        lane.wait(0.5)


def advised(lane: Lane) -> list[Advised]:
    return [event for event in lane.told if isinstance(event, Advised)]


def words(said: Hint) -> Advised:
    vi, en = TEXTS[code_of(said)]
    return Advised(said, vi, en)


def test_a_hint_is_told_once_in_both_languages_and_changes_nothing_else(lane: Lane) -> None:
    lane.story.clear()
    hold(lane, "too-far", 3)
    assert advised(lane) == [words("too-far")]
    assert (lane.story, lane.checkins, lane.notes[1:], lane.lamps) == ([], [], [], (False, False))
    assert lane.shown.reason == "ready"


def test_a_hint_goes_when_it_is_not_repeated(lane: Lane) -> None:
    hint(lane, "glare")
    lane.wait(LASTS_NS / 1e9 - 0.25)
    assert advised(lane) == [words("glare")]
    lane.wait(0.25)
    assert advised(lane) == [words("glare"), GONE]
    lane.wait(3)
    assert len(advised(lane)) == 2


def test_nobody_there_any_more_takes_a_hint_back_at_once(lane: Lane) -> None:
    hint(lane, "motion")
    hint(lane, "no-code")
    hint(lane, "no-code")
    assert advised(lane) == [words("motion"), GONE]


def test_an_answer_takes_a_hint_back_and_has_none_beside_it(lane: Lane) -> None:
    hint(lane, "motion")
    lane.see(EXPIRED)
    assert advised(lane)[-1] == GONE
    hint(lane, "motion")
    assert advised(lane)[-1] == GONE
    lane.wait(3.25)
    assert lane.shown.aspect == "ready"
    hint(lane, "motion")
    assert advised(lane)[-1] == words("motion")


def test_the_next_document_has_hints_too() -> None:
    lane = lane_of(STAFF)
    lane.see(lab_test_of())
    assert lane.shown.aspect == "next-document"
    hint(lane, "too-far")
    assert advised(lane) == [words("too-far")]


def test_out_of_service_nothing_is_advised(lane: Lane) -> None:
    lane.beat("no-camera")
    hint(lane, "too-far")
    assert advised(lane) == []


@pytest.mark.parametrize("age_s", [STALE_NS / 1e9 + 0.001, -0.001])
def test_a_hint_of_another_time_is_nothing(lane: Lane, age_s: float) -> None:
    hint(lane, "too-far", age_s)
    assert advised(lane) == []


def test_another_hint_takes_over_as_fast_as_somebody_reads(lane: Lane) -> None:
    hint(lane, "too-far")
    hint(lane, "motion")
    assert advised(lane) == [words("too-far")]
    lane.clock.advance(CHANGE_NS / 1e9)
    hint(lane, "motion")
    assert advised(lane) == [words("too-far"), words("motion")]


@given(st.lists(st.tuples(HINTS, st.floats(0, 0.3)), max_size=60))
def test_whatever_a_reader_says_the_panels_are_told_a_few_times(said: list[tuple[Hint, float]]) -> None:
    lane = Lane(voice=Voice(buzzer := Spoken()))
    lane.beat()
    for one, pause_s in said:
        lane.clock.advance(pause_s)
        lane.beat()
        hint(lane, one)
    seconds = sum(pause_s for _, pause_s in said)
    assert len(advised(lane)) <= 2 * (1 + seconds * 1e9 / CHANGE_NS)
    assert len(buzzer.tones) <= 1 + seconds / 10
    assert (lane.checkins, lane.lamps) == ([], (False, False))


def test_a_flood_reaches_nobody(lane: Lane) -> None:
    for number in range(10_000):
        lane.gate.receive(Hinted(ADVICE[number % len(ADVICE)], lane.clock.monotonic_ns()))
    assert len(advised(lane)) == 1


def test_a_panel_that_breaks_is_logged_and_harms_nobody(lane: Lane) -> None:
    lane.panels_broken = True
    hint(lane, "too-far")
    lane.panels_broken = False
    assert any(isinstance(event, InternalError) for event in lane.logged)
    lane.see(GOOD)
    assert lane.shown.aspect == "accepted"


class TestTick:
    def test_what_stays_for_a_second_is_heard_once(self, lane: Lane) -> None:
        hold(lane, "too-far", 1)
        assert "hint" not in lane.sounds
        hold(lane, "too-far", 60)
        assert lane.sounds.count("hint") == 1

    def test_who_is_read_at_once_hears_nothing_but_the_answer(self, lane: Lane) -> None:
        hold(lane, "motion", 0.5)
        lane.see(GOOD)
        assert lane.sounds == ["accepted"]

    def test_hints_that_come_and_go_are_one_presentation(self, lane: Lane) -> None:
        for said in ADVICE:
            hold(lane, said, 2)
            lane.wait(5)
        assert lane.sounds.count("hint") == 1

    def test_somebody_else_hears_it_again(self, lane: Lane) -> None:
        hold(lane, "too-far", 2)
        lane.wait(12)
        hold(lane, "too-far", 2)
        assert lane.sounds.count("hint") == 2

    def test_after_an_answer_somebody_else_stands_there(self, lane: Lane) -> None:
        hold(lane, "too-far", 2)
        lane.see(EXPIRED)
        lane.wait(3.25)
        hold(lane, "too-far", 2)
        assert lane.sounds.count("hint") == 2

    @pytest.mark.parametrize(("hints", "heard"), [(True, [TONES["hint"]]), (False, [])])
    def test_it_can_be_switched_off(self, *, hints: bool, heard: list[object]) -> None:
        buzzer = Spoken()
        lane = Lane(voice=Voice(buzzer, hints=hints))
        lane.beat()
        hold(lane, "too-far", 2)
        assert buzzer.tones == heard
