"""What every signal promises, on each bank of lamps that ships."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.errors import DeviceError
from drivers.signal import Signal, open_signal
from drivers.signal.gpio import GpioLamps
from drivers.signal.lease import LEASE_MAX_S, LeasedSignal
from drivers.signal.simulated import last_lamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RED, GREEN, AMBER = 17, 27, 24
DARK = (False, False, False)


class Rig(Protocol):
    """A signal, and eyes on its lamps."""

    signal: Signal

    def lit(self) -> tuple[bool, bool, bool]: ...


class SimulatedRig:
    def __init__(self, folder: Path, *, amber: bool) -> None:
        self._history = folder / "lamps.jsonl"
        self.signal = open_signal("simulated", amber_pin=AMBER if amber else None, history=self._history)

    def lit(self) -> tuple[bool, bool, bool]:
        shown = last_lamps(self._history)
        return shown.red, shown.green, shown.amber


class MockPinsRig:
    def __init__(self, *, active_high: bool, amber: bool) -> None:
        factory = MockFactory()
        self._pins = [factory.pin(pin) for pin in ((RED, GREEN, AMBER) if amber else (RED, GREEN))]
        self._active_high = active_high
        amber_pin = AMBER if amber else None
        self.signal = LeasedSignal(GpioLamps(RED, GREEN, amber_pin, active_high=active_high, factory=factory))

    def lit(self) -> tuple[bool, bool, bool]:
        red, green, *more = (bool(pin.state) == self._active_high for pin in self._pins)
        return red, green, *(more or [False])


RIGS: dict[str, Callable[[Path], Rig]] = {
    "simulated": lambda folder: SimulatedRig(folder, amber=False),
    "gpio-active-high": lambda _: MockPinsRig(active_high=True, amber=False),
    "gpio-active-low": lambda _: MockPinsRig(active_high=False, amber=False),
    "simulated-amber": lambda folder: SimulatedRig(folder, amber=True),
    "gpio-active-high-amber": lambda _: MockPinsRig(active_high=True, amber=True),
    "gpio-active-low-amber": lambda _: MockPinsRig(active_high=False, amber=True),
}
THREE = [name for name in RIGS if name.endswith("amber")]


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    rig.signal.close()


@pytest.fixture(params=THREE)
def three(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    rig.signal.close()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.002)
    return True


def test_opens_dark(rig: Rig) -> None:
    assert rig.lit() == DARK


@pytest.mark.parametrize(("red", "green"), [(True, False), (False, True), (True, True), (False, False)])
def test_shows_what_is_asked(rig: Rig, red: bool, green: bool) -> None:  # noqa: FBT001 - a table
    rig.signal.show(red=red, green=green, lease_s=30)
    assert rig.lit() == (red, green, False)


@pytest.mark.parametrize("lease_s", [0.0, -1.0, 60.01, float("inf"), float("nan")])
def test_green_without_a_lease_is_refused_and_changes_nothing(rig: Rig, lease_s: float) -> None:
    rig.signal.show(red=True, green=False)
    with pytest.raises(ValueError, match="lease"):
        rig.signal.show(red=False, green=True, lease_s=lease_s)
    assert rig.lit() == (True, False, False)


def test_the_longest_lease_is_taken(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=LEASE_MAX_S)
    assert rig.lit() == (False, True, False)


def test_green_goes_out_by_itself_and_not_early(rig: Rig) -> None:
    lit_at_s = time.monotonic()
    rig.signal.show(red=False, green=True, lease_s=0.05)
    assert rig.lit() == (False, True, False)
    assert within(1, lambda: rig.lit() == DARK)
    assert 0.05 <= time.monotonic() - lit_at_s < 0.5


def test_red_stays_when_the_lease_of_green_ends(rig: Rig) -> None:
    rig.signal.show(red=True, green=True, lease_s=0.02)
    assert within(1, lambda: rig.lit() == (True, False, False))


def test_a_later_lease_replaces_a_longer_one(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=30)
    rig.signal.show(red=False, green=True, lease_s=0.02)
    assert within(1, lambda: rig.lit() == DARK)


def test_a_later_lease_replaces_a_shorter_one(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=0.02)
    rig.signal.show(red=False, green=True, lease_s=30)
    assert not within(0.1, lambda: rig.lit() != (False, True, False))


def test_an_ended_lease_does_not_touch_what_came_after(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=0.02)
    rig.signal.show(red=True, green=False)
    assert not within(0.1, lambda: rig.lit() != (True, False, False))


@pytest.mark.parametrize("lease_s", [0.0, 30.0])
def test_close_leaves_the_lamps_dark_and_may_be_repeated(rig: Rig, lease_s: float) -> None:
    rig.signal.show(red=True, green=lease_s > 0, lease_s=lease_s)
    rig.signal.close()
    rig.signal.close()
    assert rig.lit() == DARK


def test_a_closed_signal_says_so(rig: Rig) -> None:
    rig.signal.close()
    with pytest.raises(DeviceError, match="closed"):
        rig.signal.show(red=True, green=False)
    assert rig.lit() == DARK


def test_a_context_ends_dark_even_by_an_error(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=30)
    with pytest.raises(ValueError, match="lease"), rig.signal as signal:
        signal.show(red=False, green=True, lease_s=0)
    assert rig.lit() == DARK


def test_close_ends_the_thread_that_keeps_leases(rig: Rig) -> None:
    rig.signal.show(red=False, green=True, lease_s=30)
    rig.signal.close()
    assert "signal-lease" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("name", RIGS)
def test_it_says_whether_amber_is_fitted_and_lights_none_that_is_not(name: str, tmp_path: Path) -> None:
    rig = RIGS[name](tmp_path)
    with rig.signal as signal:
        assert signal.has_amber == (name in THREE)
        if not signal.has_amber:
            with pytest.raises(ValueError, match="no amber lamp is fitted"):
                signal.show(red=False, green=False, amber=True)
            assert rig.lit() == DARK


@pytest.mark.parametrize(("red", "green"), [(True, False), (False, True), (False, False)])
def test_amber_is_lit_by_itself_or_beside_another(three: Rig, red: bool, green: bool) -> None:  # noqa: FBT001 - a table
    three.signal.show(red=red, green=green, amber=True, lease_s=30)
    assert three.lit() == (red, green, True)
    three.signal.show(red=red, green=green, lease_s=30)
    assert three.lit() == (red, green, False)


def test_amber_stays_when_the_lease_of_green_ends(three: Rig) -> None:
    three.signal.show(red=False, green=True, amber=True, lease_s=0.02)
    assert within(1, lambda: three.lit() == (False, False, True))


def test_close_leaves_amber_dark(three: Rig) -> None:
    three.signal.show(red=False, green=False, amber=True)
    three.signal.close()
    assert three.lit() == DARK
