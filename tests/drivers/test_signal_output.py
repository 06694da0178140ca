"""What a buzzer and a heartbeat promise, on each kind of pin that ships; and that no lamp waits for either."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import darken, open_buzzer, open_heartbeat, open_signal
from drivers.signal.gpio import GpioOutput
from drivers.signal.output import TONE_MAX_S, Buzzer, Heartbeat, Output, OutputCause, Tone
from drivers.signal.simulated import Level, SimulatedOutput, last_lamps, last_level, read_levels
from tests.drivers.test_signal_contract import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PIN = 22
LONG: Tone = ((1.0, 0.0),)
TWO: Tone = ((0.03, 0.02), (0.03, 0.0))


class Watched:
    """An output that remembers what it was told, and obeys the real one."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.puts: list[tuple[OutputCause, bool]] = []
        self.closed = 0

    def put(self, *, on: bool, by: OutputCause) -> None:
        self._output.put(on=on, by=by)
        self.puts.append((by, on))

    def close(self) -> None:
        self.closed += 1
        self._output.close()


class Rig:
    """A way to open a pin, and eyes on its level."""

    def __init__(self, open_: Callable[[], Output], level: Callable[[], bool]) -> None:
        self._open = open_
        self.level = level
        self.opened: list[Watched] = []

    def open(self) -> Watched:
        self.opened.append(Watched(self._open()))
        return self.opened[-1]

    @property
    def puts(self) -> list[tuple[OutputCause, bool]]:
        return [put for output in self.opened for put in output.puts]


def simulated_rig(folder: Path) -> Rig:
    history = folder / "buzzer.jsonl"
    return Rig(lambda: SimulatedOutput("buzzer", history), lambda: last_level(history).on)


def mock_rig(*, active_high: bool) -> Rig:
    factory = MockFactory()
    pin = factory.pin(PIN)
    return Rig(
        lambda: GpioOutput("buzzer", PIN, active_high=active_high, factory=factory),
        lambda: bool(pin.state) == active_high,
    )


RIGS: dict[str, Callable[[Path], Rig]] = {
    "simulated": simulated_rig,
    "gpio-active-high": lambda _: mock_rig(active_high=True),
    "gpio-active-low": lambda _: mock_rig(active_high=False),
}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return RIGS[request.param](tmp_path)


@pytest.fixture
def buzzer(rig: Rig) -> Iterator[Buzzer]:
    buzzer = Buzzer(rig.open)
    assert within(1, lambda: rig.puts == [("open", False)])
    yield buzzer
    buzzer.close()
    assert "signal-buzzer" not in {thread.name for thread in threading.enumerate()}


def test_it_opens_silent(rig: Rig, buzzer: Buzzer) -> None:
    assert not rig.level()
    assert buzzer.fault is None


def test_a_tone_is_its_beeps_and_ends_by_itself(rig: Rig, buzzer: Buzzer) -> None:
    buzzer.sound(TWO)
    beep = [("tone", True), ("lease", False)]
    assert within(1, lambda: rig.puts == [("open", False), *beep, *beep])
    assert not rig.level()


def test_another_tone_takes_its_place(rig: Rig, buzzer: Buzzer) -> None:
    begun_s = time.monotonic()
    buzzer.sound(LONG)
    assert within(1, rig.level)
    buzzer.sound(TWO)
    assert within(1, lambda: rig.puts.count(("tone", True)) == 3 and not rig.level())
    assert time.monotonic() - begun_s < 0.9


def test_the_same_tone_is_not_begun_anew(rig: Rig, buzzer: Buzzer) -> None:
    for _ in range(5):
        buzzer.sound(((0.1, 0.0),))
    assert within(1, lambda: rig.puts.count(("lease", False)) == 1)
    assert rig.puts.count(("tone", True)) == 1


def test_close_silences_at_once_and_may_be_repeated(rig: Rig, buzzer: Buzzer) -> None:
    buzzer.sound(LONG)
    assert within(1, rig.level)
    closed_s = time.monotonic()
    buzzer.close()
    buzzer.close()
    assert time.monotonic() - closed_s < 0.5
    assert not rig.level()
    assert [output.closed for output in rig.opened] == [1]
    buzzer.sound(TWO)  # nobody is there to hear of it
    assert rig.puts[-1] == ("close", False)


@pytest.mark.parametrize(
    "tone",
    [(), ((TONE_MAX_S + 0.1, 0.0),), ((1.0, 1.5), (1.0, 0.0)), ((-0.1, 0.0),), ((float("nan"), 0.0),)],
)
def test_a_tone_that_does_not_end_is_refused(buzzer: Buzzer, tone: Tone) -> None:
    with pytest.raises(ValueError, match="a tone lasts"):
        buzzer.sound(tone)


