"""When a hint goes to the gate, and a region to the camera."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.symbols import Hint
from drivers.symbols.region import Region
from firmware.reader_hints import AGAIN_NS, ATTEND_NS, SETTLES_NS, Attention, Hinting

FRAME_NS = 66_000_000
HINTS: list[Hint] = ["too-far", "motion", "no-code"]


def told(hints: list[Hint | None]) -> list[tuple[int, Hint]]:
    """Show a frame of each hint; return which frames had one told."""
    hinting = Hinting()
    due = [(number, hinting.due(hint, number * FRAME_NS)) for number, hint in enumerate(hints)]
    return [(number, hint) for number, hint in due if hint]


def test_a_hint_is_told_once_it_has_settled_and_again_while_it_stays() -> None:
    assert told(["motion"] * 16) == [(7, "motion"), (15, "motion")]


def test_a_frame_that_reads_starts_all_over() -> None:
    moved: list[Hint | None] = ["motion"] * 7
    assert told([*moved[:6], None, *moved]) == []


def test_one_frame_of_another_hint_changes_nothing() -> None:
    assert told(["motion", "motion", "too-far", *["motion"] * 5]) == [(7, "motion")]


def test_hints_that_differ_from_frame_to_frame_are_not_told() -> None:
    assert told(["motion", "too-far"] * 12) == []


def test_another_hint_is_told_as_soon_as_most_frames_have_it() -> None:
    assert told([*["motion"] * 8, *["too-far"] * 7])[1] == (12, "too-far")


@given(st.lists(st.one_of(st.none(), st.sampled_from(HINTS)), max_size=80))
def test_nothing_is_told_soon_after_a_reading_nor_too_often(hints: list[Hint | None]) -> None:
    frames = told(hints)
    for number, hint in frames:
        recent = hints[max(0, number - SETTLES_NS // FRAME_NS) : number + 1]
        assert None not in recent
        assert hint in recent
    for (one, hint), (next_one, next_hint) in pairwise(frames):
        assert hint != next_hint or (next_one - one) * FRAME_NS >= AGAIN_NS


def test_a_camera_is_told_of_a_change_and_not_too_often() -> None:
    attention, here, there = Attention(), Region(1, 2, 3, 4, 9.0), Region(5, 2, 3, 4, 9.0)
    assert not attention.due(None, 0)
    assert attention.due(here, 0)
    assert attention.box == (1, 2, 3, 4)
    assert not attention.due(here._replace(score=1.0), ATTEND_NS)
    assert attention.due(there, ATTEND_NS)
    assert not attention.due(None, 2 * ATTEND_NS - 1)
    assert attention.due(None, 2 * ATTEND_NS)
    assert attention.box is None


@pytest.mark.parametrize("hint", HINTS)
def test_frames_of_a_very_fast_camera_are_bounded(hint: Hint) -> None:
    hinting = Hinting()
    assert [hinting.due(hint, number * 1_000_000) for number in range(401)][-1] == hint
