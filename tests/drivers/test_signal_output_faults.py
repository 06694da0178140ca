"""A buzzer or a heartbeat that refuses, hangs or is not there: a fault that ends, and nobody waits."""

from __future__ import annotations

import threading
import time

import pytest

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal.output import Buzzer, Heartbeat, Output, OutputCause, Tone
from tests.drivers.test_signal_contract import within

LONG: Tone = ((1.0, 0.0),)
TWO: Tone = ((0.03, 0.02), (0.03, 0.0))


class Broken:
    """An output that refuses while it is told to."""

    def __init__(self) -> None:
        self.refuses: set[OutputCause] = set()
        self.puts: list[tuple[OutputCause, bool]] = []
        self.refused = 0
        self.closed = 0

    def put(self, *, on: bool, by: OutputCause) -> None:
        if by in self.refuses:
            self.refused += 1
            raise DeviceError(f"refused {by}")
        self.puts.append((by, on))

    def close(self) -> None:
        self.closed += 1


def test_a_buzzer_that_refuses_is_a_fault_until_it_sounds_again() -> None:
    output = Broken()
    buzzer = Buzzer(lambda: output)
    output.refuses = {"tone"}
    buzzer.sound(TWO)
    assert within(1, lambda: buzzer.fault == "refused tone" and output.puts[-1] == ("lease", False))
    output.refuses = set()
    buzzer.sound(((0.01, 0.0),))
    assert within(1, lambda: buzzer.fault is None)
    buzzer.close()
    assert output.puts[-1] == ("close", False)


def test_a_buzzer_that_goes_on_sounding_is_told_again() -> None:
    output = Broken()
    output.refuses = {"lease"}
    buzzer = Buzzer(lambda: output)
    buzzer.sound(TWO)
    assert within(1, lambda: output.refused >= 2)
    assert buzzer.fault == "refused lease"
    output.refuses = set()
    assert within(1, lambda: ("lease", False) in output.puts)
    buzzer.close()


def test_a_buzzer_that_never_falls_silent_does_not_keep_its_program() -> None:
    output = Broken()
    output.refuses = {"lease", "close"}
    buzzer = Buzzer(lambda: output)
    buzzer.sound(TWO)
    assert within(1, lambda: output.refused >= 1)
    buzzer.close()
    assert output.closed == 1


def test_a_buzzer_that_is_not_there_is_a_fault_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.signal.output.REOPEN_S", 0.02)
    found: list[Output] = []

    def opened() -> Output:
        if not found:
            raise DeviceMissingError("no buzzer", cure="connect it")
        return found[0]

    buzzer = Buzzer(opened)
    assert within(1, lambda: buzzer.fault == "no buzzer (connect it)")
    buzzer.sound(TWO)
    found.append(Broken())
    assert within(1, lambda: buzzer.fault is None)
    buzzer.close()


def test_one_that_never_opens_ends_too() -> None:
    output = Broken()
    output.refuses = {"open"}
    buzzer = Buzzer(lambda: output)
    assert within(1, lambda: buzzer.fault == "refused open")
    buzzer.close()
    assert output.closed == 1


def test_a_buzzer_that_hangs_keeps_nobody_waiting() -> None:
    released = threading.Event()

    class Hanging(Broken):
        def put(self, *, on: bool, by: OutputCause) -> None:
            if by == "tone":
                released.wait(5)
            super().put(on=on, by=by)

    buzzer = Buzzer(Hanging)
    begun_s = time.monotonic()
    buzzer.sound(TWO)
    buzzer.sound(LONG)
    assert time.monotonic() - begun_s < 0.1
    buzzer.close()
    assert time.monotonic() - begun_s < 2
    released.set()


def test_a_heartbeat_that_fails_is_a_fault_until_it_beats() -> None:
    output = Broken()
    heartbeat = Heartbeat(lambda: output)
    output.refuses = {"beat"}
    heartbeat.beat()
    assert heartbeat.fault == "refused beat"
    output.refuses = set()
    heartbeat.beat()
    assert heartbeat.fault is None
    assert output.puts == [("open", False), ("beat", True)]
    output.refuses = {"close"}
    heartbeat.close()
    assert output.closed == 1


def test_a_heartbeat_that_cannot_be_opened_is_tried_again_now_and_then() -> None:
    output = Broken()
    output.refuses = {"open"}
    now_s = [10.0]
    heartbeat = Heartbeat(lambda: output, monotonic=lambda: now_s[0])
    for _ in range(3):
        heartbeat.beat()
    assert (output.refused, output.closed, heartbeat.fault) == (1, 1, "refused open")
    output.refuses = set()
    now_s[0] += 2.0
    heartbeat.beat()
    assert heartbeat.fault is None
    assert output.puts == [("open", False), ("beat", True)]
