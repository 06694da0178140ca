"""Who vouches for the system's clock, and the simulated one's verbs."""

from __future__ import annotations

import ctypes
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from drivers.clock import system
from drivers.clock.simulated import SimulatedClock
from drivers.clock.system import STA_UNSYNC, TIME_ERROR, SystemClock, kernel_synchronised

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2021, 9, 1, 8, tzinfo=UTC)


def system_clock(folder: Path, *, kernel: bool = False) -> SystemClock:
    return SystemClock(kernel=lambda: kernel, timesync_marker=folder / "synchronized", rtc_folder=folder / "rtc")


def put_rtc(folder: Path, content: str, name: str = "rtc0") -> None:
    (folder / "rtc" / name).mkdir(parents=True)
    (folder / "rtc" / name / "since_epoch").write_text(content)


def seconds_from_now(offset_s: int) -> str:
    return f"{int(datetime.now(UTC).timestamp()) + offset_s}\n"


def test_nobody_vouches(tmp_path: Path) -> None:
    assert not system_clock(tmp_path).synchronised()


def test_the_kernel_vouches(tmp_path: Path) -> None:
    assert system_clock(tmp_path, kernel=True).synchronised()


def test_timesyncd_vouches(tmp_path: Path) -> None:
    (tmp_path / "synchronized").touch()
    assert system_clock(tmp_path).synchronised()


@pytest.mark.parametrize(("offset_s", "agrees"), [(0, True), (-50, True), (50, True), (-70, False), (70, False)])
def test_a_real_time_clock_vouches_if_it_agrees(tmp_path: Path, offset_s: int, agrees: bool) -> None:  # noqa: FBT001 - a table
    put_rtc(tmp_path, seconds_from_now(offset_s))
    assert system_clock(tmp_path).synchronised() is agrees


@pytest.mark.parametrize("year", [1970, 2000, 2024])
def test_a_real_time_clock_without_its_battery_does_not(
    tmp_path: Path, year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(year, 12, 31, tzinfo=UTC)
    clock = system_clock(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: moment)
    put_rtc(tmp_path, f"{int(moment.timestamp())}\n")
    assert not clock.synchronised()


@pytest.mark.parametrize("content", ["", "yesterday\n", "\x00", "é"])
def test_a_real_time_clock_that_cannot_be_read_does_not(tmp_path: Path, content: str) -> None:
    put_rtc(tmp_path, content)
    assert not system_clock(tmp_path).synchronised()


def test_any_of_several_real_time_clocks_will_do(tmp_path: Path) -> None:
    put_rtc(tmp_path, "0\n", "rtc0")
    put_rtc(tmp_path, seconds_from_now(0), "rtc1")
    assert system_clock(tmp_path).synchronised()


def test_a_folder_that_cannot_be_searched_vouches_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    too_long = tmp_path / ("x" * 300)
    clock = SystemClock(kernel=lambda: False, timesync_marker=too_long, rtc_folder=tmp_path / "file")
    assert not clock.synchronised()


class FakeLibc:
    """A C library whose adjtimex answers as told; like the real one, it is given a pointer."""

    def __init__(self, state: int, status: int) -> None:
        self._state, self._status = state, status

    def adjtimex(self, timex: ctypes.c_void_p) -> int:
        timex._obj.status = self._status  # type: ignore[attr-defined] # what byref() refers to
        return self._state


@pytest.mark.parametrize(
    ("state", "status", "synchronised"),
    [
        (0, 0x2001, True),  # TIME_OK, STA_PLL | STA_NANO: as chrony and timesyncd leave it
        (1, 0x2011, True),  # TIME_INS: a leap second is announced
        (TIME_ERROR, STA_UNSYNC, False),
        (TIME_ERROR, 0, False),
        (0, STA_UNSYNC, False),
        (-1, 0, False),  # EPERM: forbidden by a sandbox
    ],
)
def test_the_kernels_answer(
    state: int,
    status: int,
    synchronised: bool,  # noqa: FBT001 - a table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system.ctypes, "CDLL", lambda _: FakeLibc(state, status))
    assert kernel_synchronised() is synchronised


def test_the_real_kernel_answers() -> None:
    timex = system._Timex()
    assert ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) in range(6)
    assert kernel_synchronised() is not bool(timex.status & STA_UNSYNC)


def test_the_simulated_clock_stands_still() -> None:
    clock = SimulatedClock(START)
    assert clock.now() == clock.now() == START
    assert clock.monotonic_ns() == clock.monotonic_ns()


def test_the_simulated_clock_advances() -> None:
    clock = SimulatedClock(START)
    before_ns = clock.monotonic_ns()
    clock.advance(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)
    assert clock.monotonic_ns() - before_ns == 1_500_000_000


def test_a_jump_is_no_passing_of_time() -> None:
    clock = SimulatedClock(START)
    before_ns = clock.monotonic_ns()
    clock.jump(datetime(2038, 1, 19, 10, tzinfo=timezone(timedelta(hours=7))))
    assert clock.now() == datetime(2038, 1, 19, 3, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic_ns() == before_ns


def test_sync_is_lost_and_regained() -> None:
    clock = SimulatedClock(START)
    assert clock.synchronised()
    clock.lose_sync()
    assert not clock.synchronised()
    clock.regain_sync()
    assert clock.synchronised()


@pytest.mark.parametrize("seconds", [-0.1, float("nan")])
def test_simulated_time_does_not_run_backward(seconds: float) -> None:
    with pytest.raises(ValueError, match="pass"):
        SimulatedClock(START).advance(seconds)


def test_a_moment_needs_its_zone() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        SimulatedClock(naive)
    with pytest.raises(ValueError, match="zone"):
        SimulatedClock(START).jump(naive)
