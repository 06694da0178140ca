"""What contacts promise, on each kind that ships."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.contacts import QUEUE_MAX, Closing, Contacts, open_contacts
from drivers.contacts.gpio import OPEN_NS, GpioContacts
from drivers.contacts.simulated import SimulatedContacts
from drivers.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from drivers.contacts import ContactName

PINS: dict[ContactName, int] = {"override": 5, "passage": 6}


class Rig(Protocol):
    """Contacts, hands on them, and a clock."""

    contacts: Contacts
    now_ns: int

    def touch(self, name: ContactName) -> None: ...


class SimulatedRig:
    def __init__(self, folder: Path) -> None:
        self.now_ns = 1_000_000_000
        self.contacts = SimulatedContacts(folder / "contacts", lambda: self.now_ns)

    def touch(self, name: ContactName) -> None:
        self.contacts.press() if name == "override" else self.contacts.pass_through()


class MockPinsRig:
    def __init__(self, *, active_high: bool) -> None:
        self.now_ns = 1_000_000_000
        self._active_high = active_high
        self._factory = MockFactory()
        self.contacts = GpioContacts(
            PINS, active_high=active_high, factory=self._factory, monotonic_ns=lambda: self.now_ns
        )

    def put(self, name: ContactName, *, closed: bool) -> None:
        pin = self._factory.pin(PINS[name])
        pin.drive_high() if closed == self._active_high else pin.drive_low()

    def touch(self, name: ContactName) -> None:
        self.put(name, closed=True)
        self.put(name, closed=False)


RIGS: dict[str, Callable[[Path], Rig]] = {
    "simulated": SimulatedRig,
    "gpio-to-ground": lambda _: MockPinsRig(active_high=False),
    "gpio-to-3.3-V": lambda _: MockPinsRig(active_high=True),
}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    rig.contacts.close()


def readable(contacts: Contacts) -> bool:
    return bool(select.select([contacts], [], [], 0)[0])


def test_nothing_has_closed_at_the_start(rig: Rig) -> None:
    assert not readable(rig.contacts)
    assert rig.contacts.closings() == []


def test_each_contact_is_told_once_with_its_moment_and_wakes_who_waits(rig: Rig) -> None:
    for name in PINS:
        rig.now_ns += 1_000_000_000
        rig.touch(name)
        assert readable(rig.contacts)
        assert rig.contacts.closings() == [Closing(name, rig.now_ns)]
        assert not readable(rig.contacts)
        assert rig.contacts.closings() == []


def test_closings_are_told_in_their_order(rig: Rig) -> None:
    for name in ("passage", "override", "passage"):
        rig.now_ns += OPEN_NS
        rig.touch(name)
    assert [closing.name for closing in rig.contacts.closings()] == ["passage", "override", "passage"]


def test_more_than_anybody_asks_for_is_dropped(rig: Rig) -> None:
    for _ in range(2 * QUEUE_MAX):
        rig.now_ns += OPEN_NS
        rig.touch("passage")
    assert len(rig.contacts.closings()) == QUEUE_MAX
    assert rig.contacts.closings() == []


def test_closed_contacts_tell_nothing_and_may_be_closed_again(rig: Rig) -> None:
    rig.touch("override")
    rig.contacts.close()
    rig.contacts.close()
    assert rig.contacts.closings() in ([], [Closing("override", rig.now_ns)])
    with pytest.raises(DeviceError, match="closed"):
        rig.contacts.fileno()


def test_a_context_releases_them(rig: Rig) -> None:
    with rig.contacts as contacts:
        contacts.fileno()
    with pytest.raises(DeviceError, match="closed"):
        rig.contacts.fileno()


@pytest.fixture(params=[True, False], ids=["to-3.3-V", "to-ground"])
def pins(request: pytest.FixtureRequest) -> Iterator[MockPinsRig]:
    rig = MockPinsRig(active_high=request.param)
    yield rig
    rig.contacts.close()


def test_a_contact_that_bounces_has_closed_once(pins: MockPinsRig) -> None:
    for bounced in (0, 5_000_000, 60_000_000):  # pressed, held and let go: worn contacts, the worst of them
        pins.now_ns += bounced
        pins.touch("override")
    assert len(pins.contacts.closings()) == 1


def test_a_contact_that_is_held_has_closed_once_and_counts_anew_after_it_was_open(pins: MockPinsRig) -> None:
    pins.put("override", closed=True)
    pins.now_ns += 60_000_000_000
    assert len(pins.contacts.closings()) == 1
    pins.put("override", closed=False)
    pins.now_ns += OPEN_NS
    pins.touch("override")
    assert len(pins.contacts.closings()) == 1


def test_one_contact_does_not_hide_another(pins: MockPinsRig) -> None:
    pins.touch("override")
    pins.touch("passage")
    assert [closing.name for closing in pins.contacts.closings()] == ["override", "passage"]


@pytest.mark.parametrize("active_high", [True, False])
def test_a_contact_closed_at_the_start_counts_once_it_was_open(active_high: bool) -> None:  # noqa: FBT001 - a table
    class Stuck(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
        def pin(self, name: object) -> Any:  # noqa: ANN401 - gpiozero ships no types
            pin = super().pin(name)
            pin._set_pull = lambda _: None  # the closed contact is stronger
            pin._state = active_high
            return pin

    factory = Stuck()
    now_ns = 0
    with GpioContacts(
        {"override": 5}, active_high=active_high, factory=factory, monotonic_ns=lambda: now_ns
    ) as contacts:
        assert contacts.closings() == []
        pin = factory.pin(5)
        pin.drive_low() if active_high else pin.drive_high()
        now_ns += OPEN_NS
        pin.drive_high() if active_high else pin.drive_low()
        assert len(contacts.closings()) == 1


@pytest.mark.hardware
def test_a_real_button_is_told_once() -> None:
    """Wire a button from GPIO 5 to ground, and press it once within 10 s."""
    with open_contacts("gpio", override_pin=5) as contacts:
        assert select.select([contacts], [], [], 10)[0]
        assert [closing.name for closing in contacts.closings()] == ["override"]
        assert select.select([contacts], [], [], 1)[0] == []
