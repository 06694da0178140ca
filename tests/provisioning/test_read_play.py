"""Frames in their time: when each is read, which are dropped, and on whose line a rescue is told."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.clock.simulated import SimulatedClock
from drivers.errors import DeviceError
from drivers.symbols.pictures import PictureError
from provisioning.read_ahead import AHEAD_MAX, AHEAD_MAX_BYTES, Ahead, Picture
from provisioning.read_line import Answer, Fault
from provisioning.read_play import Player
from tests.provisioning.readers import ScriptedReader, new_clock, seen

FPS = 10.0
LAST_WAIT_S = 0.5
FRAME = np.zeros((4, 4), np.uint8)


def frames(count: int, load: Callable[[int], NDArray[np.uint8] | DeviceError] = lambda _: FRAME) -> list[Picture]:
    return [(f"{number}.png", partial(load, number)) for number in range(count)]


def played(reader: ScriptedReader, pictures: list[Picture], *, newest: bool = True) -> list[Answer | Fault]:
    clock = reader.clock
    player = Player(reader, clock, clock.advance, FPS, keeps_newest=newest, last_wait_s=LAST_WAIT_S)
    return list(player.play(Ahead(pictures, clock)))


def answers(reader: ScriptedReader, pictures: list[Picture], *, newest: bool = True) -> list[Answer]:
    told = played(reader, pictures, newest=newest)
    assert all(isinstance(one, Answer) for one in told)
    return [one for one in told if isinstance(one, Answer)]


def texts(told: list[Answer]) -> list[list[str]]:
    return [[symbol.text for symbol in one.seen.symbols] for one in told]


def test_each_frame_is_read_when_it_is_due() -> None:
    reader = ScriptedReader(new_clock(), {2: seen("x")})
    told = answers(reader, frames(4))
    assert [one.file for one in told] == ["0.png", "1.png", "2.png", "3.png"]
    assert [one.at_s for one in told] == pytest.approx([0.005, 0.105, 0.205, 0.305])
    assert [one.ms for one in told] == pytest.approx([5.0] * 4)
    assert texts(told) == [[], [], ["x"], []]
    assert [one.seen.hint for one in told] == ["motion", "motion", None, "motion"]


def test_a_frame_that_is_overdue_when_a_newer_one_is_there_is_dropped_and_told() -> None:
    reader = ScriptedReader(new_clock(), takes_s={1: 0.25})
    told = answers(reader, frames(6))
    assert [one.dropped for one in told] == [False, False, True, False, False, False]
    assert len(reader.shapes) == 5
    assert told[2].seen.symbols == []


def test_the_newest_frame_is_read_however_late() -> None:
    reader = ScriptedReader(new_clock(), takes_s={0: 9.0})
    assert [one.dropped for one in answers(reader, frames(4))] == [False, True, True, False]


def test_of_a_video_no_frame_is_dropped() -> None:
    reader = ScriptedReader(new_clock(), takes_s={0: 9.0})
    assert [one.dropped for one in answers(reader, frames(4), newest=False)] == [False] * 4


def test_a_rescue_is_told_on_the_line_during_which_it_came() -> None:
    reader = ScriptedReader(new_clock(), rescues={1: (0.23, seen("x", "rescue"))})
    told = answers(reader, frames(6))
    assert texts(told) == [[], [], [], ["x"], [], []]
    assert told[3].seen.arm == "rescue"
    assert told[3].at_s == pytest.approx(0.335)
    assert told[3].ms == pytest.approx(35.0)


def test_a_rescue_that_came_while_a_frame_was_read_is_that_frame_s() -> None:
    reader = ScriptedReader(new_clock(), rescues={0: (0.1, seen("x", "rescue"))}, takes_s={1: 0.05})
    assert texts(answers(reader, frames(3))) == [[], ["x"], []]


def test_a_rescue_beside_what_its_frame_gave_adds_what_is_new() -> None:
    shows = {1: seen("y"), 3: seen("y")}
    rescues = {0: (0.12, seen("x", "rescue")), 2: (0.11, seen("y", "rescue"))}
    told = answers(ScriptedReader(new_clock(), shows, rescues), frames(4))
    assert texts(told) == [[], ["y", "x"], [], ["y"]]
    assert [one.seen.arm for one in told] == [None, "whole", None, "whole"]


def test_after_the_last_frame_the_rescue_is_waited_for() -> None:
    reader = ScriptedReader(new_clock(), rescues={1: (0.4, seen("x", "rescue"))})
    told = answers(reader, frames(2))
    assert texts(told) == [[], ["x"]]
    assert told[1].ms == pytest.approx(405.0)


@pytest.mark.parametrize(("after_s", "waited_s"), [(60.0, LAST_WAIT_S), (0.2, 0.2)], ids=["too late", "in vain"])
def test_but_no_longer_than_it_may_take(after_s: float, waited_s: float) -> None:
    reader = ScriptedReader(new_clock(), rescues={1: (after_s, None)})
    start_ns = reader.clock.monotonic_ns()
    told = answers(reader, frames(2))
    assert texts(told) == [[], []]
    assert (reader.clock.monotonic_ns() - start_ns) / 1e9 == pytest.approx(0.105 + waited_s, abs=0.01)


def test_a_file_that_gives_no_frame_is_told_in_its_place() -> None:
    reader = ScriptedReader(new_clock())
    told = played(reader, frames(3, lambda number: FRAME if number != 1 else PictureError("1.png: damaged")))
    assert [type(one) for one in told] == [Answer, Fault, Answer]
    assert told[1] == Fault("1.png", "1.png: damaged")


def test_no_frames_are_no_lines() -> None:
    assert played(ScriptedReader(new_clock()), []) == []


def slow(clock: SimulatedClock, seconds: float, done: list[int], number: int) -> NDArray[np.uint8]:
    clock.advance(seconds)
    done.append(number)
    return FRAME


def test_frames_are_decoded_ahead_while_the_reader_waits() -> None:
    reader, done = ScriptedReader(new_clock()), list[int]()
    told = answers(reader, frames(20, partial(slow, reader.clock, 0.05, done)))
    assert done == list(range(20))
    assert [one.dropped for one in told] == [False] * 20
    assert [one.at_s for one in told] == pytest.approx([number / FPS + 0.005 for number in range(20)])


def test_what_is_dropped_is_not_decoded() -> None:
    reader, done = ScriptedReader(new_clock()), list[int]()
    told = answers(reader, frames(AHEAD_MAX + 12, partial(slow, reader.clock, 0.35, done)))
    dropped = [number for number, one in enumerate(told) if one.dropped]
    assert dropped
    assert not set(dropped) & set(done)
    assert len(told) == AHEAD_MAX + 12


def test_before_the_first_a_few_are_ready_and_no_more() -> None:
    clock, done = new_clock(), list[int]()
    ahead = Ahead(frames(40, partial(slow, clock, 0.0, done)), clock)
    ahead.fill()
    assert len(done) == AHEAD_MAX
    large = np.zeros(AHEAD_MAX_BYTES, np.uint8)
    ahead = Ahead(frames(40, lambda number: done.append(number) or large), clock)
    done.clear()
    ahead.fill()
    assert done == [0]


def test_ahead_knows_what_is_left() -> None:
    ahead = Ahead(frames(2), new_clock())
    assert (ahead.more, ahead.another) == (True, True)
    assert ahead.take()[0] == "0.png"
    assert (ahead.more, ahead.another) == (True, False)
    assert ahead.skip() == "1.png"
    assert (ahead.more, ahead.another) == (False, False)


@given(st.lists(st.floats(0, 0.6), max_size=12), st.dictionaries(st.integers(0, 11), st.floats(0, 0.9), max_size=4))
def test_every_frame_has_one_line_in_order_and_none_is_read_early(
    takes: list[float], rescues: dict[int, float]
) -> None:
    clock = new_clock()
    reader = ScriptedReader(
        clock,
        takes_s=dict(enumerate(takes)),
        rescues={number: (after_s, seen("x", "rescue")) for number, after_s in rescues.items()},
    )
    told = answers(reader, frames(len(takes)))
    assert [one.file for one in told] == [f"{number}.png" for number in range(len(takes))]
    for number, one in enumerate(told):
        assert one.dropped or one.at_s - one.ms / 1e3 >= number / FPS - 1e-6
    assert not told or not told[-1].dropped


def test_pictures_come_one_by_one() -> None:
    """A folder of a million files is no list of a million frames."""
    asked = []

    def endless() -> Iterator[Picture]:
        while True:
            asked.append(1)
            yield ("x", lambda: FRAME)

    ahead = Ahead(endless(), new_clock())
    ahead.fill()
    assert len(asked) <= AHEAD_MAX + 2