def test_a_heartbeat_changes_its_level_and_ends_low(rig: Rig) -> None:
    heartbeat = Heartbeat(rig.open)
    levels = []
    for _ in range(3):
        heartbeat.beat()
        levels.append(rig.level())
    assert levels == [True, False, True]
    heartbeat.close()
    heartbeat.close()
    heartbeat.beat()
    assert not rig.level()
    assert rig.puts[-1] == ("close", False)
    assert [output.closed for output in rig.opened] == [1]


# The simulator's files


def test_levels_are_lines_that_outlive_their_program(tmp_path: Path) -> None:
    history = tmp_path / "lamps.jsonl"
    before_ns = time.monotonic_ns()
    heartbeat = open_heartbeat("simulated", pin=PIN, history=history)
    heartbeat.beat()
    levels = read_levels(tmp_path / "heartbeat.jsonl")
    assert [(level.by, level.on) for level in levels] == [("open", False), ("beat", True)]
    assert before_ns < levels[0].t_ns < levels[1].t_ns
    darken("simulated", history=history, buzzer_pin=PIN, heartbeat_pin=PIN + 1)
    assert last_level(tmp_path / "heartbeat.jsonl").by == "darken"
    assert last_level(tmp_path / "buzzer.jsonl").by == "darken"
    assert last_lamps(history).by == "darken"
    heartbeat.close()


def test_nothing_is_dark_and_silent(tmp_path: Path) -> None:
    assert last_level(tmp_path / "buzzer.jsonl") == Level(0, on=False, by="close")


def test_a_simulated_pin_that_was_given_back_takes_no_level(tmp_path: Path) -> None:
    output = SimulatedOutput("buzzer", tmp_path / "buzzer.jsonl")
    output.close()
    output.close()
    with pytest.raises(DeviceError, match="the buzzer is closed"):
        output.put(on=True, by="tone")


def test_a_simulated_buzzer_sounds_in_its_file(tmp_path: Path) -> None:
    buzzer = open_buzzer("simulated", pin=PIN, history=tmp_path / "lamps.jsonl")
    buzzer.sound(TWO)
    assert within(1, lambda: [level.on for level in levels_of(tmp_path)] == [False, True, False, True, False])
    buzzer.close()


def levels_of(folder: Path) -> list[Level]:
    try:
        return read_levels(folder / "buzzer.jsonl")
    except FileNotFoundError:
        return []


def test_a_history_is_needed() -> None:
    with pytest.raises(ValueError, match="a simulated heartbeat needs a history"):
        open_heartbeat("simulated", pin=PIN)


@pytest.mark.parametrize("broken", ["buzzer.jsonl", "heartbeat.jsonl"])
def test_what_cannot_be_silenced_keeps_nothing_else_lit(tmp_path: Path, broken: str) -> None:
    history = tmp_path / "lamps.jsonl"
    (tmp_path / broken).mkdir()
    with open_signal("simulated", history=history) as signal:
        signal.show(red=True, green=False)
        with pytest.raises(DeviceMissingError, match=broken):
            darken("simulated", history=history, buzzer_pin=PIN, heartbeat_pin=PIN + 1)
        assert last_lamps(history).by == "darken"
    (other,) = {"buzzer.jsonl", "heartbeat.jsonl"} - {broken}
    assert last_level(tmp_path / other).by == "darken"


def test_lamps_that_do_not_obey_leave_the_buzzer_silent(tmp_path: Path) -> None:
    history = tmp_path / "lamps.jsonl"
    history.symlink_to("/dev/full")
    with pytest.raises(DeviceError, match="No space left"):
        darken("simulated", history=history, buzzer_pin=PIN)
    assert last_level(tmp_path / "buzzer.jsonl").by == "darken"


KILLED_WHILE_SOUNDING = """
import os, signal, sys, time
from pathlib import Path
from drivers.signal import open_buzzer
from drivers.signal.simulated import last_level
history = Path(sys.argv[1])
open_buzzer("simulated", pin=22, history=history).sound(((2.0, 0.0),))
while not last_level(history.with_name("buzzer.jsonl")).on:
    time.sleep(0.002)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_program_leaves_its_buzzer_sounding_until_it_is_darkened(tmp_path: Path) -> None:
    history = tmp_path / "lamps.jsonl"
    died = subprocess.run([sys.executable, "-c", KILLED_WHILE_SOUNDING, str(history)], check=False, timeout=10)
    assert died.returncode == -signal.SIGKILL
    assert last_level(tmp_path / "buzzer.jsonl").on
    darken("simulated", history=history, buzzer_pin=PIN)
    assert not last_level(tmp_path / "buzzer.jsonl").on
