"""The lamps on a Raspberry Pi's pins: what is asked of lgpio, and what is said where it is missing."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.exc import PinSetInput, PinUnknownPi
from gpiozero.pins.local import LocalPiFactory
from gpiozero.pins.mock import MockFactory

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import darken, open_buzzer, open_heartbeat, open_signal
from drivers.signal.gpio import GpioLamps, GpioOutput
from drivers.signal.lease import LeasedSignal

if TYPE_CHECKING:
    from pathlib import Path

RED, GREEN, AMBER, BUZZER, HEARTBEAT = 17, 27, 24, 22, 23
PI_4B = 0xC03111  # the revision code of a Raspberry Pi 4 Model B


class LgpioError(Exception):
    """As lgpio.error."""


class FakeLgpio(ModuleType):
    """The part of lgpio (0.2.2) that gpiozero uses, with its errors, over lines whose levels are recorded."""

    BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 3, 1, 2
    SET_PULL_NONE, SET_PULL_UP, SET_PULL_DOWN = 128, 32, 64
    error = LgpioError

    def __init__(self) -> None:
        super().__init__("lgpio")
        self.has_chip = True
        self.busy: set[int] = set()
        self.broken = False
        self.driven: dict[int, list[int]] = {}  # by line: each level that was driven
        self.outputs: set[int] = set()
        self.handles: set[int] = set()

    def gpiochip_open(self, chip: int) -> int:
        if not self.has_chip:
            raise LgpioError("can not open gpiochip")
        self.handles.add(chip + 1)
        return chip + 1

    def gpiochip_close(self, handle: int) -> int:
        self.handles.remove(handle)
        return 0

    def gpio_claim_input(self, handle: int, line: int, flags: int = 0) -> int:
        assert flags in {0, self.SET_PULL_NONE}
        self._claim(handle, line)
        self.outputs.discard(line)
        return 0

    def gpio_claim_output(self, handle: int, line: int, level: int = 0) -> int:
        self._claim(handle, line)
        self.outputs.add(line)
        self.driven.setdefault(line, []).append(level)
        return 0

    def gpio_get_mode(self, handle: int, line: int) -> int:
        assert handle in self.handles
        return 2 if line in self.outputs else 0

    def gpio_write(self, handle: int, line: int, level: int) -> int:
        assert handle in self.handles
        if self.broken or line not in self.outputs:
            raise LgpioError("bad GPIO write")
        self.driven[line].append(int(level))
        return 0

    def _claim(self, handle: int, line: int) -> None:
        assert handle in self.handles
        if line in self.busy:
            raise LgpioError("GPIO busy")


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> FakeLgpio:
    fake = FakeLgpio()
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    for importer in ("gpiozero.pins.lgpio", "drivers.signal.lgpio_pins"):
        monkeypatch.delitem(sys.modules, importer, raising=False)
    monkeypatch.setattr(LocalPiFactory, "_get_revision", lambda _: PI_4B)
    return fake


def open_pins(*, active_high: bool = True) -> Any:  # noqa: ANN401 - a Signal; short in the tests
    return open_signal("gpio", red_pin=RED, green_pin=GREEN, active_high=active_high)


@pytest.mark.parametrize(("active_high", "lit", "dark"), [(True, 1, 0), (False, 0, 1)])
def test_lines_are_driven_dark_from_the_first_moment_to_the_last(
    lgpio: FakeLgpio,
    active_high: bool,  # noqa: FBT001 - a table
    lit: int,
    dark: int,
) -> None:
    with open_pins(active_high=active_high) as signal:
        assert set(lgpio.driven[RED] + lgpio.driven[GREEN]) == {dark}
        signal.show(red=True, green=False)
        signal.show(red=False, green=True, lease_s=30)
        assert lgpio.driven[RED][-2:] == [lit, dark]
        assert lgpio.driven[GREEN][-2:] == [dark, lit]
    assert lgpio.driven[RED][-1] == lgpio.driven[GREEN][-1] == dark
    assert lgpio.outputs == {RED, GREEN}  # still driven, not left to float
    assert not lgpio.handles


def test_a_third_lamp_is_driven_dark_from_the_first_moment_to_the_last(lgpio: FakeLgpio) -> None:
    with open_signal("gpio", red_pin=RED, green_pin=GREEN, amber_pin=AMBER) as signal:
        assert set(lgpio.driven[AMBER]) == {0}
        signal.show(red=False, green=False, amber=True)
        assert (lgpio.driven[RED][-1], lgpio.driven[GREEN][-1], lgpio.driven[AMBER][-1]) == (0, 0, 1)
    assert lgpio.driven[AMBER][-1] == 0
    assert lgpio.outputs == {RED, GREEN, AMBER}
    darken("gpio", red_pin=RED, green_pin=GREEN, amber_pin=AMBER, active_high=False)
    assert lgpio.driven[AMBER][-1] == 1
    assert not lgpio.handles


def test_the_lamp_that_goes_out_goes_first(lgpio: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_pins() as signal:
        signal.show(red=False, green=True, lease_s=30)
        writes: list[tuple[int, int]] = []
        monkeypatch.setattr(lgpio, "gpio_write", lambda _, line, level: writes.append((line, int(level))))
        signal.show(red=True, green=False)
    assert writes[:2] == [(GREEN, 0), (RED, 1)]


def test_a_dead_programs_lamps_are_darkened(lgpio: FakeLgpio) -> None:
    darken("gpio", red_pin=RED, green_pin=GREEN, active_high=False)
    assert set(lgpio.driven[RED] + lgpio.driven[GREEN]) == {1}
    assert not lgpio.handles


@pytest.mark.parametrize(("active_high", "off"), [(True, 0), (False, 1)])
def test_a_dead_programs_buzzer_and_heartbeat_are_put_off(
    lgpio: FakeLgpio,
    active_high: bool,  # noqa: FBT001 - a table
    off: int,
) -> None:
    darken("gpio", red_pin=RED, green_pin=GREEN, active_high=active_high, buzzer_pin=BUZZER, heartbeat_pin=HEARTBEAT)
    assert set(lgpio.driven[BUZZER]) == {off}
    assert set(lgpio.driven[HEARTBEAT]) == {0}  # a relay's input falls, whatever lights a lamp
    assert not lgpio.handles


def test_a_heartbeat_is_driven_low_from_the_first_moment_to_the_last(lgpio: FakeLgpio) -> None:
    heartbeat = open_heartbeat("gpio", pin=HEARTBEAT)
    heartbeat.beat()
    heartbeat.beat()
    heartbeat.beat()
    heartbeat.close()
    assert [level for number, level in enumerate(lgpio.driven[HEARTBEAT]) if level or number == 0] == [0, 1, 1]
    assert lgpio.driven[HEARTBEAT][-1] == 0
    assert not lgpio.handles


def test_a_buzzer_on_a_pin_in_use_is_a_fault_and_no_error(lgpio: FakeLgpio) -> None:
    lgpio.busy = {BUZZER, HEARTBEAT}
    heartbeat = open_heartbeat("gpio", pin=HEARTBEAT)
    assert "heartbeat's pin 23" in str(heartbeat.fault)
    buzzer = open_buzzer("gpio", pin=BUZZER)
    buzzer.close()
    assert "buzzer's pin 22" in str(buzzer.fault)
    assert not lgpio.handles


def test_a_write_to_a_buzzer_that_fails_is_a_device_error() -> None:
    factory = MockFactory()
    output = GpioOutput("buzzer", BUZZER, active_high=True, factory=factory)
    factory.pin(BUZZER).function = "input"
    with pytest.raises(DeviceError, match="the buzzer cannot be set") as failed:
        output.put(on=True, by="tone")
    assert failed.value.cure
    output.close()


def test_a_write_that_fails_is_a_device_error(lgpio: FakeLgpio) -> None:
    signal = open_pins()
    lgpio.broken = True
    with pytest.raises(DeviceError, match="lamp cannot be set") as failed:
        signal.show(red=True, green=False)
    assert failed.value.cure
    lgpio.broken = False
    signal.close()


def test_a_pin_in_use_is_named_and_everything_is_released(lgpio: FakeLgpio) -> None:
    lgpio.busy = {RED}
    with pytest.raises(DeviceMissingError, match=r"red lamp's pin 17 .*GPIO busy") as missing:
        open_pins()
    assert "other program" in missing.value.cure
    assert not lgpio.handles


def test_a_machine_without_a_chip_says_so(lgpio: FakeLgpio) -> None:
    lgpio.has_chip = False
    with pytest.raises(DeviceMissingError, match="can not open gpiochip") as missing:
        open_pins()
    assert "group gpio" in missing.value.cure


def test_a_machine_that_is_no_raspberry_pi_says_so(lgpio: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalPiFactory, "_get_revision", _unknown)
    assert lgpio.has_chip
    with pytest.raises(DeviceMissingError, match="no Raspberry Pi") as missing:
        open_pins()
    assert "simulated" in missing.value.cure


def _unknown(factory: LocalPiFactory) -> int:
    raise PinUnknownPi(f"unable to locate Pi revision for {type(factory).__name__}")


@pytest.mark.parametrize(
    ("fault", "cure"),
    [(ModuleNotFoundError("No module named 'lgpio'"), "python3-lgpio"), (FileNotFoundError(2, "x"), "LG_WD")],
)
def test_without_lgpio_nothing_else_is_tried(
    lgpio: FakeLgpio, fault: Exception, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del sys.modules[lgpio.__name__]
    (tmp_path / "lgpio.py").write_text(f"raise {fault!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeviceMissingError) as missing:
        open_pins()
    assert cure in missing.value.cure


def test_a_pin_that_no_board_has_is_named() -> None:
    with pytest.raises(DeviceMissingError, match="green lamp's pin 99"):
        GpioLamps(RED, 99, active_high=True, factory=MockFactory())


@pytest.mark.parametrize("pins", [(RED, RED), (RED, RED, AMBER), (RED, GREEN, RED), (RED, GREEN, GREEN)])
def test_one_pin_for_two_lamps_is_refused(pins: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two lamps are on one pin"):
        GpioLamps(*pins, active_high=True, factory=MockFactory())


@pytest.mark.parametrize("pins", [{"red_pin": RED}, {"green_pin": GREEN}, {}])
def test_both_pins_are_needed(pins: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="red pin and a green pin"):
        open_signal("gpio", **pins)


def test_gpiozeros_own_errors_are_device_errors() -> None:
    factory = MockFactory()
    signal = LeasedSignal(GpioLamps(RED, GREEN, active_high=True, factory=factory))
    factory.pin(RED).function = "input"  # somebody else reconfigured the pin
    with pytest.raises(DeviceError, match="red lamp") as failed:
        signal.show(red=True, green=False)
    assert isinstance(failed.value.__cause__, PinSetInput)
    factory.pin(RED).function = "output"
    signal.close()


@pytest.mark.hardware
@pytest.mark.parametrize("active_high", [True, False])
def test_real_lamps_follow(active_high: bool) -> None:  # noqa: FBT001 - a table
    from drivers.signal.lgpio_pins import lgpio as real  # noqa: PLC0415 - only where there are pins

    with open_pins(active_high=active_high) as signal:
        signal.show(red=False, green=True, lease_s=5)
        leds = signal._lamps._leds
        level = real.gpio_read(leds["green"].pin.factory._handle, GREEN)
        assert bool(level) is active_high
