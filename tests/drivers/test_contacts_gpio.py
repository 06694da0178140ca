"""Contacts on a Raspberry Pi's pins: what is asked of lgpio, and what is said where it is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.exc import PinUnknownPi
from gpiozero.pins.local import LocalPiFactory
from gpiozero.pins.mock import MockFactory

from drivers.contacts import Closing, open_contacts
from drivers.contacts.gpio import STEADY_S, GpioContacts
from drivers.errors import DeviceMissingError
from tests.drivers.test_signal_gpio import PI_4B, FakeLgpio

if TYPE_CHECKING:
    from collections.abc import Callable

BUTTON, SENSOR = 5, 6
Report = tuple[int, int, int, int]  # chip, line, level, nanoseconds


class Lgpio(FakeLgpio):
    """The part of lgpio that inputs use, too; a test reports what happens on their lines."""

    def __init__(self) -> None:
        super().__init__()
        self.pulls: dict[int, int] = {}
        self.debounced_us: dict[int, int] = {}
        self.listeners: dict[int, Callable[[int, int, int, int], None]] = {}

    def gpio_claim_input(self, handle: int, line: int, flags: int = 0) -> int:
        self._claim(handle, line)
        self.pulls[line] = flags
        return 0

    def gpio_free(self, handle: int, line: int) -> int:
        assert handle in self.handles
        del self.pulls[line]
        return 0

    def gpio_read(self, handle: int, line: int) -> int:
        assert handle in self.handles
        return int(self.pulls[line] == self.SET_PULL_UP)

    def gpio_set_debounce_micros(self, handle: int, line: int, micros: int) -> int:
        assert handle in self.handles
        self.debounced_us[line] = micros
        return 0

    def gpio_claim_alert(self, handle: int, line: int, edges: int, flags: int) -> int:
        assert edges == self.BOTH_EDGES
        assert flags == 0
        self._claim(handle, line)
        return 0

    def callback(self, handle: int, line: int, edges: int, told: Callable[[int, int, int, int], None]) -> Any:  # noqa: ANN401 - lgpio's own class
        assert handle in self.handles
        assert edges == self.BOTH_EDGES
        self.listeners[line] = told
        lgpio = self

        class Listener:
            def cancel(self) -> None:
                del lgpio.listeners[line]

        return Listener()

    def report(self, line: int, level: int) -> None:
        self.listeners[line](0, line, level, 10**9)


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> Lgpio:
    fake = Lgpio()
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    for importer in ("gpiozero.pins.lgpio", "drivers.signal.lgpio_pins"):
        monkeypatch.delitem(sys.modules, importer, raising=False)
    monkeypatch.setattr(LocalPiFactory, "_get_revision", lambda _: PI_4B)
    return fake


@pytest.mark.parametrize("active_high", [True, False])
def test_lines_are_pulled_open_and_report_what_is_steady(lgpio: Lgpio, active_high: bool) -> None:  # noqa: FBT001 - a table
    with open_contacts(
        "gpio", override_pin=BUTTON, passage_pin=SENSOR, active_high=active_high, monotonic_ns=lambda: 7
    ) as contacts:
        pull = lgpio.SET_PULL_DOWN if active_high else lgpio.SET_PULL_UP
        assert lgpio.pulls == {BUTTON: pull, SENSOR: pull}
        assert set(lgpio.debounced_us.values()) == {int(STEADY_S * 1_000_000)}
        lgpio.report(SENSOR, int(active_high))
        lgpio.report(BUTTON, int(active_high))
        assert contacts.closings() == [Closing("passage", 7), Closing("override", 7)]
    assert lgpio.listeners == {}
    assert not lgpio.handles


def test_one_contact_alone_leaves_the_other_s_pin_to_others(lgpio: Lgpio) -> None:
    with open_contacts("gpio", passage_pin=SENSOR):
        assert set(lgpio.pulls) == {SENSOR}


def test_a_pin_in_use_is_named_with_its_cure_and_all_is_given_back(lgpio: Lgpio) -> None:
    lgpio.busy.add(SENSOR)
    with pytest.raises(DeviceMissingError, match=r"the passage contact's pin 6 .*GPIO busy.*choose a free pin"):
        open_contacts("gpio", override_pin=BUTTON, passage_pin=SENSOR)
    assert not lgpio.handles
    assert lgpio.listeners == {}


def test_no_chip_is_named_with_its_cure(lgpio: Lgpio) -> None:
    lgpio.has_chip = False
    with pytest.raises(DeviceMissingError, match="group gpio"):
        open_contacts("gpio", override_pin=BUTTON)


def test_another_machine_is_named_with_its_cure(lgpio: Lgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: object) -> int:
        raise PinUnknownPi

    monkeypatch.setattr(LocalPiFactory, "_get_revision", unknown)
    with pytest.raises(DeviceMissingError, match=r"no Raspberry Pi.*connect the contacts to one"):
        open_contacts("gpio", override_pin=BUTTON)
    assert lgpio.listeners == {}


def test_missing_software_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "drivers.signal.lgpio_pins", raising=False)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    with pytest.raises(DeviceMissingError, match=r"the contacts need lgpio.*python3-lgpio"):
        open_contacts("gpio", override_pin=BUTTON)


def test_two_contacts_do_not_share_a_pin() -> None:
    with pytest.raises(ValueError, match="one pin"):
        GpioContacts({"override": 5, "passage": 5}, active_high=False, factory=MockFactory())


def test_a_pin_is_needed() -> None:
    with pytest.raises(ValueError, match="pin of one"):
        open_contacts("gpio")
