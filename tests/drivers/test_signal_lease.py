"""Leases over lamps that do not obey."""

from __future__ import annotations

import threading

import pytest

from drivers.errors import DeviceError
from drivers.signal.lease import Cause, LeasedSignal


class StubbornLamps:
    """Lamps that refuse as often as they are told to, and say when they went dark."""

    has_amber = True

    def __init__(self, *, refusals: int = 0) -> None:
        self.refusals = refusals
        self.lit = (True, True, True)
        self.dark = threading.Event()
        self.released = 0

    def put(self, *, red: bool, green: bool, amber: bool, lease_s: float, by: Cause) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeviceError(f"refused {by} {lease_s}")
        self.lit = (red, green, amber)
        if not any(self.lit):
            self.dark.set()
        else:
            self.dark.clear()

    def close(self) -> None:
        self.released += 1


def test_lamps_that_cannot_be_darkened_do_not_open_and_are_released() -> None:
    lamps = StubbornLamps(refusals=1)
    with pytest.raises(DeviceError, match="refused open"):
        LeasedSignal(lamps)
    assert lamps.released == 1
    assert "signal-lease" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(("red", "green", "amber"), [(True, False, False), (False, True, False), (False, False, True)])
def test_after_a_failed_show_all_lamps_go_dark(red: bool, green: bool, amber: bool) -> None:  # noqa: FBT001 - a table
    lamps = StubbornLamps()
    with LeasedSignal(lamps) as signal:
        signal.show(red=False, green=True, lease_s=30)
        lamps.refusals = 1
        with pytest.raises(DeviceError, match="refused show"):
            signal.show(red=red, green=green, amber=amber, lease_s=30)
        assert lamps.dark.wait(1)


def test_a_lamp_that_does_not_go_out_is_told_again() -> None:
    lamps = StubbornLamps()
    with LeasedSignal(lamps) as signal:
        signal.show(red=False, green=True, lease_s=0.05)
        lamps.refusals = 2
        assert lamps.dark.wait(2)
        assert lamps.refusals == 0


def test_lamps_that_cannot_be_darkened_at_the_end_are_reported_and_released() -> None:
    lamps = StubbornLamps()
    signal = LeasedSignal(lamps)
    lamps.refusals = 1
    with pytest.raises(DeviceError, match="refused close"):
        signal.close()
    signal.close()
    assert lamps.released == 1
