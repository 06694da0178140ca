"""What a camera exposes for: a code while it is there and a second longer; a glow in the dark; else the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.camera.exposure import Exposure, Limits
from drivers.camera.metering import Meter, brightness_of, glow_of

Luma = NDArray[np.uint8]
LIMITS = Limits(100, 8000, 16)
USED = Exposure(33_000, 2)
BOX = (100, 50, 60, 60)
S = 1_000_000_000


def room(mean: int, glow: int | None = None, box: tuple[int, int, int, int] = BOX) -> Luma:
    luma = np.full((240, 320), mean, np.uint8)
    if glow is not None:
        left, top, width, height = box
        luma[top : top + height, left : left + width] = glow
    return luma


def test_nothing_attended_is_left_to_the_automatic() -> None:
    meter = Meter(LIMITS)
    assert [meter.exposure(room(90), number * S, USED) for number in range(3)] == [None] * 3
    assert meter.box is None


def test_what_is_attended_is_exposed_for_and_for_a_second_longer() -> None:
    meter = Meter(LIMITS)
    meter.attend(BOX)
    assert meter.exposure(room(90, 100), 0, USED) == Exposure(8000, 8.25)
    meter.attend(None)
    assert meter.exposure(room(90, 100), S - 1, USED) is not None
    assert meter.exposure(room(90, 100), S, USED) is None
    meter.attend(BOX)
    assert meter.exposure(room(90, 100), 2 * S, USED) == Exposure(8000, 8.25), "it begins anew"


def test_a_code_that_is_lost_for_a_moment_keeps_its_exposure() -> None:
    meter = Meter(LIMITS)
    told = None
    for number in range(30):
        meter.attend(BOX if number % 3 else None)
        told = meter.exposure(room(20, 190), number * S // 30, told or Exposure(4000, 1))
        assert told == (Exposure(4000, 1) if number else None)


def test_a_box_outside_the_picture_is_nothing_attended() -> None:
    meter = Meter(LIMITS)
    meter.attend((400, 300, 10, 10))
    assert meter.exposure(room(90), 0, USED) is None
    assert meter.box is None


def test_what_glows_is_looked_at_now_and_then_and_ever_more_rarely() -> None:
    meter = Meter(LIMITS)
    looked = [meter.exposure(room(10, 255), number * S // 2, USED) is not None for number in range(120)]
    starts = [number / 2 for number in range(120) if looked[number] and not (number and looked[number - 1])]
    assert starts == [0, 4, 11, 24, 49]
    assert sum(looked) == 2 * len(starts), "a second each"


def test_what_glows_and_holds_a_code_is_attended_from_then_on() -> None:
    meter = Meter(LIMITS)
    assert meter.exposure(room(10, 255), 0, USED) is not None
    meter.attend(BOX)
    assert all(meter.exposure(room(5, 190), number * S, USED) is not None for number in range(1, 30))


def test_a_lamp_that_goes_out_is_forgotten() -> None:
    meter = Meter(LIMITS)
    for number in (0, 4, 11):
        assert meter.exposure(room(10, 255), number * S, USED) is not None
    assert meter.exposure(room(10), 30 * S, USED) is None
    assert meter.exposure(room(10, 255), 31 * S, USED) is not None
    assert meter.exposure(room(10, 255), 32 * S, USED) is None
    assert meter.exposure(room(10, 255), 35 * S, USED) is not None, "three seconds later again"


@pytest.mark.parametrize(
    ("luma", "glows"),
    [
        (room(10, 255), True),
        (room(10, 200), False),
        (room(10), False),
        (room(90, 255), False),
        (room(255), False),
        (room(10, 255, (0, 0, 8, 8)), False),
        (room(10, 255, (0, 0, 320, 200)), False),
        (np.zeros((1, 1), np.uint8), False),
    ],
    ids=["telephone", "not too bright", "dark", "lit room", "all white", "lamp", "most of it", "one pixel"],
)
def test_a_glow_is_overexposed_as_large_as_a_telephone_and_in_the_dark(luma: Luma, *, glows: bool) -> None:
    assert (glow_of(luma) is not None) is glows


def test_a_glow_s_box_is_where_it_is() -> None:
    found = glow_of(room(10, 255))
    assert found is not None
    assert all(abs(seen - true) <= 8 for seen, true in zip(found, BOX, strict=True))


@pytest.mark.parametrize("box", [(-30, -30, 60, 60), (300, 200, 100, 100), BOX, (0, 0, 1, 1), (0, 0, 9999, 9999)])
def test_brightness_is_of_the_part_that_is_in_the_picture(box: tuple[int, int, int, int]) -> None:
    assert brightness_of(room(90), box) == 90


@pytest.mark.parametrize("box", [(-60, 0, 60, 60), (320, 0, 9, 9), (5, 5, 0, 9), (5, 5, 9, -20), (10**9, 0, 9, 9)])
def test_brightness_of_nothing_is_none(box: tuple[int, int, int, int]) -> None:
    assert brightness_of(room(90), box) is None


def test_brightness_is_that_of_a_code_s_white() -> None:
    code = np.random.default_rng(1).choice(np.array([30, 200], np.uint8), (100, 100))
    assert brightness_of(code, (0, 0, 100, 100)) == 200


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.tuples(*[st.integers(-400, 700)] * 4)),
            st.integers(0, 255),
            st.one_of(st.none(), st.tuples(st.floats(1, 1e6), st.floats(0.1, 64)).map(lambda told: Exposure(*told))),
            st.integers(0, S),
        ),
        max_size=40,
    )
)
def test_no_scene_no_box_and_no_lie_drives_exposure_out_of_its_bounds(
    frames: list[tuple[tuple[int, int, int, int] | None, int, Exposure | None, int]],
) -> None:
    meter, at_ns = Meter(LIMITS), 0
    for box, bright, used, passed_ns in frames:
        at_ns += passed_ns
        meter.attend(box)
        told = meter.exposure(room(10, bright), at_ns, used)
        assert told is None or (100 <= told.time_us <= 8000 and 1 <= told.gain <= 16)
    meter.attend(None)
    meter.exposure(room(90), at_ns, None)
    assert meter.exposure(room(90), at_ns + S, None) is None, "the automatic has it again"
